"""Callers of every temper: for each command the events that a call can answer it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hypothesis import strategies as st

from tipline_gw.domain import case_code
from tipline_gw.domain.dialog import (
    Ask,
    Command,
    Done,
    Ended,
    Event,
    Found,
    Heard,
    HungUp,
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
)
from tipline_gw.domain.tip import State
from tipline_gw.ivr.dialog import dialog

CODE = case_code.CaseCode("123456789018")

Answer = Callable[[Command], Event]

_KEY = st.sampled_from("0123456789*#").map(Keys)
_TYPED = st.one_of(
    st.text("0123456789", min_size=11, max_size=11).map(
        lambda free: Keys(free + str(case_code.check_digit(free)))
    ),
    st.text("0123456789*#", max_size=12).map(Keys),
)
_HEARD = st.builds(
    Heard,
    st.sampled_from([Ended.KEY, Ended.LIMIT, Ended.FAILED]),
    st.sampled_from([0.0, 0.4, 0.5, 9.0]),
    st.booleans(),
)
_FOUND = st.builds(Found, st.sampled_from(State), st.booleans(), st.booleans())

ADDED = Kept(None)


def answers(command: Command, *, addition: bool = False) -> st.SearchStrategy[Event]:
    """All that can come back, hang-up apart. ``addition``: it is one that is kept."""
    match command:
        case Ask(digits=1) | PlayBack():
            return st.one_of(_KEY, st.just(Silence()))
        case PlayAnswer():
            return st.one_of(_KEY, st.sampled_from([Silence(), Refused()]))
        case Ask():
            return st.one_of(_TYPED, st.just(Silence()))
        case Prepare():
            return st.sampled_from([Done(), Done(), Done(), Refused()])
        case Listen():
            return _HEARD
        case Keep():
            return st.sampled_from([ADDED if addition else Kept(CODE), Refused()])
        case LookUp():
            return st.one_of(_FOUND, st.sampled_from([NotFound(), Refused()]))
        case _:
            return st.just(Done())


def silent(command: Command) -> Event:
    """Never presses a key, and speaks when the tone comes."""
    match command:
        case Ask() | PlayBack() | PlayAnswer():
            return Silence()
        case Listen():
            return Heard(Ended.KEY, 8.0)
        case Keep():
            return Kept(CODE)
        case LookUp():
            return NotFound()
        case _:
            return Done()


def call(
    languages: Sequence[str], answer: Answer, hang_up_after: int | None = None, **options: str
) -> Iterator[tuple[Command, Event]]:
    """Each command with its event until the dialog ends, and it must end by itself."""
    steps = dialog(languages, **options)  # type: ignore[arg-type]
    command = next(steps)
    count = 0
    while True:
        event = HungUp() if count == hang_up_after else answer(command)
        yield command, event
        count += 1
        try:
            command = steps.send(event)
        except StopIteration:
            return


def at_random(data: st.DataObject) -> Answer:
    """A caller who does whatever hypothesis draws, on a line that answers as a real one does."""
    adding = False

    def answer(command: Command) -> Event:
        nonlocal adding
        if isinstance(command, Listen):
            adding = command.addition
        return data.draw(answers(command, addition=adding))

    return answer
