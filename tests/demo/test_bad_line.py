import itertools

import pytest

from tipline_gw.demo.bad_line import FAULTLESS, BadLine, Quality


def carried(quality: Quality, count: int = 5000) -> list[int]:
    """The numbers of the packets in the order they come, one sent each 20 ms."""
    line = BadLine(quality)
    come: list[int] = []
    for number in range(count):
        now = number * 0.02
        line.put(number.to_bytes(4, "big"), now)
        come += [int.from_bytes(packet, "big") for packet in line.due(now)]
    return come + [int.from_bytes(packet, "big") for packet in line.due(count)]


def test_a_faultless_line_gives_all_at_once_and_in_order() -> None:
    assert carried(FAULTLESS) == list(range(5000))


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_it_loses_its_share_in_runs_of_their_length(burst: float) -> None:
    come = carried(Quality(loss=0.05, burst=burst), 40000)
    gaps = [after - before - 1 for before, after in itertools.pairwise(come)]
    runs = [gap for gap in gaps if gap]
    assert 1 - len(come) / 40000 == pytest.approx(0.05, abs=0.01)
    assert sum(runs) / len(runs) == pytest.approx(burst, rel=0.15)


def test_jitter_alone_keeps_the_order_and_loses_nothing() -> None:
    assert carried(Quality(jitter=0.1)) == list(range(5000))


def test_a_packet_that_takes_another_way_comes_after_the_next_one() -> None:
    come = carried(Quality(reorder=0.02))
    early = [at for at in range(len(come) - 1) if come[at] > come[at + 1]]
    assert sorted(come) == list(range(5000))
    assert len(early) == pytest.approx(100, abs=40)
    assert all(abs(number - at) <= 2 for at, number in enumerate(come))


def test_the_same_seed_is_the_same_line() -> None:
    bad = Quality(loss=0.1, burst=2, jitter=0.05, reorder=0.1, seed=3)
    assert carried(bad) == carried(bad)
    assert carried(bad) != carried(Quality(0.1, 2, 0.05, 0.1, seed=4))
