"""Speaks what a reviewer wrote to a caller, while the caller waits.

What it says is part of a case, so it exists in RAM alone, from pipe to pipe: no file, no cache,
and nothing of it in an error. It refuses a text so long that the caller would wait for it, or
would not hear its end.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from tipline_gw.errors import PromptError
from tipline_gw.prompts import sound
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.prompts.speech import Speak, espeak

LONGEST_CHARACTERS: Final = 1000
"""Some 75 seconds of speech. Whoever takes an answer in should refuse a longer one there."""
LONGEST_SECONDS: Final = 180.0
"""Figures are spoken longer than they are written."""

_SECONDS: Final = 10.0
"""Longest wait for espeak-ng, which takes half a second: there is a caller on the line."""
_LONGEST_PAUSE: Final = 0.35
_AT_ONCE: Final[Speak] = partial(espeak, seconds=_SECONDS)


def speak(text: str, catalogue: Catalogue, by: Speak = _AT_ONCE) -> bytes:
    """``text`` as PCM (signed linear, 16 bit little-endian, 8 kHz, mono), as loud as the prompts.

    Raises PromptError: nothing to say, too long, no voice for the language, or no espeak-ng.
    """
    said = _plain(text)
    if not said or len(said) > LONGEST_CHARACTERS:
        raise PromptError(
            "an answer is empty or too long to be spoken",
            f"write 1 to {LONGEST_CHARACTERS} characters, or record it",
        )
    voice = catalogue.speaker
    if not voice.name:
        raise PromptError(f"no synthetic voice speaks {catalogue.language}", "record the answer")
    # Here and not above: the daemon loads numpy when an answer is first spoken.
    from tipline_gw.prompts import shaping

    made = shaping.synthetic(by(said, voice.name, voice.words_per_minute), _LONGEST_PAUSE)
    if sound.seconds(made) > LONGEST_SECONDS:
        raise PromptError("an answer takes too long to say", "use fewer words and figures")
    return made


def _plain(text: str) -> str:
    """On one line, and without espeak-ng's own notation, in which ``[[`` begins phonemes."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return re.sub(r"\s+", " ", re.sub(r"[\[\]]", " ", shown)).strip()
