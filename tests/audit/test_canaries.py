import itertools

import pytest

from tipline_gw.audit.canaries import MOST, Canaries


def test_each_number_is_another_one_and_they_share_eight_digits():
    canaries = Canaries()
    numbers = [canaries.next(f"intake {n}") for n in range(MOST)]
    assert len(set(numbers)) == MOST
    assert all(len(number) == 13 and number[3:11] == canaries.shared for number in numbers)
    assert canaries.what(numbers[7]) == "intake 7"
    with pytest.raises(ValueError, match="a hundred"):
        canaries.next("one more")


def test_two_audits_have_different_numbers():
    assert len({Canaries().shared for _ in range(50)}) > 40


def test_no_digit_stands_twice_in_a_row_or_is_a_zero():
    for _ in range(50):
        shared = Canaries().shared
        assert "0" not in shared
        assert all(one != two for one, two in itertools.pairwise(shared))
