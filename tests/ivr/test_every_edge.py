"""Walks every way that the map of the dialog draws, and none that it does not."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.ivr.callers import ADDED, CODE
from tipline_gw.domain.dialog import (
    Ask,
    Command,
    Count,
    Done,
    Ended,
    Event,
    Found,
    Heard,
    Keep,
    Kept,
    Keys,
    Listen,
    LookUp,
    NotFound,
    PlayAnswer,
    PlayBack,
    Prepare,
    Refused,
    Silence,
    Speak,
)
from tipline_gw.domain.tip import State
from tipline_gw.ivr.dialog import plan
from tipline_gw.ivr.memory import Memory
from tipline_gw.ivr.stages import END, Edge, Plan, Stage
from tipline_gw.ivr.walker import walk

WRONG = Keys("8")
"""Means nothing anywhere."""
TYPED = tuple(map(Keys, ("*", "0", "1", "12*", "12345", CODE, CODE[:-1] + "0")))
RECORDED = (
    Heard(Ended.KEY, 9.0), Heard(Ended.LIMIT, 180.0), Heard(Ended.KEY, 0.2),
    Heard(Ended.KEY, 9.0, spoken=False), Heard(Ended.FAILED, 0.0), Heard(Ended.FAILED, 9.0),
    Heard(Ended.LIMIT, 0.0),
)  # fmt: skip
FOUND = tuple(
    Found(State.UNDER_REVIEW, answered, still_open)
    for answered in (False, True)
    for still_open in (False, True)
)
PLANS = {
    "as drawn": plan(["es", "en"], challenge="7"),
    "one language": plan(["es"]),
    "three languages, no challenge": plan(["es", "en", "maz"], disguise="off"),
    "a number of its own order": plan(["en", "es"], offered=["es", "maz", "en"], challenge="5"),
    "changed unless otherwise": plan(["en"], disguise="default", challenge="1"),
}


def alphabet(command: Command, stage: Stage, memory: Memory) -> Sequence[Event]:
    """All that can come back that makes a difference."""
    match command:
        case Ask(digits=1):
            keys = {edge.on for edge in stage.edges if len(edge.on) == 1}
            return (*map(Keys, sorted(keys)), WRONG, Silence())
        case Ask():
            return (*TYPED, Silence())
        case PlayBack():
            return (Keys("1"), WRONG, Silence())
        case PlayAnswer():
            return (Keys("1"), WRONG, Silence(), Refused())
        case Prepare():
            return (Done(), Refused())
        case Listen():
            return RECORDED
        case Keep():
            return (ADDED if memory.adding else Kept(CODE), Refused())
        case LookUp():
            return (*FOUND, NotFound(), Refused())
        case _:
            return (Done(),)


@dataclass
class Call:
    """One dialog under way, and every edge it took with the commands that followed."""

    drawn: Plan

    def __post_init__(self) -> None:
        self.memory = Memory(self.drawn.start.speak, answers_left=10**6, tries_left=2)
        self.taken: list[tuple[Stage, Edge]] = []
        self.since: list[Command] = []
        self._steps = walk(self.drawn, self.memory, lambda *taken: self.taken.append(taken))
        self.command: Command | None = next(self._steps)
        self._pass_by()

    def send(self, event: Event) -> None:
        """The event; then silence until it, or the silence, has led on."""
        before = len(self.taken)
        self.since = []
        self._send(event)
        while self.command is not None and len(self.taken) == before:
            self._send(Silence())
        self._pass_by()

    def _send(self, event: Event) -> None:
        try:
            self.command = self._steps.send(event)
        except StopIteration:
            self.command = None

    def _pass_by(self) -> None:
        """What has only one answer and is no stage."""
        while isinstance(self.command, Speak | Count):
            self.since.append(self.command)
            self._send(Done())


def explored(drawn: Plan) -> list[tuple[tuple[Stage, Edge], Call]]:
    """By breadth: from each state of a call that is new, whatever can happen next."""
    found: list[tuple[tuple[Stage, Edge], Call]] = []
    seen: set[str] = set()
    paths: deque[tuple[Event, ...]] = deque([()])
    while paths:
        path = paths.popleft()
        call = replayed(drawn, path)
        if path:
            found.append((call.taken[-1], call))
        state = repr(replace(call.memory, answers_left=0, news=(), code=None, language=""))
        if call.command is None or state in seen:
            continue
        seen.add(state)
        paths.extend(
            (*path, event)
            for event in alphabet(call.command, drawn.stages[call.memory.stage], call.memory)
        )
    return found


def replayed(drawn: Plan, path: Sequence[Event]) -> Call:
    call = Call(drawn)
    for event in path:
        call.send(event)
    return call


@pytest.mark.parametrize("drawn", PLANS.values(), ids=PLANS)
def test_every_edge_is_walked_and_does_what_the_map_says(drawn):
    walked = explored(drawn)
    everything = {(name, edge) for name, stage in drawn.stages.items() for edge in stage.edges}
    assert {(stage.name, edge) for (stage, edge), _ in walked} == everything
    for (_, edge), call in walked:
        assert call.memory.stage == edge.to
        assert (call.command is None) == (edge.to == END)
        assert [each.what for each in call.since if isinstance(each, Count)] == list(edge.counts)
        if edge.speak:
            assert call.memory.language == edge.speak
        plain = [prompt for prompt in edge.say if isinstance(prompt, str)]
        if isinstance(call.command, Ask) and call.command.prompts:
            assert set(plain) <= set(call.command.prompts)


@pytest.mark.parametrize("drawn", PLANS.values(), ids=PLANS)
def test_every_edge_leads_somewhere_and_every_stage_can_be_reached(drawn):
    reached = {drawn.start.to} | {edge.to for s in drawn.stages.values() for edge in s.edges}
    assert reached == {*drawn.stages, END}
