"""The language menu: each language offers itself in its own voice, by its place in the settings.

It is there only where there is a choice, and silence takes the first language: the one that most
callers of the place speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.ivr.stages import KEY, SILENCE, Edge, Lead, Menu
from tipline_gw.prompts import names

LANGUAGE: Final = "language"

SECONDS: Final = 3.0
"""Shorter than elsewhere: silence costs nothing here, and nobody's words are lost by it."""


def language_menu(languages: Sequence[str], chosen: Edge, offered: Sequence[str]) -> Menu:
    """``chosen`` is where each choice leads. ``offered``: all languages of the line, at most nine.
    An offer names its key, so each keeps the one of its place there, whichever of them a number
    has and in whatever order.

    It is spoken in the first language of the line: the offers lie beside the prompts of that one.
    """
    offers = names.language_menu(languages)
    choices = [(str(offered.index(language) + 1), language) for language in languages]
    return Menu(
        LANGUAGE,
        "each language offers itself",
        (
            *(
                Edge(key, chosen.to, say=chosen.say, speak=language, chooses=True)
                for key, language in choices
            ),
            Edge("0", _advice_in(languages[0]), speak=languages[0]),
            Edge("*", LANGUAGE),
            Edge(SILENCE, chosen.to, say=chosen.say, speak=languages[0], chooses=True),
        ),
        first=offers,
        again=offers,
        seconds=SECONDS,
    )


def advice(languages: Sequence[str], offered: Sequence[str]) -> list[Lead]:
    """Whom to call in danger, in every language there is to choose, since none was chosen yet. A
    key goes on with the menu; ``offered`` is as there."""
    ends = [
        *(Edge(SILENCE, _advice_in(following), speak=following) for following in languages[1:]),
        Edge(SILENCE, LANGUAGE, speak=offered[0]),
    ]
    return [
        Lead(
            _advice_in(language),
            "whom to call in danger, before a language was chosen",
            (Edge(KEY, LANGUAGE, speak=offered[0]), end),
            first=(names.ADVICE,),
        )
        for language, end in zip(languages, ends, strict=True)
    ]


def _advice_in(language: str) -> str:
    return f"advice-{language}"
