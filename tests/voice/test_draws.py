import copy
import pickle

import numpy as np
import pytest

from tipline_gw.voice.draws import Draws


def test_the_same_seed_draws_the_same_and_another_does_not():
    assert (Draws(b"a").uniform(64) == Draws(b"a").uniform(64)).all()
    assert (Draws(b"a").uniform(64) != Draws(b"b").uniform(64)).any()


def test_without_a_seed_no_two_are_alike():
    assert (Draws().uniform(64) != Draws().uniform(64)).any()


def test_numbers_are_spread_evenly_between_minus_one_and_one_and_white():
    drawn = Draws(b"seed").uniform(100_000)
    assert drawn.min() >= -1 and drawn.max() < 1
    assert abs(drawn.mean()) < 0.01
    assert abs((drawn**2).mean() - 1 / 3) < 0.01
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.02


def test_a_key_does_not_lead_back_to_what_was_drawn_before_it():
    draws = Draws(b"seed")
    before = draws.uniform(16)
    later = Draws()
    later._key[:] = draws._key
    assert (later.uniform(16) != before).any()
    assert (Draws(b"seed").uniform(16) == before).all()


def test_forgotten_draws_do_not_come_again():
    draws, same = Draws(b"seed"), Draws(b"seed")
    draws.forget()
    assert (draws.uniform(16) != same.uniform(16)).any()


@pytest.mark.parametrize("keep", [pickle.dumps, copy.copy, copy.deepcopy])
def test_draws_cannot_be_kept(keep):
    with pytest.raises(TypeError, match="not to be kept"):
        keep(Draws(b"seed"))
