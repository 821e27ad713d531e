import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.domain.wav import heard_octets


@pytest.mark.parametrize("still", [0, 2, 4094, 4096, 4098, 3 * 4096])
@pytest.mark.parametrize("spoken", [b"", b"\1\0", b"\0\1", b"\0\0\0\1", b"\1\1" * 5000])
def test_a_recording_ends_with_its_last_sample_that_is_not_zero(spoken, still):
    assert heard_octets(bytearray(spoken + bytes(still))) == len(spoken)


@given(st.binary(max_size=64), st.integers(0, 9000))
def test_nothing_that_sounds_is_cut_and_samples_stay_whole(start, still):
    pcm = start + bytes(still)
    octets = heard_octets(pcm)
    assert octets % 2 == 0
    assert not any(pcm[octets:])
    assert not octets or any(pcm[octets - 2 : octets])
