"""What a call is answered with, by the number that was dialled: pure, so that it can be tested
without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tipline_gw.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Manners:
    """``languages``: in the order of the menu; ``greeting``: a prompt's name, or None for the
    usual one."""

    languages: Sequence[str]
    greeting: str | None = None


def manners(settings: Settings, number: str | None) -> Manners:
    """Of the ``[[number]]`` of that name, which the dialplan gives as ``agi_arg_2``; the line's own
    for none, and for a name that the configuration does not know any more."""
    for one in settings.number:
        if one.name == number:
            return Manners(one.languages or settings.line.languages, one.greeting)
    return Manners(settings.line.languages)
