"""Changes a voice while it is spoken, before it is sealed, so that neither the store nor whoever
opens it holds the caller's own.

It exists because a voice is an identity. A plain pitch shift is none of it: it moves what makes a
voice known, and whoever moves it back has it. So this is a vocoder: of the caller's sound it keeps
what words are made of, the level in 17 broad bands a hundred times a second and how much is voiced,
in coarse steps (``vocoder``), and makes a new sound from that (``source``, ``mask``).

* **Thrown away**, so that nobody can bring it back: the wave and its phase, the glottal pulse, the
  pitch and its melody, the harmonics, the fine spectrum, levels between two steps, and the mean
  spectrum of caller and telephone, as far as a running mean knows it.
* **Moved**, by values that are drawn for each recording, wander while it lasts and are forgotten at
  its end: the formants as a whole and region by region, brightness, colour, contrast, new pitch,
  breath. With many tries some of that can be guessed back; docs/disguise.md has how far that went.
* **Kept**, and so still a mark of the caller: words, accent, rhythm, pauses, loudness over time.

It refuses to be called anonymous, to keep or repeat what it drew, and to raise an exception over
any sound. Imported only where it is chosen: nothing else pays for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tipline_gw.voice.draws import Draws, Floats
from tipline_gw.voice.frames import RATE, SAMPLE
from tipline_gw.voice.mask import Mask
from tipline_gw.voice.vocoder import BLOCK, HEARD, HOP, SIZE, WINDOW, analyse, sound

DELAY_SECONDS: Final = (SIZE // 2 + WINDOW // 2 + BLOCK - HOP) / RATE
"""The longest time that a sample is held back: 118 ms. ``flush`` gives what is held."""

_PCM: Final = np.dtype("<i2")


class Disguise:
    """One recording's disguise, of S16LE mono at 8 kHz.

    ``seed``: for tests alone. Without it what is drawn comes from the operating system and is
    overwritten by ``flush``. Output is as long as the input, sample for sample; half a sample at
    the very end is dropped.
    """

    def __init__(self, seed: bytes | None = None) -> None:
        self._draws = Draws(seed)
        self._mask = Mask(self._draws, RATE / BLOCK)
        self._half = b""
        self._heard = np.zeros(WINDOW // 2)
        self._laid = np.zeros(SIZE - HOP)
        self._early = SIZE // 2
        self._owed = 0

    def feed(self, pcm: bytes | memoryview) -> bytes:
        """What is ready of the disguised speech; any length of ``pcm``, the empty one too."""
        data = self._half + bytes(pcm)
        whole = len(data) - len(data) % SAMPLE
        self._half = data[whole:]
        samples = np.frombuffer(data, _PCM, whole // SAMPLE)
        self._owed += len(samples)
        return self._blocks(samples)

    def flush(self) -> bytes:
        """The rest, and the end: what was drawn is overwritten, nothing can be fed any more."""
        rest = self._blocks(np.zeros(HEARD + BLOCK))
        self._mask.forget()
        self._draws.forget()
        self._heard = self._laid = np.zeros(0)
        return rest

    def _blocks(self, samples: NDArray[np.float64] | NDArray[np.int16]) -> bytes:
        heard: Floats = np.concatenate((self._heard, samples))
        count = max(0, (len(heard) - HEARD) // BLOCK + 1)
        done = b"".join(self._block(heard[at * BLOCK :]) for at in range(count))
        self._heard = heard[count * BLOCK :].copy()
        return done

    def _block(self, heard: Floats) -> bytes:
        laid = sound(self._mask.put_on(analyse(heard[:HEARD])))
        laid[: len(self._laid)] += self._laid
        self._laid = laid[BLOCK:]
        late = laid[min(self._early, BLOCK) : BLOCK][: self._owed]
        self._early -= min(self._early, BLOCK)
        self._owed -= len(late)
        return np.clip(np.rint(late), -32768, 32767).astype(_PCM).tobytes()
