import numpy as np
import pytest

from tipline_gw.voice.draws import Draws
from tipline_gw.voice.mask import LOUDEST, MOVED, Habit, Mask, Wandering
from tipline_gw.voice.vocoder import BANDS, BINS, CENTRES, FLOOR, FRAMES, FREQUENCIES, Speech

PEAKED = 60 - 30 * np.abs(np.log2(CENTRES / 1270))
SAID = Speech(np.tile(PEAKED, (FRAMES, 1)), np.ones(FRAMES))


def _mask(seed: bytes = b"seed") -> Mask:
    return Mask(Draws(seed), 12.5)


def test_a_frame_is_given_for_a_frame_within_what_the_synthesis_takes():
    made = _mask().put_on(SAID)
    assert made.levels.shape == made.voiced.shape == (FRAMES, BINS)
    assert made.voiced.min() >= 0 and made.voiced.max() <= 1
    assert made.levels.max() <= LOUDEST
    assert np.allclose(np.abs(made.phase), 1)


@pytest.mark.parametrize("number", range(12))
def test_formants_are_moved_but_never_far(number):
    made = _mask(bytes([number])).put_on(SAID)
    peak = FREQUENCIES[made.levels[0].argmax()]
    assert 1270 * 0.6 < peak < 1270 / 0.6
    assert MOVED[0] <= abs(_mask(bytes([number]))._moved) <= MOVED[1]


def test_both_ways_are_drawn():
    ways = {bool(_mask(bytes([number]))._moved > 0) for number in range(20)}
    assert ways == {True, False}


def test_what_is_silent_stays_silent():
    quiet = Speech(np.full((FRAMES, BANDS), FLOOR), np.zeros(FRAMES))
    assert _mask().put_on(quiet).levels.max() < -100


def test_the_voice_wanders_while_the_call_lasts():
    mask = _mask()
    first = mask.put_on(SAID).levels
    for _ in range(40):
        last = mask.put_on(SAID).levels
    assert np.abs(first - last).mean() > 1


def test_a_steady_colour_of_caller_or_line_is_learnt_and_taken_off():
    habit = Habit()
    chance = np.random.default_rng(3)
    colour = np.linspace(-10, 10, BANDS)
    for _ in range(400):
        shapes = colour + chance.normal(0, 5, (FRAMES, BANDS))
        habit.learn(shapes, np.full(FRAMES, 60.0))
    assert np.abs(habit.mean - colour).max() < 2
    assert np.abs(habit.spread() - 5 / 6).max() < 0.25


def test_pauses_are_not_taken_for_the_caller():
    habit = Habit()
    habit.learn(np.zeros((FRAMES, BANDS)), np.full(FRAMES, 60.0))
    before = habit.mean.copy()
    habit.learn(np.full((FRAMES, BANDS), 30.0), np.full(FRAMES, 30.0))
    assert (habit.mean == before).all()


def test_the_walk_keeps_within_its_bounds():
    secret = Wandering(Draws(b"seed"), 12.5)
    for _ in range(200):
        secret.step()
        assert np.abs(secret.walk("offset")).max() <= 1
        assert np.abs(secret.both("bent")).max() <= 1.5


def test_everything_drawn_is_overwritten():
    mask = _mask()
    made = mask.put_on(SAID)
    mask.forget()
    secret = mask._secret
    assert not secret._middle.any() and not secret._walk.any() and not mask._phase.any()
    assert not mask._habit.mean.any() and not mask._habit._square.any()
    assert not made.buzz.any() and not made.hiss.any()
    assert mask._moved == 0
