"""Compares sounds: what was spoken with what was kept, what was heard with the prompts."""

from pathlib import Path

import numpy as np

RATE = 8000
FRAME = RATE // 50


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.float64)


def envelope(pcm: bytes) -> np.ndarray:
    """The energy of each 20 ms."""
    signal = samples(pcm)
    frames = signal[: len(signal) // FRAME * FRAME].reshape(-1, FRAME)
    return np.sqrt((frames**2).mean(axis=1))


def likeness(spoken: bytes, kept: bytes) -> float:
    """The highest normalised cross-correlation of ``spoken`` with any stretch of ``kept``, by
    their envelopes: 1 for the same sound, also louder or softer."""
    return found(envelope(spoken), envelope(kept)).max(initial=0.0)


def place(spoken: bytes, kept: bytes) -> float:
    """Where in ``kept`` ``spoken`` is most likely to begin, in seconds."""
    return int(found(envelope(spoken), envelope(kept)).argmax()) / 50


def found(pattern: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """The normalised cross-correlation of ``pattern`` with ``signal`` from each of its places."""
    size = len(pattern)
    if len(signal) < size:
        signal = np.pad(signal, (0, size - len(signal)))
    pattern = pattern - pattern.mean()
    length = 1 << (len(signal) + size).bit_length()
    product = np.fft.rfft(signal, length) * np.conj(np.fft.rfft(pattern, length))
    raw = np.fft.irfft(product, length)[: len(signal) - size + 1]
    sums = np.concatenate(([0.0], np.cumsum(signal)))
    squares = np.concatenate(([0.0], np.cumsum(signal**2)))
    total, square = sums[size:] - sums[:-size], squares[size:] - squares[:-size]
    power = np.maximum(square - total**2 / size, 1.0)
    return raw / np.sqrt(power * (pattern**2).sum())


def heard(prompts: Path, name: str, pcm: bytes, least: float = 0.9) -> list[int]:
    """Where in ``pcm`` a prompt was played, in samples: what came over RTP is the prompt itself
    but for its mu-law, so a high likeness sample by sample is certain."""
    prompt = samples((prompts / f"{name}.sln").read_bytes())
    likely = found(prompt, samples(pcm))
    places: list[int] = []
    for at in np.flatnonzero(likely > least):
        if not places or at - places[-1] > len(prompt) // 2:
            places.append(int(at))
    return places


def digits_heard(prompts: Path, pcm: bytes) -> str:
    """Every digit that was said, in order."""
    told = [(at, str(digit)) for digit in range(10) for at in heard(prompts, f"digit-{digit}", pcm)]
    return "".join(digit for _, digit in sorted(told))


def babble(seconds: float, seed: int) -> bytes:
    """Noise in syllables, never silent, different for each seed."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    syllables = np.repeat(random.uniform(0.08, 1.0, count // 1200 + 1), 1200)[:count]
    return (random.normal(0, 5000, count) * syllables).clip(-30000, 30000).astype("<i2").tobytes()
