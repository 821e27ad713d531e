"""What the line says to a caller, from the first word to the last: commands out, events in.

It is a generator and touches nothing: no channel, no clock, no store (see
:mod:`tipline_gw.domain.dialog` for the words it speaks with the call). It cannot fail: whatever
the caller does leads on, and after a bounded number of steps it ends, so that no caller can hold a
line for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.domain.dialog import Dialog
from tipline_gw.ivr.hearing import Tries, hear_about
from tipline_gw.ivr.languages import choose_language
from tipline_gw.ivr.leaving import leave_tip
from tipline_gw.ivr.menus import Steps, choose, main_menu, say, until_hung_up
from tipline_gw.prompts import names

MOST_ROUNDS: Final = 12
"""Through the main menu; then the call ends."""


def dialog(languages: Sequence[str]) -> Dialog:
    """The dialog of one call. ``languages``: one to nine, in the order of the language menu.

    It returns when the call is to be hung up, and silently after ``HungUp``.
    """
    return until_hung_up(_call(languages))


def _call(languages: Sequence[str]) -> Steps[None]:
    yield from choose_language(languages)
    menu, tries = main_menu(len(languages) > 1), Tries()
    before: tuple[str, ...] = (names.WELCOME,)
    for _ in range(MOST_ROUNDS):
        key = yield from choose(menu, before)
        if key == "2":
            leads_on = yield from hear_about(tries)
        else:
            leads_on = yield from _other(key, languages)
        if leads_on is None:
            return
        before = leads_on
    yield from say(names.GOODBYE)


def _other(key: str | None, languages: Sequence[str]) -> Steps[tuple[str, ...] | None]:
    """What to say in front of the next main menu; ``None`` where the call is over."""
    if key == "9":
        return (names.WELCOME, names.MENU_MAIN_HELP)
    if key == "0":
        return (names.ADVICE,)
    if key == "*":
        yield from choose_language(languages)
        return ()
    # 1, and silence: whoever cannot press keys can still speak.
    left = yield from leave_tip()
    return None if left else ()
