from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import OpenError
from tipline_gw.sealing import header as module
from tipline_gw.sealing.failures import HeaderFormError, HeaderMacError, NotAnAgeFileError
from tipline_gw.sealing.header import (
    Stanza,
    decode64,
    encode64,
    format_header,
    read_header,
)

KEY = bytearray(b"sixteen octets!!")
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)
stanzas = st.builds(Stanza, words, st.lists(words, max_size=3).map(tuple), st.binary(max_size=200))
A_HEADER = format_header([Stanza("X25519", ("a",), bytes(range(48))), Stanza("b", (), b"")], KEY)


def read(data: bytes) -> module.Header:
    return read_header(io.BytesIO(data))


@given(st.lists(stanzas, min_size=1, max_size=5), st.binary(max_size=40))
@settings(max_examples=300, deadline=None, database=None)
def test_a_header_written_is_read_back_and_nothing_after_it_is_taken(
    written: list[Stanza], payload: bytes
) -> None:
    source = io.BytesIO(format_header(written, KEY) + payload)
    header = read_header(source)
    assert list(header.stanzas) == written
    assert source.read() == payload
    header.verify(KEY)


@given(st.binary(max_size=400))
@settings(max_examples=20_000, deadline=None, database=None)
def test_any_octets_are_a_header_or_our_error(data: bytes) -> None:
    with pytest.raises((HeaderFormError, NotAnAgeFileError)):
        read(data)


pieces = st.sampled_from([b"->", b"-> X25519", b" ", b"\n", b"\r\n", b"---", b"--- ", b"="])
pieces |= st.sampled_from([b"QUJD", b"A" * 43, b"A" * 64, b"\x00", b"\xff", b"-> a\n\n"])


@given(st.lists(pieces | st.binary(max_size=5), max_size=20).map(b"".join))
@settings(max_examples=5_000, deadline=None, database=None)
def test_anything_after_the_version_is_a_header_or_our_error(data: bytes) -> None:
    whole = module.VERSION_LINE + data
    try:
        header = read(whole)
    except HeaderFormError as error:
        assert error.what
    else:
        # What is read strictly is written back as it stood.
        again = module.VERSION_LINE + b"".join(stanza.encode() for stanza in header.stanzas)
        assert header.covered == again + b"---"
        assert whole.startswith(header.covered + b" " + encode64(header.mac) + b"\n")


@given(st.integers(0, len(A_HEADER) - 1), st.binary(max_size=3), st.integers(0, 3))
@settings(max_examples=5_000, deadline=None, database=None)
def test_a_changed_header_is_refused_or_fails_its_mac(at: int, new: bytes, cut: int) -> None:
    changed = A_HEADER[:at] + new + A_HEADER[at + cut :]
    if changed.startswith(A_HEADER):
        return
    with pytest.raises((HeaderFormError, NotAnAgeFileError, HeaderMacError)):
        read(changed).verify(KEY)


def test_a_header_cut_anywhere_says_that_it_was_cut() -> None:
    for length in range(1, len(A_HEADER)):
        with pytest.raises(HeaderFormError, match="ends inside its header") as error:
            read(A_HEADER[:length])
        assert error.value.truncated


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"RIFF....WAVE", "not an age file"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "armoured"),
    ],
)
def test_another_kind_of_file_is_told_from_a_broken_one(data: bytes, reason: str) -> None:
    with pytest.raises(NotAnAgeFileError, match=reason) as error:
        read(data)
    assert not error.value.truncated


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"org/v1", b"org/v2"), "version"),
        ((b"-> X25519 a\n", b"-> X25519  a\n"), "empty argument"),
        ((b"-> X25519 a\n", b"->X25519 a\n"), "begin"),
        ((b"-> X25519 a\n", b"-> X25519 \xc3\xa1\n"), "character"),
        ((b"\n-> b\n\n", b"\n-> b\n" + b"A" * 65 + b"\n\n"), "too long"),
        ((b"\n-> b\n\n", b"\n-> b\nQQ==\n"), "canonical"),
        ((b"\n-> b\n\n", b"\n-> b\nQR\n"), "canonical"),
        ((b"\n-> b\n\n", b"\n-> b\nQ\n"), "canonical"),
        ((b"\n--- ", b"\n---  "), "canonical"),
        ((b"\n--- ", b"\n---"), "begin"),
        ((b"\n--- ", b"\nfoo\n--- "), "begin"),
        ((A_HEADER[-44:], b"AAAA\n"), "32 octets"),
    ],
)
def test_a_malformed_header_says_where(change: tuple[bytes, bytes], reason: str) -> None:
    changed = A_HEADER.replace(*change)
    assert changed != A_HEADER
    with pytest.raises(HeaderFormError, match=reason) as error:
        read(changed)
    assert not error.value.truncated


def test_a_header_without_stanzas_is_malformed() -> None:
    with pytest.raises(HeaderFormError, match="no recipient"):
        read(format_header([], KEY))


def test_an_endless_header_costs_a_bounded_read() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def readline(self, limit: int | None = -1) -> bytes:
            begin = {0: module.VERSION_LINE, len(module.VERSION_LINE): b"-> a\n"}
            line = begin.get(self.taken, b"A" * 64 + b"\n")[:limit]
            self.taken += len(line)
            return line

    source = Endless()
    with pytest.raises(HeaderFormError, match="longer than"):
        read_header(source)
    assert source.taken == module.MAX_HEADER


def test_a_source_that_fails_is_our_error() -> None:
    class Failing(io.RawIOBase):
        def readline(self, limit: int | None = -1) -> bytes:
            raise OSError("with a path in it")

    with pytest.raises(OpenError, match="cannot be read") as error:
        read_header(Failing())
    assert "path" not in str(error.value)


@given(st.binary(max_size=200))
@settings(deadline=None, database=None)
def test_base64_is_read_back(data: bytes) -> None:
    assert decode64(encode64(data)) == data


@pytest.mark.parametrize("text", [b"QQ==", b"QR", b"Q", b"Q Q", b"Q\nQ", b"Q-", b"=", b"\xff\xff"])
def test_base64_that_is_padded_or_not_canonical_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode64(text)
