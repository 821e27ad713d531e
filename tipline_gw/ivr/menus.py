"""The rule that every menu follows, and the two menus of the dialog.

A key answers at any moment, also in the middle of a prompt. Silence or a key that means nothing
repeats the menu twice; then the dialog goes on with the safest choice, so that a caller who cannot
press keys, or must not be seen pressing them, is never stuck.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeVar

from tipline_gw.domain.dialog import Ask, Command, Dialog, Event, HungUp, Keys, Say
from tipline_gw.errors import CallerHungUp
from tipline_gw.prompts import names

Result = TypeVar("Result")
Steps = Generator[Command, Event, Result]
"""A part of the dialog: what it comes to is its return value."""

REPEATS: Final = 2
"""How often a menu is repeated before the safest choice is taken."""

SECONDS: Final = 4.0
"""Waited for a key after a menu: long enough to take a phone from the ear to its keypad."""


@dataclass(frozen=True, slots=True)
class Menu:
    """``first`` is said once, ``again`` at each repeat; ``keys`` are those that mean something."""

    first: tuple[str, ...]
    again: tuple[str, ...]
    keys: str
    seconds: float = SECONDS


def main_menu(several_languages: bool) -> Menu:
    """The short way first, for whoever hurries; the whole of it for whoever hesitates."""
    other = (names.MENU_MAIN_LANGUAGE,) if several_languages else ()
    return Menu((names.MENU_MAIN,), (names.MENU_MAIN_HELP, *other), "1290*")


REVIEW: Final = Menu((names.MENU_REVIEW,), (names.MENU_REVIEW,), "1234")


def step(command: Command) -> Steps[Event]:
    """One command and its event. Raises CallerHungUp, which ends the whole dialog."""
    event = yield command
    if isinstance(event, HungUp):
        raise CallerHungUp
    return event


def say(*prompts: str) -> Steps[None]:
    yield from step(Say(prompts))


def choose(menu: Menu, before: tuple[str, ...] = ()) -> Steps[str | None]:
    """The key pressed, one of the menu's; ``None`` for silence. ``before`` is said in front of it,
    and interrupted by a key like the menu itself."""
    prompts = (*before, *menu.first)
    for _ in range(1 + REPEATS):
        event = yield from step(Ask(prompts, menu.seconds))
        if isinstance(event, Keys) and len(event.keys) == 1 and event.keys in menu.keys:
            return event.keys
        prompts = menu.again
    return None


def until_hung_up(steps: Steps[None]) -> Dialog:
    """A caller who is gone ends the dialog without a word; the call keeps what was recorded."""
    try:
        yield from steps
    except CallerHungUp:
        return
