"""Voices for tests that are not about espeak-ng: quick, and countable."""

from __future__ import annotations

import threading

import numpy as np

from tipline_gw.prompts.speech import Pcm


def hum(seconds: float, rate: int = 22050, height: float = 0.3, pitch: float = 300.0) -> Pcm:
    wave = height * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)
    return Pcm(rate, (wave * 32767).astype("<i2").tobytes())


def quiet(seconds: float, rate: int = 22050) -> bytes:
    return bytes(round(seconds * rate) * 2)


def samples(sln: bytes) -> np.ndarray:
    return np.frombuffer(sln, dtype="<i2").astype(np.float64) / 32768


class Hummer:
    """A stand-in for espeak-ng: hums longer for longer texts, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self._lock = threading.Lock()

    def __call__(self, text: str, voice: str, words_per_minute: int) -> Pcm:
        with self._lock:
            self.asked.append((text, voice, words_per_minute))
        return hum(0.05 + 0.001 * len(text))

    def texts(self) -> set[str]:
        return {text for text, _, _ in self.asked}
