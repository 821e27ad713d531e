"""Hearing about a tip: with its code, and with nothing else.

Five wrong tries end the call, so that the line is no way to search for codes. A code whose check
digit is wrong is told apart from one that nobody was given: that says nothing that the digits
themselves do not say. Whether there is a case is told only by what is said next, never by how
long it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import Command, Event, Found, LookUp, NotFound, PlayAnswer, Refused
from tipline_gw.ivr import memory as m
from tipline_gw.ivr.leaving import GOODBYE, LEAVE
from tipline_gw.ivr.memory import THE_STATE, Effect, If, Memory
from tipline_gw.ivr.stages import (
    DONE,
    END,
    KEY,
    SILENCE,
    Act,
    Edge,
    Entry,
    Lead,
    Menu,
    Stage,
    Tell,
)
from tipline_gw.prompts import names

ENTER: Final = "enter-code"
SETTLE, LOOK_UP, TOO_MANY = "settle", "look-up", "too-many-tries"
STATE, ANSWER, CASE = "state", "answer", "case"
BACK, ERASED, ADVICE = "*", "digits and *", "0"
CODE, MISTYPED, SHORT = "a code", "a mistyped code", "too few digits"
FOUND, NOT_FOUND, REFUSED = "found", "not found", "refused"
WRONG, ENOUGH = "code-wrong", "too-many-tries"

SECONDS: Final = 6.0
"""For each digit: people read it off a scrap of paper."""

SETTLE_SECONDS: Final = 1.5
"""A doubled key makes a code full too early; what is still typed belongs to it."""

Additions = tuple[tuple[str, Effect, tuple[str, ...]], ...]
"""The keys that add to a case, in which voice, and what is said then."""


def hearing(main: str, additions: Additions, offer: tuple[str, ...]) -> Sequence[Stage]:
    """The stages. ``main``: where ``*`` leads back to. ``offer``: what the long menu says of the
    voice."""
    return (*_entering(main), _look_up(main), *_telling(), _case(main, additions, offer))


def _entering(main: str) -> tuple[Stage, ...]:
    enter = Entry(
        ENTER,
        "the code by keypad; # ends it early, * erases it",
        (
            Edge(CODE, LOOK_UP, does=m.typed),
            *_wrong(MISTYPED, names.CODE_MISTYPED, SETTLE),
            *_wrong(SHORT, names.CODE_MISTYPED, ENTER),
            Edge(ERASED, ENTER),
            Edge(BACK, main),
            Edge(ADVICE, ENTER, say=(names.ADVICE,)),
            Edge(SILENCE, main),
        ),
        first=(names.ENTER_CODE,),
        seconds=SECONDS,
        outcome=what_was_typed,
    )
    settle = Entry(
        SETTLE,
        "lets whoever still types finish",
        (Edge(BACK, main), Edge(DONE, ENTER), Edge(SILENCE, ENTER)),
        first=(),
        seconds=SETTLE_SECONDS,
        outcome=lambda typed: BACK if typed == "*" else DONE,
        repeats=0,
    )
    return enter, settle


def _wrong(on: str, news: str, to: str) -> tuple[Edge, ...]:
    return (
        Edge(on, TOO_MANY, when=m.last_try, say=(news,), does=m.wrong_try, counts=(WRONG, ENOUGH)),
        Edge(on, to, say=(news,), does=m.wrong_try, counts=(WRONG,)),
    )


def what_was_typed(typed: str) -> str:
    """``0`` alone is the key for advice; no code has one digit."""
    if typed in (BACK, ADVICE):
        return typed
    if "*" in typed:
        return ERASED
    if len(typed) < case_code.DIGITS:
        return SHORT
    return CODE if case_code.parse(typed) else MISTYPED


def _look_up(main: str) -> Act:
    return Act(
        LOOK_UP,
        "asks the store, in the same time whether there is a case or not",
        (
            Edge(FOUND, STATE, does=m.found),
            *_wrong(NOT_FOUND, names.CODE_UNKNOWN, ENTER),
            Edge(REFUSED, main, say=(names.CANNOT_TELL_NOW,)),
        ),
        command=_asked_for,
        outcome=_came_of_it,
    )


def _asked_for(memory: Memory) -> Command:
    return LookUp(memory.code or CaseCode(""))


def _came_of_it(_memory: Memory, event: Event) -> str:
    if isinstance(event, Found):
        return FOUND
    return NOT_FOUND if isinstance(event, NotFound) else REFUSED


def _telling() -> tuple[Stage, ...]:
    """The answer is played without being asked for: one key less for whoever is afraid, and any
    key goes on."""
    return (
        Lead(
            STATE,
            "how the case stands",
            (Edge(KEY, CASE), Edge(SILENCE, ANSWER, when=m.answered), Edge(SILENCE, CASE)),
            first=(THE_STATE, If(m.answered, names.ANSWER_FOLLOWS)),
        ),
        Act(
            ANSWER,
            "plays what the reviewers answered",
            (
                Edge(KEY, CASE),
                Edge(SILENCE, CASE),
                Edge(REFUSED, CASE, say=(names.ANSWER_NOT_NOW,)),
            ),
            command=lambda _memory: PlayAnswer(),
            outcome=lambda _memory, event: REFUSED if isinstance(event, Refused) else SILENCE,
        ),
        Tell(
            TOO_MANY,
            "five wrong tries in all",
            (Edge(DONE, END),),
            first=(names.TOO_MANY_TRIES, names.GOODBYE),
        ),
    )


def _case(main: str, additions: Additions, offer: tuple[str, ...]) -> Menu:
    add = If(m.still_open, names.MENU_CASE_ADD)
    changed = tuple(If(m.still_open, prompt) for prompt in offer)
    return Menu(
        CASE,
        "hear it again, add something",
        (
            Edge("1", STATE),
            *(Edge(key, LEAVE, m.still_open, say, does) for key, does, say in additions),
            Edge("*", main),
            Edge("0", CASE, say=(names.ADVICE,)),
            Edge(SILENCE, GOODBYE),
        ),
        first=(names.MENU_CASE, add, names.MENU_CASE_BACK),
        again=(names.MENU_CASE, add, *changed, names.MENU_CASE_BACK),
    )
