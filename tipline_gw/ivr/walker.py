"""Walks a call through the stages of a plan: the rule that every stage of a kind follows.

A key answers at any moment, also in the middle of a prompt. Silence or a key that means nothing
repeats a menu twice; then the dialog goes on with the safest choice, so that a caller who cannot
press keys, or must not be seen pressing them, is never stuck.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from tipline_gw.domain.dialog import (
    Ask,
    Command,
    Count,
    Done,
    Event,
    HungUp,
    Keys,
    Say,
    Silence,
    Speak,
)
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr.memory import Memory
from tipline_gw.ivr.stages import (
    AT_ONCE,
    DONE,
    END,
    KEY,
    OTHER,
    SILENCE,
    Act,
    Edge,
    Entry,
    Lead,
    Menu,
    Plan,
    Stage,
    Tell,
)

Result = TypeVar("Result")
Steps = Generator[Command, Event, Result]
"""A part of the dialog: what it comes to is its return value."""

Taken = tuple[Edge, Event]
"""The edge that leads on, and the event that chose it."""

Watch = Callable[[Stage, Edge], None]


def walk(plan: Plan, memory: Memory, watch: Watch = lambda _stage, _edge: None) -> Steps[None]:
    """From the start to the end. ``watch`` is told each edge taken. Raises CallerHungUp."""
    yield from step(Speak(memory.language, memory.chosen))
    yield from _follow(plan.start, Done(), memory)
    while memory.stage != END:
        stage = plan.stages[memory.stage]
        edge, event = yield from _visit(stage, memory)
        watch(stage, edge)
        yield from _follow(edge, event, memory)


def step(command: Command) -> Steps[Event]:
    """One command and its event. Raises CallerHungUp, which ends the whole dialog."""
    event = yield command
    if isinstance(event, HungUp):
        raise CallerHungUp
    return event


def _follow(edge: Edge, event: Event, memory: Memory) -> Steps[None]:
    memory.news = memory.said(edge.say)
    if edge.does is not None:
        edge.does(memory, event)
    for what in edge.counts:
        yield from step(Count(what))
    if edge.speak and (edge.speak != memory.language or edge.chooses > memory.chosen):
        memory.language, memory.chosen = edge.speak, memory.chosen or edge.chooses
        yield from step(Speak(memory.language, memory.chosen))
    memory.stage = edge.to


def _visit(stage: Stage, memory: Memory) -> Steps[Taken]:
    match stage:
        case Menu():
            return (yield from _choose(stage, memory))
        case Entry():
            return (yield from _enter(stage, memory))
        case Lead():
            event = yield from step(Ask(memory.said(stage.first), AT_ONCE))
            return _carried(stage, memory, event, SILENCE)
        case Act():
            event = yield from step(stage.command(memory))
            return _carried(stage, memory, event, stage.outcome(memory, event))
        case Tell():
            event = yield from step(Say(memory.said(stage.first)))
            return _taken(stage, memory, DONE, event)
    raise TypeError(f"no way to visit a {type(stage).__name__}")


def _choose(menu: Menu, memory: Memory) -> Steps[Taken]:
    carried = Keys(memory.take_key())
    prompts = memory.said(menu.first)
    edge = menu.edge(carried.keys, memory)
    if edge is not None and memory.answers_left:
        memory.answers_left -= 1
        return edge, carried
    if not memory.answers_left and menu.seconds == AT_ONCE:
        # A key would cut it off and answer nothing.
        return _taken(menu, memory, SILENCE, (yield from step(Say(prompts))))
    for _ in range(1 + (menu.repeats if memory.answers_left else 0)):
        event = yield from step(Ask(prompts, menu.seconds))
        edge = _answer(menu, memory, event)
        if edge is not None and memory.answers_left:
            memory.answers_left -= 1
            return edge, event
        prompts = memory.said(menu.again)
    return _taken(menu, memory, SILENCE, Silence())


def _answer(menu: Menu, memory: Memory, event: Event) -> Edge | None:
    if not isinstance(event, Keys):
        return None
    return menu.edge(event.keys, memory) or menu.edge(OTHER, memory)


def _enter(entry: Entry, memory: Memory) -> Steps[Taken]:
    # News wait for a stage that speaks.
    prompts = memory.said(entry.first) if entry.first else ()
    for _ in range(1 + (entry.repeats if memory.answers_left else 0)):
        event = yield from step(Ask(prompts, entry.seconds, entry.digits))
        typed = event.keys.strip("#") if isinstance(event, Keys) else ""
        if typed and memory.answers_left:
            memory.answers_left -= 1
            return _taken(entry, memory, entry.outcome(typed), Keys(typed))
        prompts = memory.said(entry.first) if entry.first else ()
    return _taken(entry, memory, SILENCE, Silence())


def _carried(stage: Stage, memory: Memory, event: Event, otherwise: str) -> Taken:
    if isinstance(event, Keys) and event.keys:
        memory.key = event.keys
        return _taken(stage, memory, KEY, event)
    return _taken(stage, memory, otherwise, event)


def _taken(stage: Stage, memory: Memory, on: str, event: Event) -> Taken:
    edge = stage.edge(on, memory)
    if edge is None:
        raise LookupError(f"the dialog has no way from {stage.name} on {on}")
    return edge, event
