from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import OpenError
from tipline_gw.sealing.failures import (
    HeaderFormError,
    HeaderMacError,
    NoMatchError,
    NotAnAgeFileError,
    PayloadError,
)
from tipline_gw.sealing.identities import ClassicIdentity, HybridIdentity, Identity
from tipline_gw.sealing.opener import Opener, open_file
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.stream import CHUNK_SIZE, SEALED_CHUNK_SIZE
from tipline_gw.sealing.writer import Sealer, seal

CLASSIC = ClassicIdentity.generate()
HYBRID = HybridIdentity.generate()
PLAINTEXT = bytes(i % 253 for i in range(2 * CHUNK_SIZE + 700))


def sealed(identity: Identity, plaintext: bytes) -> tuple[bytes, bytes]:
    header, chunks = seal(Recipients((identity.recipient,)), plaintext)
    return header, b"".join(chunks)


HEADER, PAYLOAD = sealed(CLASSIC, PLAINTEXT)
FILE = HEADER + PAYLOAD
FULL_HEADER, FULL_PAYLOAD = sealed(CLASSIC, PLAINTEXT[: 2 * CHUNK_SIZE])
SMALL = b"".join(sealed(CLASSIC, b"a tip of some words"))
SMALL_HYBRID = b"".join(sealed(HYBRID, b"a tip of some words"))


def released(file: bytes, identity: Identity = CLASSIC) -> tuple[bytes, OpenError | None]:
    given_out = bytearray()
    try:
        for chunk in Opener(io.BytesIO(file), [identity]).chunks():
            given_out += chunk
    except OpenError as error:
        return bytes(given_out), error
    return bytes(given_out), None


def near(*places: int) -> st.SearchStrategy[int]:
    return st.sampled_from(places).flatmap(lambda at: st.integers(max(0, at - 40), at + 40))


cuts = st.integers(0, len(FILE) - 1) | near(
    len(HEADER), len(HEADER) + SEALED_CHUNK_SIZE, len(HEADER) + 2 * SEALED_CHUNK_SIZE, len(FILE)
).filter(lambda at: at < len(FILE))


@given(cuts)
@settings(max_examples=400, deadline=None, database=None)
def test_a_file_cut_anywhere_gives_its_whole_chunks_and_says_it_was_cut(at: int) -> None:
    given_out, error = released(FILE[:at])
    whole = max(0, at - len(HEADER)) // SEALED_CHUNK_SIZE
    assert given_out == PLAINTEXT[: whole * CHUNK_SIZE]
    assert error is not None
    if at == 0:
        assert isinstance(error, NotAnAgeFileError)
    else:
        assert error.truncated
        assert isinstance(error, HeaderFormError if at < len(HEADER) else PayloadError)


def test_a_small_file_cut_at_each_octet_says_it_was_cut() -> None:
    for file, identity in ((SMALL, CLASSIC), (SMALL_HYBRID, HYBRID)):
        for at in range(1, len(file)):
            given_out, error = released(file[:at], identity)
            assert given_out == b""
            assert error is not None
            assert error.truncated


def test_what_a_killed_writer_leaves_is_all_given_out() -> None:
    sealer = Sealer(Recipients((HYBRID.recipient,)))
    left = sealer.header + b"".join(sealer.write(PLAINTEXT))
    given_out, error = released(left, HYBRID)
    assert given_out == PLAINTEXT[: 2 * CHUNK_SIZE]
    assert isinstance(error, PayloadError)
    assert error.truncated
    assert "after 2 whole chunks" in str(error)


@given(
    st.sampled_from([(SMALL, CLASSIC), (SMALL_HYBRID, HYBRID), (FILE, CLASSIC)]),
    st.data(),
)
@settings(max_examples=1500, deadline=None, database=None)
def test_a_changed_file_never_opens_and_gives_out_nothing_but_its_beginning(
    case: tuple[bytes, Identity], drawn: st.DataObject
) -> None:
    file, identity = case
    at = drawn.draw(st.integers(0, len(file) - 1))
    new = drawn.draw(st.binary(max_size=4))
    changed = file[:at] + new + file[at + drawn.draw(st.integers(0, 4)) :]
    if changed == file:
        return
    given_out, error = released(changed, identity)
    assert error is not None
    assert (PLAINTEXT if file is FILE else b"a tip of some words").startswith(given_out)


@given(st.binary(max_size=300))
@settings(max_examples=1000, deadline=None, database=None)
def test_any_octets_after_a_header_are_a_payload_error(data: bytes) -> None:
    given_out, error = released(HEADER + data)
    assert given_out == b""
    assert isinstance(error, PayloadError)


def test_chunks_that_changed_places_or_were_dropped_are_noticed() -> None:
    first, second = PAYLOAD[:SEALED_CHUNK_SIZE], PAYLOAD[SEALED_CHUNK_SIZE : 2 * SEALED_CHUNK_SIZE]
    last = PAYLOAD[2 * SEALED_CHUNK_SIZE :]
    for payload, whole in ((second + first + last, 0), (first + first + last, 1)):
        given_out, error = released(HEADER + payload)
        assert given_out == PLAINTEXT[: whole * CHUNK_SIZE]
        assert isinstance(error, PayloadError)
        assert not error.truncated
    assert released(HEADER + first + last)[0] == PLAINTEXT[:CHUNK_SIZE]


@pytest.mark.parametrize("more", [b"x", bytes(SEALED_CHUNK_SIZE)])
def test_what_follows_the_final_chunk_is_noticed_after_the_payload_was_given_out(
    more: bytes,
) -> None:
    given_out, error = released(FULL_HEADER + FULL_PAYLOAD + more)
    assert given_out == PLAINTEXT[: 2 * CHUNK_SIZE]
    assert isinstance(error, PayloadError)
    assert "follows" in str(error)
    assert not error.truncated


def test_the_reasons_a_header_does_not_open_are_told_apart() -> None:
    mac = HEADER.index(b"--- ") + 4
    other_mac = HEADER[:mac] + (b"B" if HEADER[mac : mac + 1] == b"A" else b"A") + HEADER[mac + 1 :]
    reasons = {
        b"hello": NotAnAgeFileError,
        HEADER.replace(b"-> X", b"->X"): HeaderFormError,
        HEADER[:-1]: HeaderFormError,
        other_mac: HeaderMacError,
    }
    for file, reason in reasons.items():
        assert type(released(file)[1]) is reason
    assert type(released(FILE, ClassicIdentity.generate())[1]) is NoMatchError
    assert type(released(FILE, HYBRID)[1]) is NoMatchError


def test_no_identity_matches_none() -> None:
    with pytest.raises(NoMatchError):
        Opener(io.BytesIO(FILE), [])


def test_a_source_that_gives_few_octets_at_a_time_is_read_whole() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1000))

    assert b"".join(Opener(Slow(FILE), [HYBRID, CLASSIC]).chunks()) == PLAINTEXT


def test_a_source_that_fails_midway_is_our_error() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > len(HEADER) + SEALED_CHUNK_SIZE - 1:
                raise OSError("with a path in it")
            return super().read(size)

    chunks = Opener(Failing(FILE), [CLASSIC]).chunks()
    assert next(chunks) == PLAINTEXT[:CHUNK_SIZE]
    with pytest.raises(OpenError, match="cannot be read"):
        next(chunks)


def test_a_file_is_read_once() -> None:
    opener = Opener(io.BytesIO(SMALL), [CLASSIC])
    assert b"".join(opener.chunks()) == b"a tip of some words"
    with pytest.raises(OpenError, match="already"):
        next(opener.chunks())
    assert bytes(opener._key) == bytes(32)


def test_no_error_carries_anything_of_the_file() -> None:
    for file in (SMALL[:-3], SMALL + b"more", SMALL.replace(b"-> ", b"-> \xff"), b"secret words"):
        error = released(file)[1]
        assert error is not None
        assert error.__cause__ is None
        assert not any(word in str(error) for word in ("secret", "tip of", "X25519", "more"))


def test_a_file_is_opened_into_a_sink(tmp_path: Path) -> None:
    path, sink = tmp_path / "tip.age", io.BytesIO()
    path.write_bytes(FILE)
    assert open_file(path, [CLASSIC], sink) == len(PLAINTEXT)
    assert sink.getvalue() == PLAINTEXT


def test_a_cut_file_leaves_its_whole_chunks_in_the_sink(tmp_path: Path) -> None:
    path, sink = tmp_path / "tip.age", io.BytesIO()
    path.write_bytes(FILE[:-1])
    with pytest.raises(OpenError) as error:
        open_file(path, [CLASSIC], sink)
    assert error.value.truncated
    assert sink.getvalue() == PLAINTEXT[: 2 * CHUNK_SIZE]


def test_an_absent_file_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="cannot be read: No such file"):
        open_file(tmp_path / "absent.age", [CLASSIC], io.BytesIO())
