"""What the line says to a caller, from the first word to the last: commands out, events in.

It is a generator and touches nothing: no channel, no clock, no store (see
:mod:`tipline_gw.domain.dialog` for the words it speaks with the call). It cannot fail: whatever
the caller does leads on, and after a bounded number of steps it ends, so that no caller can hold a
line for ever. Its stages are data; ``docs/dialog.md`` is their map.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from tipline_gw.domain.dialog import Dialog
from tipline_gw.errors import CallerHungUp
from tipline_gw.ivr import challenge as challenges
from tipline_gw.ivr import memory as m
from tipline_gw.ivr.hearing import CASE, ENTER, Additions, hearing
from tipline_gw.ivr.languages import LANGUAGE, advice, language_menu
from tipline_gw.ivr.leaving import LEAVE, leaving
from tipline_gw.ivr.memory import Effect, Memory
from tipline_gw.ivr.stages import SILENCE, Edge, Menu, Plan, planned
from tipline_gw.ivr.walker import Steps, walk
from tipline_gw.prompts import names

Disguised = Literal["off", "offer", "default"]

MAIN: Final = "main"

Voices = tuple[tuple[Effect, Effect], ...]
"""For key 1 and, where there is a choice, key 3: a tip, an addition."""

_OWN: Final = (m.own_voice, m.add_own_voice)
_CHANGED: Final = (m.changed_voice, m.add_changed_voice)
_VOICES: Final[dict[Disguised, Voices]] = {
    "off": (_OWN,),
    "offer": (_OWN, _CHANGED),
    "default": (_CHANGED, _OWN),
}
_OFFERS: Final[dict[Disguised, tuple[str, ...]]] = {
    "off": (),
    "offer": (names.VOICE_OFFER,),
    "default": (names.VOICE_OWN,),
}


def dialog(
    languages: Sequence[str],
    *,
    greeting: str = names.WELCOME,
    disguise: Disguised = "offer",
    challenge: str | None = None,
    offered: Sequence[str] | None = None,
) -> Dialog:
    """The dialog of one call. ``languages``: one to nine, in the order of the language menu;
    ``offered``: all those of the line, which its recorded language menu is made for.

    ``greeting``: the prompt that it begins with. ``disguise``: whether key 3 changes the voice of
    a tip (``offer``), leaves it alone where all others are changed (``default``), or means
    nothing. ``challenge``: a digit from 1 to 9 that must be pressed first.

    It returns when the call is to be hung up, and silently after ``HungUp``.
    """
    made = plan(
        languages, greeting=greeting, disguise=disguise, challenge=challenge, offered=offered
    )
    return until_hung_up(walk(made, Memory(made.start.speak, chosen=len(languages) == 1)))


def until_hung_up(steps: Steps[None]) -> Dialog:
    """A caller who is gone ends the dialog without a word; the call keeps what was recorded."""
    try:
        yield from steps
    except CallerHungUp:
        return


def plan(
    languages: Sequence[str],
    *,
    greeting: str = names.WELCOME,
    disguise: Disguised = "offer",
    challenge: str | None = None,
    offered: Sequence[str] | None = None,
) -> Plan:
    """The dialog as data; for the arguments see :func:`dialog`."""
    offered = offered or languages
    welcome = Edge("answered", MAIN, say=(greeting,), speak=languages[0])
    several = len(languages) > 1
    choice = [language_menu(languages, welcome, offered), *advice(languages, offered)]
    begin = Edge("answered", LANGUAGE, speak=offered[0]) if several else welcome
    voices, offer = _VOICES[disguise], _OFFERS[disguise]
    asked = challenges.challenge(challenge, languages, begin) if challenge else []
    first = Edge("answered", challenges.first_stage(languages), speak=languages[0])
    start = first if challenge else begin
    return planned(
        start,
        *asked,
        *(choice if several else []),
        _main_menu(begin, greeting, voices, offer),
        *leaving(MAIN, CASE),
        *hearing(MAIN, _additions(voices), offer),
    )


def _main_menu(begin: Edge, greeting: str, voices: Voices, offer: tuple[str, ...]) -> Menu:
    """The short way first, for whoever hurries; the whole of it for whoever hesitates."""
    several = begin.to == LANGUAGE
    more = (*offer, *((names.MENU_MAIN_LANGUAGE,) if several else ()))
    (own, _), *other = voices
    back = Edge("*", LANGUAGE, speak=begin.speak) if several else Edge("*", MAIN)
    return Menu(
        MAIN,
        "leave a tip, or hear about one",
        (
            Edge("1", LEAVE, does=own),
            Edge("2", ENTER),
            *(Edge("3", LEAVE, say=_news(does), does=does) for does, _ in other),
            Edge("9", MAIN, say=(greeting, names.MENU_MAIN_HELP, *more)),
            back,
            Edge("0", MAIN, say=(names.ADVICE,)),
            # Whoever cannot press keys can still speak.
            Edge(SILENCE, LEAVE, does=own),
        ),
        first=(names.MENU_MAIN,),
        again=(names.MENU_MAIN_HELP, *more),
    )


def _additions(voices: Voices) -> Additions:
    keys = zip("23", voices, strict=False)
    return tuple((key, add, _news(add) if key == "3" else ()) for key, (_, add) in keys)


def _news(does: Effect) -> tuple[str, ...]:
    """What is said to who chose another voice than the line's usual one."""
    return (names.VOICE_WILL_CHANGE,) if does in (m.changed_voice, m.add_changed_voice) else ()
