import io
import json
import wave

import pytest

from tipline_gw.domain.wav import streaming_header
from tipline_gw.errors import OpenError
from tipline_gw.sealing.exported import open_exported
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.padding import pad_text, recording_padding
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal

SPEECH = bytes(range(1, 201)) * 1600


@pytest.fixture(scope="module")
def identity():
    return HybridIdentity.generate()


@pytest.fixture
def sealed(tmp_path, identity):
    def write(name: str, plaintext: bytes):
        header, chunks = seal(Recipients((identity.recipient,)), plaintext)
        path = tmp_path / name
        path.write_bytes(header + b"".join(chunks))
        return path

    return write


def recording() -> bytes:
    wav = streaming_header() + SPEECH
    return wav + bytes(recording_padding(len(wav)))


def test_an_envelope_is_read(sealed, identity):
    path = sealed("a.json.age", pad_text(json.dumps({"kind": "sms", "text": "Sí"}).encode()))
    opened = open_exported(path, [identity], None)
    assert opened.envelope == {"kind": "sms", "text": "Sí"}
    assert not opened.truncated


def test_a_recording_becomes_a_private_wav_of_its_true_length(sealed, identity, tmp_path):
    opened = open_exported(sealed("a.wav.age", recording()), [identity], tmp_path / "out")
    target = tmp_path / "out" / "a.wav"
    assert opened.recording == str(target)
    assert target.stat().st_mode & 0o77 == 0
    with wave.open(str(target)) as wav:
        assert wav.readframes(wav.getnframes()) == SPEECH
    assert opened.seconds == len(SPEECH) / 16000


def test_a_file_that_others_can_read_or_a_link_does_not_stay_in_its_place(
    sealed, identity, tmp_path
):
    path, target = sealed("a.wav.age", recording()), tmp_path / "out" / "a.wav"
    target.parent.mkdir()
    target.write_bytes(b"")
    target.chmod(0o644)
    open_exported(path, [identity], tmp_path / "out")
    assert target.stat().st_mode & 0o77 == 0
    target.unlink()
    target.symlink_to(tmp_path / "elsewhere")
    open_exported(path, [identity], tmp_path / "out")
    assert not target.is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_a_truncated_recording_gives_what_was_whole(sealed, identity):
    path = sealed("a.wav.age", recording())
    path.write_bytes(path.read_bytes()[:-70000])
    opened = open_exported(path, [identity], None)
    assert opened.truncated
    with wave.open(io.BytesIO((path.parent / "a.wav").read_bytes())) as wav:
        got = wav.readframes(wav.getnframes())
    assert len(got) > 65536
    assert SPEECH.startswith(got)


def test_what_is_not_for_this_key_is_refused(sealed):
    with pytest.raises(OpenError):
        open_exported(sealed("a.json.age", b"{}"), [HybridIdentity.generate()], None)


def test_what_is_no_envelope_is_refused(sealed, identity):
    with pytest.raises(OpenError, match="holds no envelope"):
        open_exported(sealed("a.json.age", b"RIFF"), [identity], None)


def test_a_file_that_is_not_there_is_refused(tmp_path, identity):
    with pytest.raises(OpenError, match="cannot be read"):
        open_exported(tmp_path / "none.json.age", [identity], None)
