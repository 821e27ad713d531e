"""The words between a call and its dialog: commands out, events in.

The dialog (``ivr/``) is a generator that yields one command and is sent one event; the call
(``voice/``) carries the command out on a channel. Neither knows the other.

==============  ==============================================================
command         event sent back
==============  ==============================================================
``Ask``         ``Keys`` (one key, or as many as asked for) or ``Silence``
``Say``         ``Done`` (played to its end; nothing interrupts it but hang-up)
``Prepare``     ``Done``: what is said can be taken; or ``Refused``: it cannot
``Listen``      ``Heard``: a recording ended, and how
``PlayBack``    ``Keys`` or ``Silence``
``PlayAnswer``  ``Keys`` or ``Silence``, or ``Refused``: it does not open
``Keep``        ``Kept`` with the case code, or ``Refused``
``LookUp``      ``Found``, ``NotFound``, or ``Refused``: the store does not answer
``Speak``       ``Done``: the language of prompts from here on
``Count``       ``Done``: it is counted, without anything of the call
==============  ==============================================================

Any command may be answered by ``HungUp``; what was recorded is kept by the call itself, so the
dialog just ends. When the generator returns, the call hangs up.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.tip import State


@dataclass(frozen=True, slots=True)
class Ask:
    """Play ``prompts`` one after the other; any key interrupts; then wait ``seconds`` for one.

    ``digits``: how many keys make the answer. With more than one, each further key is waited
    for ``seconds``, ``#`` ends early, and ``*`` ends at once and is the last of them. As a first
    key ``#`` is not heard: many people press it after a choice, out of habit.
    """

    prompts: tuple[str, ...]
    seconds: float = 5.0
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Say:
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """Record until ``#``, hang-up or the longest time; ``append`` goes on from what is there.

    ``disguised``: the voice is changed before it is sealed. ``addition``: to the case that the
    last ``LookUp`` found, instead of a tip of its own.
    """

    append: bool = False
    disguised: bool = False
    addition: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    """Begin in the store what ``listen`` is going to record: nothing is to be waited for between
    the tone and the caller's first word. Without it ``listen`` does so itself."""

    listen: Listen


@dataclass(frozen=True, slots=True)
class PlayBack:
    """Let the caller hear what was recorded last in this call; any key but ``#`` interrupts."""


@dataclass(frozen=True, slots=True)
class PlayAnswer:
    """Let the caller hear what the reviewers answered to the case that the last ``LookUp`` found;
    any key but ``#`` interrupts."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Seal, commit, and give a case code, unless it is an addition. What is recorded after it
    is a tip of its own."""


@dataclass(frozen=True, slots=True)
class LookUp:
    code: CaseCode


@dataclass(frozen=True, slots=True)
class Speak:
    """``chosen``: by the caller, or there is no choice. Until then an apology is made in all
    languages."""

    language: str
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class Count:
    """``what``: a fixed word."""

    what: str


Command = Ask | Say | Prepare | Listen | PlayBack | PlayAnswer | Keep | LookUp | Speak | Count


EMPTY_SECONDS = 0.5
"""A shorter recording is a slip of the finger, no speech."""


class Ended(StrEnum):
    """How a recording ended."""

    KEY = "key"
    HANGUP = "hangup"
    LIMIT = "limit"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Keys:
    keys: str


@dataclass(frozen=True, slots=True)
class Silence:
    """No key came in time."""


@dataclass(frozen=True, slots=True)
class Done:
    pass


@dataclass(frozen=True, slots=True)
class Heard:
    """``spoken``: it is not silence alone."""

    ended: Ended
    seconds: float
    spoken: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """``code``: None for what was added to a case, which has its code already."""

    code: CaseCode | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The store cannot take it now, or does not answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """``answered``: there is an answer to be heard. ``open``: something can be added."""

    state: State
    answered: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class NotFound:
    pass


@dataclass(frozen=True, slots=True)
class HungUp:
    pass


Event = Keys | Silence | Done | Heard | Kept | Refused | Found | NotFound | HungUp

Dialog = Generator[Command, Event, None]
