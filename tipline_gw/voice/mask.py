"""The voice that is put on: what was drawn for one call, and how it wanders while the call lasts.

It exists so that everything that is secret of a disguise stands in one place and is forgotten in
one act. Of the caller it knows a running mean and spread, which it takes off, and refuses to know
anything else. The ranges below are as wide as words bear: see docs/disguise.md for what each costs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tipline_gw.voice.draws import Draws, Floats
from tipline_gw.voice.frames import RATE
from tipline_gw.voice.source import Source
from tipline_gw.voice.vocoder import (
    BANDS,
    CENTRES,
    FLOOR,
    FREQUENCIES,
    SILENT,
    SIZE,
    Complex,
    Sound,
    Speech,
)

STEP: Final = 3.0
"""dB between two levels of a band that are told apart. Finer detail is lost, not moved."""
MOVED: Final = (0.07, 0.17)
"""How far all formants are moved, up or down, as a power of e: never so little that the caller's
own vocal tract is heard, never so far that one vowel becomes another."""
MOVED_DRIFT: Final = 0.04
BENT: Final = 0.08
"""How far each region of the spectrum is moved apart from the others."""
TILT: Final = 6.0
"""dB over the whole band by which the new voice is brighter or darker."""
COLOUR: Final = 5.0
"""dB of the slow ups and downs in the new voice's average spectrum."""
CONTRAST: Final = 0.2
"""Share by which peaks are sharper or flatter than they were."""
EVENED: Final = 0.5
"""Power of the caller's own spread of levels, band by band, that is replaced by the usual one."""
PITCH: Final = (95.0, 190.0)
"""Hz. The same for everybody: low and high voices come out of one range."""
PITCH_DRIFT: Final = 0.12
BUZZ: Final = 2200.0
"""Hz above which the new voice hisses more than it buzzes; up to half an octave to each side."""
DELAY: Final = 0.0012
"""Seconds by which parts of one pulse are early or late: no pulse is shaped as another call's."""
LOUDEST: Final = 84.0
"""dB of the power of a sample in one band: a louder band than this would clip."""

WANDERING_SECONDS: Final = 1.5
"""The time in which what wanders forgets where it was."""
LEARNT_FRAMES: Final = 400
TRUSTED_FRAMES: Final = 50
"""After how many frames the caller's own mean counts as much as the usual one."""

_KNOTS: Final = np.array([200.0, 800.0, 1500.0, 2300.0, 3400.0])
_WAVES: Final = np.cos(np.pi * np.arange(1, 5)[:, None] * (np.arange(BANDS) + 0.5) / BANDS) / 2
_OCTAVES: Final = np.log2(CENTRES / 1000) / np.ptp(np.log2(CENTRES))
_USUAL: Final = np.array([7, 8, 9, 8, 6, 4, 2, 1, 0, -1, -2, -3, -4, -5, -6, -9, -13], float)
"""dB of each band around the mean of a frame in which somebody speaks."""
_SPREAD: Final = 6.0
"""dB by which a band strays from that in speech."""
_LIKE_IT: Final = 15.0
"""dB under the loudest in which a frame still counts as speech."""

_SIZES: Final = {"moved": 1, "bent": len(_KNOTS), "tilt": 1, "colour": len(_WAVES), "contrast": 1,
                 "pitch": 1, "buzz": 1, "offset": BANDS}  # fmt: skip
_ENDS: Final = np.cumsum(list(_SIZES.values()))
_PLACES: Final = {
    name: slice(end - size, end)
    for (name, size), end in zip(_SIZES.items(), _ENDS.tolist(), strict=True)
}
_VALUES: Final = int(_ENDS[-1])


class Wandering:
    """Secret values, each with a middle drawn once and a slow walk around it."""

    def __init__(self, draws: Draws, steps_a_second: float) -> None:
        self._draws = draws
        self._middle = draws.uniform(_VALUES)
        self._walk = np.zeros(_VALUES)
        self._keep = float(np.exp(-1 / (WANDERING_SECONDS * steps_a_second)))
        self._push = float(np.sqrt(3 * (1 - self._keep**2)) / 2)

    def step(self) -> None:
        pushed = self._keep * self._walk + self._push * self._draws.uniform(_VALUES)
        np.clip(pushed, -1.0, 1.0, out=self._walk)

    def middle(self, name: str) -> Floats:
        """From -1 to 1, the same for the whole call."""
        return self._middle[_PLACES[name]]

    def walk(self, name: str) -> Floats:
        """From -1 to 1, around nothing."""
        return self._walk[_PLACES[name]]

    def both(self, name: str) -> Floats:
        """From -1.5 to 1.5: the walk counts half."""
        return self.middle(name) + self.walk(name) / 2

    def forget(self) -> None:
        self._middle.fill(0.0)
        self._walk.fill(0.0)


class Habit:
    """What is usual for this caller and this line: the mean and spread of each band in speech."""

    def __init__(self) -> None:
        self.mean = _USUAL.copy()
        self._square = np.full(BANDS, _SPREAD**2)
        self._known = 0
        self._peak = FLOOR

    def learn(self, shapes: Floats, loudness: Floats) -> None:
        """``shapes`` (frames, BANDS): dB around the frame's mean, which is its ``loudness``."""
        self._peak = max(self._peak - 0.05 * len(loudness), float(loudness.max()))
        spoken = shapes[loudness > max(self._peak - _LIKE_IT, FLOOR + 10)]
        if not len(spoken):
            return
        self._known = min(self._known + len(spoken), LEARNT_FRAMES)
        pace = len(spoken) / (self._known + TRUSTED_FRAMES)
        self.mean += pace * (spoken.mean(axis=0) - self.mean)
        self._square += pace * (((spoken - self.mean) ** 2).mean(axis=0) - self._square)

    def spread(self) -> Floats:
        """As a share of the usual one, kept within what speech can have."""
        return np.asarray(np.clip(np.sqrt(self._square) / _SPREAD, 0.5, 2.0))

    def forget(self) -> None:
        self.mean.fill(0.0)
        self._square.fill(0.0)


class Mask:
    """One call's new voice. ``put_on`` says how frames are to sound; ``forget`` ends it."""

    def __init__(self, draws: Draws, steps_a_second: float) -> None:
        self._secret = Wandering(draws, steps_a_second)
        way, far, *delays = draws.uniform(2 + 9)
        least, most = MOVED
        self._moved = np.copysign(least + (most - least) * (far + 1) / 2, way)
        self._phase = _dispersed(np.array(delays))
        self._habit = Habit()
        self._source = Source(draws)

    def put_on(self, speech: Speech) -> Sound:
        self._secret.step()
        low, part = self._places()
        bands = self._levels(speech.levels)
        levels = bands[:, low] * (1 - part) + bands[:, low + 1] * part
        edge = BUZZ * 2 ** (self._secret.both("buzz") / 2)
        voiced = speech.voiced[:, None] / (1 + (FREQUENCIES / edge) ** 4)
        buzz, hiss = self._source.next(self._pitch())
        return Sound(levels, voiced, self._phase, buzz, hiss)

    def _levels(self, heard: Floats) -> Floats:
        """(frames, BANDS) in dB: the caller's habits off, coarse, the new voice's habits on."""
        loudness = heard.mean(axis=1, keepdims=True)
        shapes = heard - loudness
        self._habit.learn(shapes, loudness[:, 0])
        offset = self._secret.both("offset")
        shapes = (shapes - self._habit.mean) / self._habit.spread() ** EVENED
        shapes = STEP * (np.rint(shapes / STEP + offset) - offset)
        loudness = STEP * (np.rint(loudness / STEP + offset[0]) - offset[0])
        made = loudness + self._contrast() * shapes + self._colour()
        made -= np.maximum(made.max(axis=1, keepdims=True) - LOUDEST, 0.0)
        return np.where(heard <= FLOOR, SILENT - LOUDEST, made)

    def _contrast(self) -> float:
        return float(1 + CONTRAST * self._secret.both("contrast")[0])

    def _colour(self) -> Floats:
        tilt = TILT * self._secret.both("tilt") * _OCTAVES
        return np.asarray(_USUAL + tilt + COLOUR * self._secret.both("colour") @ _WAVES)

    def _pitch(self) -> float:
        low, high = PITCH
        middle = low * (high / low) ** ((self._secret.middle("pitch")[0] + 1) / 2)
        return float(middle * np.exp(PITCH_DRIFT * self._secret.walk("pitch")[0]))

    def _places(self) -> tuple[NDArray[np.intp], Floats]:
        """Of each bin: between which band and the next its level is found, and how far along."""
        moved = self._moved + MOVED_DRIFT * self._secret.walk("moved")[0]
        bent = np.interp(FREQUENCIES, _KNOTS, BENT * self._secret.both("bent"))
        place = np.interp(FREQUENCIES * np.exp(bent - moved), CENTRES, np.arange(BANDS))
        low = np.minimum(place.astype(np.intp), BANDS - 2)
        return low, place - low

    def forget(self) -> None:
        self._secret.forget()
        self._habit.forget()
        self._source.forget()
        self._phase.fill(0.0)
        self._moved = 0.0


def _dispersed(drawn: Floats) -> Complex:
    """(BINS,): a phase whose delay is DELAY at most, wandering over the band with ``drawn``."""
    knots = np.linspace(0, RATE / 2, len(drawn))
    delay = DELAY * np.interp(FREQUENCIES, knots, drawn)
    return np.exp(-2j * np.pi * np.cumsum(delay) * RATE / SIZE)
