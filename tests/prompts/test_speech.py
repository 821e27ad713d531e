import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import PromptError
from tipline_gw.prompts import speech
from tipline_gw.prompts.catalogue import Catalogue, shipped
from tipline_gw.prompts.speech import Pcm, espeak, unwrapped


def wav(data: bytes, kind: int = 1, channels: int = 1, bits: int = 16, rate: int = 22050) -> bytes:
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, 0, 0, bits)
    return b"RIFF\xff\xff\xff\x7fWAVE" + fmt + b"data\xff\xff\xff\x7f" + data


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize("language", shipped())
def test_espeak_ng_speaks_every_shipped_language(language):
    catalogue = Catalogue.load(language)
    voice = catalogue.voice
    slow = espeak(catalogue.prompt("goodbye"), voice.name, 120)
    fast = espeak(catalogue.prompt("goodbye"), voice.name, 240)
    assert slow.rate == fast.rate
    assert len(slow.samples) > len(fast.samples) > slow.rate


def test_a_text_that_looks_like_an_option_is_spoken():
    assert len(espeak("--version", "en-us", 165).samples) > 8000


def test_a_voice_that_does_not_exist_is_named():
    with pytest.raises(PromptError, match="voice qqq"):
        espeak("hola", "qqq", 165)


def test_without_espeak_ng_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromptError) as error:
        espeak("hola", "es-419", 165)
    assert error.value.todo == "apt-get install espeak-ng"


def test_an_espeak_ng_that_hangs_is_given_up(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(speech, "SECONDS", 0.2)
    with pytest.raises(PromptError, match="did not end"):
        espeak("hola", "es-419", 165)


def test_an_espeak_ng_without_its_voices_gives_no_sound(tmp_path, monkeypatch):
    stand_in(tmp_path, monkeypatch, "cat >/dev/null")
    with pytest.raises(PromptError, match="no sound"):
        espeak("hola", "es-419", 165)


def test_the_lengths_in_a_piped_wav_are_not_believed():
    assert unwrapped(wav(b"\x01\x00\x02\x00")) == Pcm(22050, b"\x01\x00\x02\x00")


def test_half_a_sample_at_the_end_is_dropped():
    assert unwrapped(wav(b"\x01\x00\x02")).samples == b"\x01\x00"


@pytest.mark.parametrize("other", [{"kind": 3}, {"channels": 2}, {"bits": 8}, {"rate": 0}])
def test_another_kind_of_sound_is_refused(other):
    with pytest.raises(PromptError, match="not 16-bit mono"):
        unwrapped(wav(b"\x00\x00", **other))


@settings(max_examples=500, deadline=None, database=None)
@given(st.one_of(st.binary(), st.integers(0, 50).map(lambda n: wav(b"\x01\x02")[:n])))
def test_any_bytes_are_a_sound_or_our_error(content):
    try:
        assert unwrapped(content).rate > 0
    except PromptError as error:
        assert error.todo
