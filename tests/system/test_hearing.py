"""The ear of the other tests: it knows every prompt of the line, also cut short, and no other."""

import numpy as np
import pytest

from tests.system import hearing, sounds
from tipline_gw.demo.rtp_phone import decode, encode
from tipline_gw.setup import prepare

ORDER = ["welcome", "menu-main", "leave-tip", "tone", "digit-1", "digit-7", "digit-7", "goodbye"]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hearing") / "gw"
    list(prepare(directory, demo_keys=True))
    return directory / "prompts" / "es"


def played(prompts, names, seconds=None):
    """As it comes over the line: mu-law, pauses left out."""
    octets = None if seconds is None else int(seconds * 16000)
    return decode(encode(b"".join((prompts / f"{n}.sln").read_bytes()[:octets] for n in names)))


def test_every_prompt_is_known_by_itself(prompts):
    names = [file.stem for file in sorted(prompts.glob("*.sln")) if file.stem != "pause"]
    assert hearing.names_said(prompts, played(prompts, names)) == names


def test_prompts_are_written_down_in_order_with_repetitions(prompts):
    heard = hearing.said(prompts, played(prompts, ORDER))
    assert [each.name for each in heard] == ORDER
    assert all(each.whole for each in heard)


def test_a_prompt_cut_short_is_known_and_not_whole(prompts):
    pcm = played(prompts, ["menu-main"], 0.9) + played(prompts, ["goodbye"])
    first, second = hearing.said(prompts, pcm)
    assert (first.name, first.whole) == ("menu-main", False)
    assert (second.name, second.whole) == ("goodbye", True)


def test_speech_noise_and_silence_are_no_prompts(prompts):
    noise = np.random.default_rng(1).normal(0, 3000, 8000 * 5).astype("<i2").tobytes()
    for pcm in (b"", bytes(80000), noise, sounds.babble(5, 2)):
        assert hearing.said(prompts, pcm) == []
