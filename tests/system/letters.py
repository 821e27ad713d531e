"""Thousands of texts as people send them, all distinct, and what of each its parts say.

A third are long. Every twenty characters stands the letter's number, so that also a part alone
tells whose it is.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from tipline_gw.demo import tpdu

WORDS = {
    "gsm7": "los niños vieron otra señal en la esquina {roja} desde el año pasado, ¿me oyen?",
    "gsm7-es": "el camión está allá, junto al árbol; nadie salió según los vecinos [2] ¿sí?",
    "ucs2": "Ángel oyó «rápido» y huyó — ahí detrás del galerón 🚨 había diez ¡ya nunca salió…",
}
ROOM = {"gsm7": (160, 153), "gsm7-es": (155, 149), "ucs2": (70, 67)}
"""Characters in a message alone, and in one of several parts (3GPP TS 23.040 §9.2.3.24)."""
LONGEST = 6
MARKED = 30
"""Every stretch this long holds a whole mark, the shortest last part too."""
LONGEST_STEP = 20
"""What one more word and one more mark may add."""
_MARK = re.compile(r"#(\d{5})")


@dataclass(frozen=True)
class Letter:
    number: int
    modem: str
    sender: str
    text: str
    encoding: tpdu.Encoding

    @cached_property
    def parts(self) -> list[str]:
        """What each of its short messages says; half a character (a surrogate) as it is."""
        letter = tpdu.Letter(self.sender, self.text, self.encoding)
        return [tpdu.read_deliver(one).body.text for one in tpdu.deliver(letter, _THEN)]


_THEN = datetime(2026, 3, 5, tzinfo=UTC)


def number_in(text: str) -> int:
    """Of which letter this is, or a part."""
    marks = {int(mark) for mark in _MARK.findall(text)}
    assert len(marks) == 1, text
    return marks.pop()


def written(count: int, modems: Sequence[str], rng: random.Random) -> list[Letter]:
    """``count`` letters from as many senders, dealt out to ``modems``."""
    letters = []
    for number in range(count):
        encoding = rng.choice(tuple(WORDS))
        parts = rng.randint(2, LONGEST) if number % 3 == 0 else 1
        text = _text(number, encoding, parts, rng)
        sender = f"+5265{50000000 + number}"
        letters.append(Letter(number, modems[number % len(modems)], sender, text, encoding))
        assert len(letters[-1].parts) == parts
    return letters


def _text(number: int, encoding: str, parts: int, rng: random.Random) -> str:
    alone, each = ROOM[encoding]
    least, most = (max(each * (parts - 1), alone), each * parts) if parts > 1 else (0, alone)
    units = rng.randint(least + MARKED, most - LONGEST_STEP - LONGEST)
    words, text = WORDS[encoding].split(), f"#{number:05}"
    while _size(text, encoding) < units:
        mark = f"#{number:05} " if rng.random() < 0.3 or _unmarked(text) > 10 else ""
        text += " " + mark + rng.choice(words)
    return text


def _unmarked(text: str) -> int:
    return len(text) - text.rindex("#")


def _size(text: str, encoding: str) -> int:
    """Septets, or UTF-16 units."""
    if encoding == "ucs2":
        return len(text.encode("utf-16-be")) // 2
    return len(text) + sum(char in _TWO[encoding] for char in text)


_TWO = {"gsm7": "{}[]", "gsm7-es": "{}[]áíóú"}


@dataclass(frozen=True)
class Post:
    """Some parts of a letter, handed to the network at once: all but ``omit``."""

    letter: Letter
    reference: int
    omit: tuple[int, ...]


def posts(letters: Sequence[Letter], rng: random.Random) -> Iterator[Post]:
    """Long letters in two lots, with one to three other letters between them."""
    waiting: list[tuple[int, Post]] = []
    for at, letter in enumerate(letters):
        for due in [one for one in waiting if one[0] <= at]:
            waiting.remove(due)
            yield due[1]
        every = range(1, len(letter.parts) + 1)
        later = tuple(seq for seq in every if len(every) > 1 and rng.random() < 0.4)
        if len(later) < len(every):
            yield Post(letter, at & 0xFF, later)
        if later:
            rest = tuple(seq for seq in every if seq not in later)
            waiting.append((at + rng.randint(1, 3), Post(letter, at & 0xFF, rest)))
    yield from (post for _, post in waiting)
