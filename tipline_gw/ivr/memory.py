"""What the dialog remembers of one call, what can be asked of it, and what changes it.

The stages of the dialog are data; where their ways part, a *fact* decides, and what is to be
remembered on a way is an *effect*. Both are the functions here, each with a line that says what it
means: the map of the dialog is written from those lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import Event, Found, Kept, Keys
from tipline_gw.prompts import names

MOST_ANSWERS: Final = 40
"""Menus that one call may answer by key. Then each is asked once more and goes on as by silence,
which always leads to an end: nobody holds a line for ever."""

WRONG_TRIES: Final = 5
"""Codes in one call, however often it goes back to the menu: the line is no way to search."""

THE_CODE: Final = "(code)"
THE_STATE: Final = "(state)"
"""Stand in a list of prompts for what is known only in the call."""


@dataclass(slots=True)
class Memory:
    """Of one call; of a code no longer than it is needed."""

    language: str
    chosen: bool = True
    """The language."""
    stage: str = ""
    answers_left: int = MOST_ANSWERS
    tries_left: int = WRONG_TRIES
    asked_again: bool = False
    stands: bool = False
    append: bool = False
    changed: bool = False
    adding: bool = False
    code: CaseCode | None = None
    case: Found | None = None
    key: str = ""
    """Pressed during a prompt that leads to a menu: the answer to it."""
    news: tuple[str, ...] = field(default=())
    """To be said in front of what is said next."""

    def said(self, prompts: tuple[Prompt, ...]) -> tuple[str, ...]:
        """The news, which are then told, and ``prompts`` as they are in this call."""
        news, self.news = self.news, ()
        return (*news, *(each for prompt in prompts for each in self._one(prompt)))

    def take_key(self) -> str:
        key, self.key = self.key, ""
        return key

    def _one(self, prompt: Prompt) -> tuple[str, ...]:
        if isinstance(prompt, If):
            return (prompt.prompt,) if prompt.fact(self) else ()
        if prompt == THE_CODE:
            return spelled(self.code) if self.code else ()
        if prompt == THE_STATE:
            return (names.state(self.case.state),) if self.case else ()
        return (prompt,)


Fact = Callable[[Memory], bool]
Effect = Callable[[Memory, Event], None]


@dataclass(frozen=True, slots=True)
class If:
    """A prompt that is said only where ``fact`` holds."""

    fact: Fact
    prompt: str


Prompt = str | If


def spelled(code: CaseCode) -> tuple[str, ...]:
    """Digit by digit at a pace to write down: a pause after each, three between groups of four."""
    said: list[str] = [names.PAUSE]
    for group in case_code.groups(code):
        for digit in group:
            said += [names.digit(digit), names.PAUSE]
        said += [names.PAUSE] * 2
    return tuple(said[:-2])


# Facts.


def stands(memory: Memory) -> bool:
    """something is recorded"""
    return memory.stands


def adding(memory: Memory) -> bool:
    """it is an addition"""
    return memory.adding


def changed(memory: Memory) -> bool:
    """the voice is changed"""
    return memory.changed


def first_silence(memory: Memory) -> bool:
    """the first time"""
    return not memory.asked_again


def last_try(memory: Memory) -> bool:
    """it was the last try"""
    return memory.tries_left <= 1


def answered(memory: Memory) -> bool:
    """there is an answer"""
    return memory.case is not None and memory.case.answered


def still_open(memory: Memory) -> bool:
    """the case is open"""
    return memory.case is not None and memory.case.open


# Effects.


def own_voice(memory: Memory, _event: Event) -> None:
    """a tip in the caller's own voice"""
    _begin(memory, changed=False, adding=False)


def changed_voice(memory: Memory, _event: Event) -> None:
    """a tip with a changed voice"""
    _begin(memory, changed=True, adding=False)


def add_own_voice(memory: Memory, _event: Event) -> None:
    """an addition in the caller's own voice"""
    _begin(memory, changed=False, adding=True)


def add_changed_voice(memory: Memory, _event: Event) -> None:
    """an addition with a changed voice"""
    _begin(memory, changed=True, adding=True)


def _begin(memory: Memory, *, changed: bool, adding: bool) -> None:
    memory.changed, memory.adding = changed, adding
    memory.append = memory.stands = memory.asked_again = False


def afresh(memory: Memory, _event: Event) -> None:
    """the old recording stays until there is a new one"""
    memory.append = memory.asked_again = False


def anew(memory: Memory, _event: Event) -> None:
    """from the beginning"""
    memory.append = memory.asked_again = False


def onward(memory: Memory, _event: Event) -> None:
    """it goes on from what is recorded"""
    memory.append, memory.asked_again = True, False


def recorded(memory: Memory, _event: Event) -> None:
    """something is recorded now"""
    memory.stands, memory.asked_again = True, False


def ask_again(memory: Memory, _event: Event) -> None:
    """asked once more"""
    memory.asked_again = True


def given(memory: Memory, event: Event) -> None:
    """the code is given"""
    memory.stands = False
    memory.code = event.code if isinstance(event, Kept) else None


def no_news(memory: Memory, _event: Event) -> None:
    """what was to be said first is left out"""
    memory.news = ()


def found(memory: Memory, event: Event) -> None:
    """the case is found"""
    memory.code = None
    memory.case = event if isinstance(event, Found) else None


def typed(memory: Memory, event: Event) -> None:
    """this code is looked up"""
    memory.code = case_code.parse(event.keys) if isinstance(event, Keys) else None


def wrong_try(memory: Memory, _event: Event) -> None:
    """one try less"""
    memory.code = None
    memory.tries_left -= 1
