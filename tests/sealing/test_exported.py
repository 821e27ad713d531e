import io
import json
import resource
import wave

import pytest

from tests.limits import limited
from tipline_gw.domain.wav import HEADER_OCTETS, header, streaming_header
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
        head, chunks = seal(Recipients((identity.recipient,)), plaintext)
        path = tmp_path / name
        path.write_bytes(head + b"".join(chunks))
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


@pytest.mark.parametrize("before", [None, b"a good one"])
def test_a_recording_that_does_not_fit_leaves_what_was_there(sealed, identity, tmp_path, before):
    path, target = sealed("a.wav.age", recording()), tmp_path / "out" / "a.wav"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before)
    full = limited(resource.RLIMIT_FSIZE, 100_000)  # no file grows beyond that
    with full, pytest.raises(OpenError, match="cannot be written"):
        open_exported(path, [identity], target.parent)
    left = {file.name: file.read_bytes() for file in target.parent.iterdir()}
    assert left == ({} if before is None else {"a.wav": before})


def test_what_a_killed_run_left_behind_is_not_in_the_way(sealed, identity, tmp_path):
    path, out = sealed("a.wav.age", recording()), tmp_path / "out"
    out.mkdir()
    (out / ".a.wav.part").symlink_to(tmp_path / "elsewhere")
    open_exported(path, [identity], out)
    assert [file.name for file in out.iterdir()] == ["a.wav"]
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "plaintext",
    [b"", streaming_header()[:20], header(len(SPEECH)) + SPEECH, pad_text(b'{"kind": "sms"}')],
    ids=["empty", "no whole header", "another's header", "an envelope"],
)
def test_what_is_no_recording_of_ours_is_not_written_as_one(sealed, identity, plaintext):
    path = sealed("a.wav.age", plaintext)
    with pytest.raises(OpenError, match=r"holds no recording: .* age -d"):
        open_exported(path, [identity], None)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_recording_that_is_cut_inside_its_header_says_so(sealed, identity):
    path = sealed("a.wav.age", recording())
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n---") + 66 + HEADER_OCTETS])
    with pytest.raises(OpenError, match="cut short"):
        open_exported(path, [identity], None)


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


@pytest.mark.parametrize(
    "plaintext",
    [
        b"RIFF", b"[1]", b"5", b"null", b'"abc"', b"[" * 100_000, b'{"a": {"b": 1}}',
        b'{"a": ' + b"[" * 400 + b"]" * 400 + b"}", b'{"text": "\\ud800"}',
        b'{"seconds": NaN}', b'{"seconds": 1e999}',
    ],
    ids=[
        "no JSON", "a list", "a number", "null", "a string", "without end", "nested",
        "nested deep", "half a pair", "not a number", "infinite",
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_refused(sealed, identity, plaintext):
    with pytest.raises(OpenError, match="holds no envelope"):
        open_exported(sealed("a.json.age", plaintext), [identity], None)


def test_an_envelope_that_is_cut_inside_its_text_says_so(sealed, identity):
    path = sealed("a.json.age", json.dumps({"text": "x" * 100_000}).encode())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(OpenError, match="holds no envelope: the file is cut short"):
        open_exported(path, [identity], None)


def test_a_file_that_is_not_there_is_refused(tmp_path, identity):
    with pytest.raises(OpenError, match="cannot be read"):
        open_exported(tmp_path / "none.json.age", [identity], None)
