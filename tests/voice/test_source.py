import numpy as np

from tipline_gw.voice.draws import Draws
from tipline_gw.voice.frames import RATE
from tipline_gw.voice.source import Source
from tipline_gw.voice.vocoder import BLOCK, HOP


def _played(pitch: float, blocks: int = 40) -> tuple[np.ndarray, np.ndarray]:
    source = Source(Draws(b"seed"))
    pieces = [source.next(pitch) for _ in range(blocks)]
    return tuple(np.concatenate([piece[kind][HOP:] for piece in pieces]) for kind in (0, 1))


def test_both_sources_have_the_power_of_one():
    buzz, hiss = _played(120.0)
    assert abs((buzz**2).mean() - 1) < 0.05
    assert abs((hiss**2).mean() - 1) < 0.05


def test_the_buzz_has_the_pitch_it_was_given():
    buzz, _ = _played(150.0)
    assert abs(np.count_nonzero(buzz) / (len(buzz) / RATE) - 150) < 5


def test_a_piece_begins_with_the_end_of_the_one_before():
    source = Source(Draws(b"seed"))
    first, second = source.next(120.0), source.next(120.0)
    for before, after in zip(first, second, strict=True):
        assert len(after) == BLOCK + HOP
        assert (after[:HOP] == before[-HOP:]).all()


def test_what_is_forgotten_is_overwritten():
    source = Source(Draws(b"seed"))
    kept = source.next(120.0)
    source.forget()
    assert not any(piece.any() for piece in kept)
