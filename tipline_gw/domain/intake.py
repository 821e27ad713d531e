"""What a call needs of the intake, as shapes: the rooms themselves do not import one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.tip import State, TipId

RECORDINGS_A_TIP = 3
"""A tip may hold so many longest recordings in all."""


@dataclass(frozen=True, slots=True)
class CaseNews:
    """What a code opens. ``open``: something can be added to it. ``answer``: the reviewers'
    answer as PCM (signed linear, 16 bit, 8 kHz, mono), spoken in the language it is called with
    if it was written; it is opened when it is asked for, lives in RAM alone, and may raise
    TiplineError."""

    tip_id: TipId
    state: State
    open: bool = False
    answer: Callable[[str], bytearray] | None = None


class Recording(Protocol):
    """One recording under way. Sealed and committed as it is spoken."""

    @property
    def room(self) -> float:
        """Seconds that it still takes."""

    def write(self, pcm: bytes | bytearray | memoryview) -> None:
        """Signed linear, 16 bit little-endian, 8 kHz, mono. Raises TiplineError if the store
        takes no more; what was committed stays."""

    def finish(self, ended: Ended, *, spoken: bool = True) -> None:
        """Seal and commit the rest; returns when it is on disk. Call exactly once. Not ``spoken``:
        it is silence alone, and is dropped."""


class VoiceTip(Protocol):
    """The tip of one call: nothing is stored before its first recording begins."""

    language: str | None
    adds_to: TipId | None
    """The case it is added to; to be set before the first recording."""
    disguised: bool
    """Whether what is written to the next recording is a changed voice; to be set before it."""

    def record(self, *, append: bool) -> Recording:
        """Begin a recording. With ``append`` what was said before stays in front of it; else it
        takes the place of what was said before, once it has ended and is not empty. After keep(),
        or for another ``adds_to`` than before, it begins another tip. Raises TiplineError: the
        store takes nothing, or the case is not open any more."""

    def spoken(self) -> memoryview:
        """All that stands recorded, as PCM, for the caller to hear. RAM only."""

    def keep(self) -> CaseCode | None:
        """Commit the envelope and give a case code; returns when both are on disk. None where
        it is added to a case. After a TiplineError, which says that it is not kept as a whole or
        has no code, it may be tried again."""

    def close(self) -> None:
        """The call is over. Keeps whatever was recorded and wipes the PCM. May follow keep().
        Raises nothing of TiplineError: nobody is left to be told."""
