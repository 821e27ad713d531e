"""Hearing about a tip: with its code, and with nothing else.

A code that is mistyped and one that does not exist get the same answer, and five wrong tries end
the call, so that the line is no way to search for codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tipline_gw.domain import case_code
from tipline_gw.domain.dialog import Ask, Found, Keys, LookUp
from tipline_gw.ivr.menus import REPEATS, Steps, say, step
from tipline_gw.prompts import names

WRONG_TRIES: Final = 5

SECONDS: Final = 6.0
"""For each digit: people read it off a scrap of paper."""


@dataclass(slots=True)
class Tries:
    """Counted through the whole call: going back to the menu does not win new ones."""

    left: int = WRONG_TRIES


def hear_about(tries: Tries) -> Steps[tuple[str, ...] | None]:
    """What to say in front of the main menu: the state, or nothing after silence or ``*``.
    ``None`` where the tries are used up, and the call ends."""
    news: tuple[str, ...] = ()
    silences = 0
    while silences <= REPEATS:
        event = yield from step(Ask((*news, names.ENTER_CODE), SECONDS, case_code.DIGITS))
        news = ()
        if not isinstance(event, Keys) or not event.keys.strip("#"):
            silences += 1
        elif "*" in event.keys:
            return ()
        else:
            state = yield from _look_up(event.keys)
            if state:
                return (state,)
            tries.left -= 1
            if not tries.left:
                yield from say(names.CODE_WRONG, names.TOO_MANY_TRIES, names.GOODBYE)
                return None
            news = (names.CODE_WRONG,)
    return ()


def _look_up(typed: str) -> Steps[str | None]:
    """The prompt of the state; the check digit spares the store what cannot be a code."""
    code = case_code.parse(typed)
    if code is None:
        return None
    event = yield from step(LookUp(code))
    return names.state(event.state) if isinstance(event, Found) else None
