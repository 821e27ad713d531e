"""Speech to measure with, as a telephone carries it: 300-3400 Hz, mu-law, 8 kHz.

Voices of espeak-ng are there on every machine that runs the tests. Recordings of people are better,
and are taken where ``TIPLINE_REAL_VOICES`` names a folder of them: a folder a speaker, WAV files
of 8 kHz in it.
"""

from __future__ import annotations

import os
import wave
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tipline_gw.prompts.speech import espeak

RATE = 8000
Samples = NDArray[np.int16]

SPEAKERS = tuple(
    f"es-419+{variant}"
    for variant in (
        "m1", "m2", "m3", "m5", "m7", "m8", "f1", "f2", "f3", "f5", "Annie", "Denis", "Hugo",
        "Michael", "adam", "linda",
    )
)  # fmt: skip
"""Whom the attacker looks for: they differ in pitch, formants, source and breath."""

BACKGROUND = tuple(
    f"es-419+{variant}"
    for variant in (
        "m4", "m6", "f4", "Alicia", "Andrea", "Gene", "Jacky", "Marco", "Mario", "belinda",
        "boris", "caleb", "david", "steph",
    )
)  # fmt: skip
"""Strangers, from whom the attacker learns what speech is like."""

SENTENCES = (
    "Vi a tres hombres bajar de una camioneta blanca frente a la iglesia.",
    "El muchacho que vende en la esquina sabe dónde guardan las armas.",
    "Se llevaron a mi vecina el lunes por la noche y nadie ha preguntado por ella.",
    "Cobran dinero a todos los negocios de la calle, también a la farmacia.",
    "En la casa verde, detrás del mercado, entran y salen carros a toda hora.",
    "El policía del turno de la tarde les avisa antes de cada operativo.",
    "Hay un cuerpo cerca del puente, debajo de unas llantas viejas.",
    "Mañana a las cinco van a pasar otra vez por la colonia a recoger el pago.",
    "El jefe vive en la última casa del camino y tiene dos perros grandes.",
    "No puedo decir mi nombre porque trabajo con su hermano en la fábrica.",
    "Quemaron la tienda de la señora porque no quiso darles la mitad.",
    "Usan la bodega junto al río para guardar lo que traen del otro lado.",
)


@cache
def spoken(text: str, voice: str, speed: int = 160) -> Samples:
    """``text`` in an espeak-ng voice, over the telephone."""
    sound = espeak(text, voice, speed)
    samples = np.frombuffer(sound.samples, "<i2").astype(np.float64)
    return over_telephone(soxr.resample(samples, sound.rate, RATE))


def over_telephone(samples: NDArray[np.float64]) -> Samples:
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    band = np.clip((hertz - 200) / 100, 0, 1) * np.clip((3700 - hertz) / 300, 0, 1)
    carried = np.fft.irfft(spectrum * band, len(samples))
    loud = carried * (4000 / max(1.0, float(np.sqrt((carried**2).mean()))))
    return mu_law(loud)


def mu_law(samples: NDArray[np.float64]) -> Samples:
    """There and back through the 255 steps of ITU-T G.711 (its curve, not its segments)."""
    level = np.clip(samples / 32768, -1, 1)
    code = np.rint(127 * np.sign(level) * np.log1p(255 * np.abs(level)) / np.log(256)) / 127
    back = np.sign(code) * (256 ** np.abs(code) - 1) / 255
    return np.clip(np.rint(back * 32768), -32768, 32767).astype(np.int16)


def said_by(voice: str, pieces: int) -> list[Samples]:
    """What one espeak-ng voice says, in ``pieces`` recordings of different words."""
    each = len(SENTENCES) // pieces
    return [
        np.concatenate([spoken(text, voice) for text in SENTENCES[at : at + each]])
        for at in range(0, each * pieces, each)
    ]


def people(pieces: int, seconds: float = 8.0) -> dict[str, list[Samples]]:
    """Recordings of people, joined to ``pieces`` recordings of ``seconds`` each; of speakers with
    less than that, none."""
    folder = os.environ.get("TIPLINE_REAL_VOICES")
    if not folder:
        return {}
    found = {}
    for speaker in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        joined = _joined(sorted(speaker.rglob("*.wav")), int(pieces * seconds * RATE))
        if len(joined) == int(pieces * seconds * RATE):
            found[speaker.name] = np.split(joined, pieces)
    return found


def _joined(files: list[Path], most: int) -> Samples:
    order = np.random.default_rng(1).permutation(len(files))
    pieces, length = [np.zeros(0, np.int16)], 0
    for number in order:
        if length >= most:
            break
        pieces.append(over_telephone(_trimmed(read(files[number]))))
        length += len(pieces[-1])
    return np.concatenate(pieces)[:most]


def _trimmed(samples: Samples) -> NDArray[np.float64]:
    """Without the silence at both ends."""
    loud = np.flatnonzero(np.abs(samples) > 300)
    return samples[loud[0] : loud[-1] + 1].astype(np.float64) if len(loud) else np.zeros(1)


def read(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")
