"""The language menu: each language offers itself in its own voice, by its place in the settings.

It is there only where there is a choice, and silence takes the first language: the one that most
callers of the place speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.ivr.stages import SILENCE, Edge, Menu
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
            Edge("0", LANGUAGE, say=(names.ADVICE,)),
            Edge("*", LANGUAGE),
            Edge(SILENCE, chosen.to, say=chosen.say, speak=languages[0], chooses=True),
        ),
        first=offers,
        again=offers,
        seconds=SECONDS,
    )
