import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.prompts.wavs import FLOAT, LINEAR, chunk, voice, wav
from tipline_gw.errors import PromptError
from tipline_gw.prompts import wav as wavs
from tipline_gw.prompts.wav import load, parse

KINDS = [(LINEAR, 8), (LINEAR, 16), (LINEAR, 24), (LINEAR, 32), (FLOAT, 32), (FLOAT, 64)]
SPOKEN = voice(0.2)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_every_common_kind_of_sample_is_read(kind, bits, extensible):
    read = parse(wav(SPOKEN, bits=bits, kind=kind, extensible=extensible))
    assert read.rate == 48000
    assert np.abs(read.signal - SPOKEN).max() < (0.005 if bits == 8 else 1e-4)
    assert not read.clipped


def test_what_the_standard_library_writes_is_read(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 44100, 0, "NONE", ""))
        file.writeframes((np.column_stack([SPOKEN, SPOKEN]) * 32767).astype("<i2").tobytes())
    assert load(tmp_path / "a.wav").signal == pytest.approx(SPOKEN, abs=1e-4)


def test_of_several_channels_the_loudest_is_taken_and_none_is_cancelled_out():
    both = np.column_stack([SPOKEN * 0.1, -SPOKEN, SPOKEN])
    assert np.abs(parse(wav(both)).signal) == pytest.approx(np.abs(SPOKEN), abs=1e-4)


@pytest.mark.parametrize("before", [chunk(b"LIST", b"INFOodd"), chunk(b"bext", bytes(602))])
def test_other_chunks_are_passed_over(before):
    assert parse(wav(SPOKEN, before=before)).signal == pytest.approx(SPOKEN, abs=1e-4)


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_the_writer_did_not_know_is_not_believed(length):
    assert len(parse(wav(SPOKEN, length=length)).signal) == len(SPOKEN)


def test_half_a_frame_at_the_end_is_dropped():
    assert len(parse(wav(SPOKEN, length=0) + b"\x01").signal) == len(SPOKEN)


@pytest.mark.parametrize("kind_and_bits", KINDS)
def test_peaks_that_were_cut_off_flat_are_seen(kind_and_bits):
    kind, bits = kind_and_bits
    over = np.clip(SPOKEN * 8, -1, 1)
    assert parse(wav(over, kind=kind, bits=bits)).clipped
    assert not parse(wav(over * 0.9, kind=kind, bits=bits)).clipped


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04 an MP3", "not a WAV file"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "not a WAV file"),
        (b"RIFF\x04\x00\x00\x00WAVE", "without its sound"),
        (wav(SPOKEN)[:44], "cut off"),
        (wav(SPOKEN)[:-100], "cut off"),
        (wav(SPOKEN[:0]), "without its sound"),
        (wav(SPOKEN, kind=7, bits=8), "compressed, or an unusual format"),
        (wav(SPOKEN, kind=0x55), "compressed, or an unusual format"),
        (wav(np.zeros(8000 * 181), rate=8000, bits=8), "longer than 180 s"),
        (wav(SPOKEN, rate=4000), "unusual rate"),
        (wav(SPOKEN, rate=0), "unusual rate"),
        (wav(SPOKEN, rate=768000), "unusual rate"),
        (wav(np.zeros((10, 9))), "unusual rate or number of channels"),
        (wav(SPOKEN, bits=24, container=32), "not packed closely"),
        (wav(np.array([0.0, np.nan]), kind=FLOAT, bits=32), "no sound"),
        (wav(np.array([0.0, np.inf]), kind=FLOAT, bits=64), "no sound"),
        (
            b"RIFF\x04\x00\x00\x00WAVE" + chunk(b"fmt ", b"\x01\x00") + chunk(b"data", b"1"),
            "format",
        ),
    ],
)
def test_what_cannot_be_used_says_why_and_what_to_do(content, what):
    with pytest.raises(PromptError, match=what) as error:
        parse(content)
    assert error.value.todo


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "welcome.wav").write_bytes(b"OggS")
    with pytest.raises(PromptError, match=r"welcome\.wav: not a WAV file"):
        load(tmp_path / "welcome.wav")
    with pytest.raises(PromptError, match=r"advice\.wav cannot be read"):
        load(tmp_path / "advice.wav")


def test_a_file_too_large_for_a_prompt_is_not_read_to_its_end(tmp_path, monkeypatch):
    file = tmp_path / "welcome.wav"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    monkeypatch.setattr(wavs, "LARGEST_RECORDING", 1 << 20)
    with pytest.raises(PromptError, match=r"welcome\.wav: larger than 1 MiB"):
        load(file)


_CHUNKS = st.lists(
    st.builds(
        lambda name, length, content: struct.pack("<4sI", name, length) + content,
        st.sampled_from([b"fmt ", b"data", b"LIST"]),
        st.one_of(st.integers(0, 64), st.integers(0, 0xFFFFFFFF)),
        st.one_of(
            st.binary(max_size=64),
            st.sampled_from([wav(SPOKEN[:9], bits=b, kind=k)[20:36] for k, b in KINDS]),
        ),
    ),
    max_size=4,
).map(lambda chunks: b"RIFF\x00\x00\x00\x00WAVE" + b"".join(chunks))
_DAMAGED = st.builds(
    lambda whole, at, octet: whole[:at] + octet + whole[at + 1 :],
    st.sampled_from([wav(SPOKEN[:50], bits=bits, kind=kind) for kind, bits in KINDS]),
    st.integers(0, 60),
    st.binary(max_size=3),
)


@settings(max_examples=600, deadline=None, database=None)
@given(st.one_of(st.binary(max_size=200), _CHUNKS, _DAMAGED))
def test_any_file_is_a_sound_or_our_error(content):
    try:
        read = parse(content)
    except PromptError as error:
        assert error.todo
        return
    assert read.signal.ndim == 1
    assert np.isfinite(read.signal).all()
