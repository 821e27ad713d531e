"""Leaving a tip: the tone, the speech, the second thoughts, and the case code at the end.

What was spoken is kept whatever happens: by silence, by any number of wrong keys, by hang-up. A
code, once given, is always said through to its end; nothing but hang-up interrupts its first
telling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import (
    EMPTY_SECONDS,
    Ask,
    Ended,
    Heard,
    Keep,
    Kept,
    Keys,
    Listen,
    PlayBack,
)
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr.menus import REPEATS, REVIEW, SECONDS, Steps, choose, say, step
from tipline_gw.prompts import names

MOST_REVIEWS: Final = 12
MOST_HEARINGS: Final = 8
"""Nobody needs more, and a line must not be held for ever: then the tip is kept, the call ends."""

AT_ONCE: Final = 0.1
"""Seconds. Keys count during the prompt; after it nobody is kept waiting for the tone."""


@dataclass(slots=True)
class _Tape:
    """What the caller must know of the recording: whether there is one, and how the last ended."""

    stands: bool = False
    ended: Ended | None = None


def leave_tip() -> Steps[bool]:
    """From the instruction to the goodbye; ``False`` if the caller went back with ``*``."""
    event = yield from step(Ask((names.LEAVE_TIP,), AT_ONCE))
    if isinstance(event, Keys) and event.keys == "*":
        return False
    tape = _Tape()
    yield from _record(tape)
    if tape.stands:
        yield from _review(tape)
        yield from _keep()
    elif tape.ended is Ended.FAILED:
        yield from say(names.CANNOT_TAKE_NOW, names.GOODBYE)
    else:
        yield from say(names.NOTHING_RECORDED, names.GOODBYE)
    return True


def _record(tape: _Tape, *, append: bool = False) -> Steps[None]:
    """The tone and the speech; once more where nothing was said."""
    for attempt in range(2):
        yield from say(*([names.NOTHING_HEARD] if attempt else []), names.TONE)
        event = yield from step(Listen(append))
        heard = event if isinstance(event, Heard) else Heard(Ended.FAILED, 0.0)
        if heard.ended is Ended.HANGUP:
            raise CallerHungUp
        tape.ended = heard.ended
        spoken = heard.ended is not Ended.FAILED and heard.seconds >= EMPTY_SECONDS
        tape.stands = tape.stands or spoken
        # Only a slip of the finger is worth a second try: there is nothing left after the limit.
        if spoken or heard.ended is not Ended.KEY:
            return


def _review(tape: _Tape) -> Steps[None]:
    """Until the caller keeps it, by key or by silence."""
    pressed: str | None = None
    for _ in range(MOST_REVIEWS):
        if tape.ended is Ended.FAILED:
            yield from say(names.PART_LOST)
            return
        key = pressed or (yield from choose(REVIEW, _news(tape)))
        pressed = None
        if key == "2":
            pressed = yield from _play_back()
        elif key in ("3", "4"):
            yield from _record(tape, append=key == "4")
        else:
            return


def _news(tape: _Tape) -> tuple[str, ...]:
    """That the time was over, said once."""
    if tape.ended is not Ended.LIMIT:
        return ()
    tape.ended = Ended.KEY
    return (names.LIMIT_REACHED,)


def _play_back() -> Steps[str | None]:
    """A key pressed while listening answers the menu that would follow."""
    event = yield from step(PlayBack())
    if isinstance(event, Keys) and len(event.keys) == 1 and event.keys in REVIEW.keys:
        return event.keys
    return None


def _keep() -> Steps[None]:
    event = yield from step(Keep())
    if isinstance(event, Kept):
        yield from _tell(event.code)
        yield from say(names.GOODBYE)
    else:
        yield from say(names.CANNOT_TAKE_NOW, names.GOODBYE)


def _tell(code: CaseCode) -> Steps[None]:
    """Twice, and again as often as ``1`` asks. Silence may be somebody looking for a pencil, so it
    repeats the code like any menu."""
    yield from say(names.YOUR_CODE, *spelled(code))
    once_more, silences = (names.CODE_REPEAT, *spelled(code)), 0
    for hearing in range(MOST_HEARINGS):
        care = () if hearing else (names.CODE_CARE,)
        event = yield from step(Ask((*once_more, *care, names.CODE_AGAIN), SECONDS))
        silences = 0 if isinstance(event, Keys) and event.keys == "1" else silences + 1
        if silences > REPEATS:
            return


def spelled(code: CaseCode) -> tuple[str, ...]:
    """Digit by digit, with a pause in front of each group of four and at the end."""
    said: list[str] = []
    for group in case_code.groups(code):
        said += [names.PAUSE, *map(names.digit, group)]
    return (*said, names.PAUSE)
