"""Which word was it? Two stand-ins for a listener.

``recognised`` is small enough for a test: words in one voice are compared with the same words in
another voice, all brought to one length, and the nearest is taken. ``spoken_english`` gives words
that a person recorded to the recogniser PocketSphinx, where that and ``TIPLINE_WORDS`` are there:
the folder ``en_US_f_Allison`` of Debian's asterisk-core-sounds-en-wav.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from tests.bench.disguise.attack import Change, shifted
from tests.bench.disguise.corpus import Samples, read, spoken
from tests.bench.disguise.verifier import Floats, mfcc, speaking

WORDS = (
    "arma", "barrio", "bodega", "cabeza", "calle", "camioneta", "carretera", "casa", "cinco",
    "cuatro", "dinero", "domingo", "escuela", "fábrica", "fuego", "hermano", "hombre", "iglesia",
    "jueves", "lunes", "mañana", "mercado", "muchacho", "mujer", "niño", "noche", "nueve", "ocho",
    "parque", "policía", "puente", "puerta", "río", "sangre", "siete", "tienda", "tres", "vecino",
    "verde", "viernes",
)  # fmt: skip
SLICES = 24
LISTENER = "es-419+m3"
STRETCHES = (0.86, 0.93, 1.0, 1.08, 1.16)
"""A listener gets used to a shorter or longer throat."""


def _shape(samples: Samples) -> Floats:
    """(SLICES * coefficients,): the word at one length, without the colour of voice and line."""
    heard = mfcc(samples)[speaking(samples)][:, :13]
    at = np.linspace(0, len(heard) - 1, SLICES)
    slices = np.stack([np.interp(at, np.arange(len(heard)), each) for each in heard.T], axis=1)
    return np.asarray((slices - slices.mean(axis=0)).ravel())


def recognised(voice: str, change: Change) -> float:
    """The share of WORDS that are taken for what they are, in ``voice`` after ``change``."""
    known = np.stack(
        [
            [_shape(shifted(spoken(word, LISTENER, 140), stretch)) for stretch in STRETCHES]
            for word in WORDS
        ]
    )
    right = 0
    for number, word in enumerate(WORDS):
        shape = _shape(change(spoken(word, voice), f"{voice}/{word}".encode()))
        right += _nearest(known, shape) == number
    return right / len(WORDS)


def _nearest(known: Floats, shape: Floats) -> int:
    unit = known / np.linalg.norm(known, axis=-1, keepdims=True)
    return int((unit @ shape).max(axis=1).argmax())


_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_LETTERS = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet",
    "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango",
    "uniform", "victor", "whiskey", "yankee", "zulu",
)  # fmt: skip


def _recordings(folder: Path) -> dict[Path, str]:
    names = {f"digits/{number}": word for number, word in enumerate(_ONES)}
    names |= {f"digits/{number}0": word for number, word in enumerate(_TENS, 2)}
    names |= {f"digits/day-{number}": word for number, word in enumerate(_DAYS)}
    names |= {f"digits/mon-{number}": word for number, word in enumerate(_MONTHS)}
    names |= {f"phonetic/{word[0]}_p": word for word in _LETTERS}
    paths = {folder / f"{name}.wav": word for name, word in names.items()}
    return {path: word for path, word in paths.items() if path.exists()}


def _decoder(words: set[str]) -> Any:
    from pocketsphinx import Decoder  # a tool of the measurement, no part of the project

    with tempfile.NamedTemporaryFile("w", suffix=".gram") as grammar:
        grammar.write(f"#JSGF V1.0; grammar g; public <w> = {' | '.join(sorted(words))};")
        grammar.flush()
        return Decoder(jsgf=grammar.name, loglevel="FATAL")


def _hear(decoder: Any, samples: Samples) -> str:
    wide = soxr.resample(np.pad(samples, 2000).astype(float), 8000, 16000)
    decoder.start_utt()
    decoder.process_raw(np.clip(wide, -32768, 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return heard.hypstr if heard else ""


def spoken_english(changes: dict[str, Change], draws: int = 3) -> dict[str, tuple[int, float]]:
    """Of each change: how many words were tried, and the share that PocketSphinx heard."""
    folder = os.environ.get("TIPLINE_WORDS")
    if not folder or importlib.util.find_spec("pocketsphinx") is None:
        return {}
    recordings = _recordings(Path(folder))
    decoder = _decoder(set(recordings.values()))
    shares = {}
    for name, change in changes.items():
        right = [
            _hear(decoder, change(np.pad(read(path), 2000), f"{word}/{draw}".encode())) == word
            for path, word in recordings.items()
            for draw in range(draws)
        ]
        shares[name] = (len(recordings), float(np.mean(right)))
    return shares
