"""Leaving a tip, or adding to one: the tone, the speech, the second thoughts, and the case code.

What was spoken is kept whatever happens: by silence, by any number of wrong keys, by hang-up. A
code, once given, is always said through to its end; nothing but hang-up interrupts its first
telling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.domain.dialog import (
    EMPTY_SECONDS,
    Ended,
    Event,
    Heard,
    Keep,
    Kept,
    Listen,
    PlayBack,
    Prepare,
    Refused,
)
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr import memory as m
from tipline_gw.ivr.memory import THE_CODE, If, Memory
from tipline_gw.ivr.stages import (
    AT_ONCE,
    DONE,
    END,
    KEY,
    OTHER,
    SILENCE,
    Act,
    Edge,
    Menu,
    Stage,
    Tell,
)
from tipline_gw.prompts import names

LEAVE: Final = "leave"
READY, TONE, LISTEN = "ready", "tone", "listen"
NOTHING, REVIEW, HEAR = "nothing", "review", "hear"
KEEP, TOLD, CODE, CODE_MORE, CANNOT = "keep", "told", "code", "code-more", "cannot"
GOODBYE: Final = "goodbye"
SPOKEN, LIMIT, SILENT, BROKEN, LOST = "spoken", "limit", "nothing heard", "part lost", "lost"
KEPT, ADDED, REFUSED = "kept", "added", "refused"


def leaving(main: str, case: str) -> Sequence[Stage]:
    """The stages. ``main`` and ``case`` are the menus that a tip and an addition go back to."""
    back = _back(main, case)
    return (
        _leave(back),
        _ready(),
        _tone(back),
        _listen(),
        *_second_thoughts(back),
        *_ends(main, case),
    )


def _back(main: str, case: str) -> tuple[Edge, ...]:
    """One step back from a recording that has not begun."""
    return (
        Edge("*", REVIEW, when=m.stands),
        Edge("*", case, when=m.adding),
        Edge("*", main),
    )


def _leave(back: tuple[Edge, ...]) -> Menu:
    return Menu(
        LEAVE,
        "says what to do",
        (
            *back,
            Edge("0", LEAVE, say=(names.ADVICE,)),
            Edge(OTHER, READY),
            Edge(SILENCE, READY),
        ),
        first=(names.LEAVE_TIP,),
        again=(),
        seconds=AT_ONCE,
        repeats=0,
    )


def _ready() -> Act:
    """Before the tone, since whoever heard that speaks. What cannot be taken is told here."""
    return Act(
        READY,
        "begins the recording on disk",
        (
            Edge(DONE, TONE),
            Edge(BROKEN, KEEP, say=(names.PART_LOST,)),
            Edge(LOST, CANNOT, does=m.no_news),
        ),
        command=lambda memory: Prepare(_wanted(memory)),
        outcome=_prepared,
    )


def _wanted(memory: Memory) -> Listen:
    return Listen(memory.append, memory.changed, memory.adding)


def _prepared(memory: Memory, event: Event) -> str:
    if isinstance(event, Refused):
        return BROKEN if memory.stands else LOST
    return DONE


def _tone(back: tuple[Edge, ...]) -> Menu:
    """A key typed ahead of the tone, or during it, belongs to the menus: it neither gets lost nor
    ends the recording. The tone sounds again, so that it is always the last thing before."""
    return Menu(
        TONE,
        "the tone; what is recorded begins right after it",
        (
            *back,
            Edge("0", LEAVE, say=(names.ADVICE,)),
            Edge(OTHER, TONE),
            Edge(SILENCE, LISTEN),
        ),
        first=(names.TONE,),
        again=(),
        seconds=AT_ONCE,
        repeats=0,
    )


def _listen() -> Act:
    return Act(
        LISTEN,
        "records until #, hang-up or the longest time; other keys are not heard",
        (
            Edge(SPOKEN, REVIEW, say=(If(m.changed, names.VOICE_CHANGED),), does=m.recorded),
            Edge(LIMIT, REVIEW, say=(names.LIMIT_REACHED,), does=m.recorded),
            Edge(SILENT, READY, when=m.first_silence, say=(names.NOTHING_HEARD,), does=m.ask_again),
            Edge(SILENT, REVIEW, when=m.stands, say=(names.NOTHING_NEW,)),
            Edge(SILENT, NOTHING, say=(names.NOTHING_RECORDED,)),
            Edge(BROKEN, KEEP, say=(names.PART_LOST,)),
            Edge(LOST, CANNOT),
        ),
        command=_wanted,
        outcome=_outcome,
    )


def _outcome(memory: Memory, event: Event) -> str:
    heard = event if isinstance(event, Heard) else Heard(Ended.FAILED, 0.0)
    if heard.ended is Ended.HANGUP:
        raise CallerHungUp
    long_enough = heard.seconds >= EMPTY_SECONDS
    if heard.ended is Ended.FAILED:
        return BROKEN if memory.stands or long_enough else LOST
    if heard.ended is Ended.LIMIT and memory.stands and not long_enough:
        # There was no room left for more.
        return LIMIT
    if not (long_enough and heard.spoken):
        return SILENT
    return LIMIT if heard.ended is Ended.LIMIT else SPOKEN


def _second_thoughts(back: tuple[Edge, ...]) -> tuple[Stage, ...]:
    nothing = Menu(
        NOTHING,
        "nothing was said twice: nothing is stored",
        (
            Edge("1", READY, does=m.anew),
            *(edge for edge in back if edge.when is not m.stands),
            Edge("0", NOTHING, say=(names.ADVICE,)),
            Edge(SILENCE, GOODBYE),
        ),
        first=(names.MENU_NOTHING,),
        again=(names.MENU_NOTHING,),
    )
    review = Menu(
        REVIEW,
        "keep it, hear it, record again, add more",
        (
            Edge("1", KEEP),
            Edge("2", HEAR),
            Edge("3", READY, does=m.afresh),
            Edge("4", READY, does=m.onward),
            Edge("*", LEAVE, does=m.afresh),
            Edge("0", REVIEW, say=(names.ADVICE,)),
            Edge(SILENCE, KEEP),
        ),
        first=(names.MENU_REVIEW,),
        again=(names.MENU_REVIEW,),
    )
    hear = Act(
        HEAR,
        "plays what is recorded",
        (Edge(KEY, REVIEW), Edge(SILENCE, REVIEW)),
        command=lambda _memory: PlayBack(),
        outcome=lambda _memory, _event: SILENCE,
    )
    return nothing, review, hear


def _ends(main: str, case: str) -> tuple[Stage, ...]:
    return (
        Act(
            KEEP,
            "seals it, and commits it to disk",
            (
                Edge(KEPT, TOLD, does=m.given),
                Edge(ADDED, case, say=(names.ADDITION_KEPT,), does=m.given),
                Edge(REFUSED, CANNOT, does=m.no_news),
            ),
            command=lambda _memory: Keep(),
            outcome=_kept,
        ),
        Tell(
            TOLD,
            "the code; nothing interrupts it",
            (Edge(DONE, CODE),),
            first=(names.YOUR_CODE, THE_CODE),
        ),
        _code_menu(CODE, main, (names.CODE_CARE,)),
        _code_menu(CODE_MORE, main, ()),
        Tell(
            CANNOT,
            "the store takes nothing",
            (Edge(DONE, GOODBYE),),
            first=(names.CANNOT_TAKE_NOW,),
        ),
        Tell(GOODBYE, "hangs up", (Edge(DONE, END),), first=(names.GOODBYE,)),
    )


def _kept(_memory: Memory, event: Event) -> str:
    if isinstance(event, Kept):
        return KEPT if event.code is not None else ADDED
    return REFUSED


def _code_menu(name: str, main: str, care: tuple[str, ...]) -> Menu:
    """The code once more. Silence may be somebody looking for a pencil, so it repeats the code."""
    return Menu(
        name,
        "the code once more, as often as it is asked for",
        (
            Edge("1", CODE_MORE),
            Edge("*", main),
            Edge("0", CODE_MORE, say=(names.ADVICE,)),
            Edge(SILENCE, GOODBYE),
        ),
        first=(names.CODE_REPEAT, THE_CODE, *care, names.CODE_AGAIN),
        again=(names.CODE_REPEAT, THE_CODE, names.CODE_AGAIN),
    )
