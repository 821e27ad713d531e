"""The language menu: each language offers itself in its own voice, by its place in the settings.

It is there only where there is a choice, and silence takes the first language: the one that most
callers of the place speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.domain.dialog import Speak
from tipline_gw.ivr.menus import Menu, Steps, choose, step
from tipline_gw.prompts import names

SECONDS: Final = 3.0
"""Shorter than elsewhere: silence costs nothing here, and nobody's words are lost by it."""


def menu(languages: Sequence[str]) -> Menu:
    offers = names.language_menu(languages)
    return Menu(offers, offers, "".join(str(key) for key in range(1, len(languages) + 1)), SECONDS)


def choose_language(languages: Sequence[str]) -> Steps[str]:
    """Asks, and has the line speak the language chosen from here on. At most nine languages."""
    # The offers lie beside the prompts of the first language.
    yield from step(Speak(languages[0]))
    if len(languages) == 1:
        return languages[0]
    key = yield from choose(menu(languages))
    language = languages[int(key) - 1] if key else languages[0]
    if language != languages[0]:
        yield from step(Speak(language))
    return language
