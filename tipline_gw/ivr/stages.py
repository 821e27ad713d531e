"""The vocabulary of the dialog as data: stages, and the edges that lead from one to the next.

Nothing is said or asked here; :mod:`tipline_gw.ivr.walker` does that. A dialog that is data can be
drawn (``docs/dialog.md`` is), walked edge by edge by a test, and checked for dead ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tipline_gw.domain import case_code
from tipline_gw.domain.dialog import Command, Event
from tipline_gw.ivr.memory import Effect, Fact, Memory, Prompt

REPEATS: Final = 2
"""How often a menu is repeated after silence or a wrong key, before it goes on by itself."""

SECONDS: Final = 4.0
"""Waited for a key after a menu: long enough to take a phone from the ear to its keypad."""

AT_ONCE: Final = 0.0
"""Keys count during the prompt; after it nobody is kept waiting."""

SILENCE: Final = "silence"
OTHER: Final = "any other key"
KEY: Final = "a key"
DONE: Final = "then"

END: Final = "end"
"""The stage after the last: the line hangs up."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Where ``on`` leads: a key of the telephone, or what came of the stage.

    Of several edges for the same ``on`` the first whose ``when`` holds is taken. ``say`` comes in
    front of what is said next, ``does`` is remembered, ``counts`` counted, ``speak`` the language
    from there on, which the caller chose if it ``chooses``.
    """

    on: str
    to: str
    when: Fact | None = None
    say: tuple[Prompt, ...] = ()
    does: Effect | None = None
    counts: tuple[str, ...] = ()
    speak: str = ""
    chooses: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """``about``: what it is for, in the words of the map."""

    name: str
    about: str
    edges: tuple[Edge, ...]

    def edge(self, on: str, memory: Memory) -> Edge | None:
        """The way from here; ``None`` for what means nothing here."""
        for edge in self.edges:
            if edge.on == on and (edge.when is None or edge.when(memory)):
                return edge
        return None


@dataclass(frozen=True, slots=True)
class Menu(Stage):
    """One key answers, at any moment. ``first`` is said once, ``again`` at each repeat; a key
    without an edge repeats like silence, unless there is an edge for every other key."""

    first: tuple[Prompt, ...]
    again: tuple[Prompt, ...]
    seconds: float = SECONDS
    repeats: int = REPEATS


@dataclass(frozen=True, slots=True)
class Entry(Stage):
    """Several keys answer; ``outcome`` says what they come to. Silence repeats it."""

    first: tuple[Prompt, ...]
    seconds: float
    outcome: Callable[[str], str]
    digits: int = case_code.DIGITS
    repeats: int = REPEATS


@dataclass(frozen=True, slots=True)
class Lead(Stage):
    """Said in front of a menu; a key interrupts it and is that menu's answer."""

    first: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Tell(Stage):
    """Said to its end. A key pressed meanwhile is kept for the next question."""

    first: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Act(Stage):
    """Something done: ``command`` for the call, and ``outcome`` of what came back. A key that
    came back is the answer to the menu it leads to."""

    command: Callable[[Memory], Command]
    outcome: Callable[[Memory, Event], str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole dialog: ``start`` leads to its first stage."""

    start: Edge
    stages: Mapping[str, Stage]


def planned(start: Edge, *stages: Stage) -> Plan:
    """In the order given, which is that of the map."""
    return Plan(start, {stage.name: stage for stage in stages})
