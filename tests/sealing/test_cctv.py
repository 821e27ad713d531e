"""The C2SP CCTV vectors: each must answer as its ``expect`` says, and release what it says.

Out of scope by name: ``armor_*`` (armour is refused here) and the ``scrypt*`` vectors that give
no identity (passphrases are refused here).
"""

from __future__ import annotations

import hashlib
import io

import pytest

from tests.fetch_cctv import Vector
from tipline_gw.errors import OpenError
from tipline_gw.sealing import writer
from tipline_gw.sealing.failures import (
    HeaderFormError,
    HeaderMacError,
    NoMatchError,
    NotAnAgeFileError,
    PayloadError,
)
from tipline_gw.sealing.header import format_header, read_header
from tipline_gw.sealing.identities import parse_identity
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.stream import NONCE_SIZE

ANSWERS: dict[str, tuple[type[OpenError], ...]] = {
    "header failure": (HeaderFormError, NotAnAgeFileError),
    "no match": (NoMatchError,),
    "HMAC failure": (HeaderMacError,),
    "payload failure": (PayloadError,),
}
RUN = 86
ARMOURED = 33
PASSPHRASE = 24


@pytest.fixture(scope="session")
def ours(vectors: list[Vector]) -> list[Vector]:
    return [v for v in vectors if not v.armored and (v.identities or not v.passphrases)]


def _answer(vector: Vector) -> tuple[str, bytes]:
    released = bytearray()
    try:
        opener = Opener(io.BytesIO(vector.file), [parse_identity(i) for i in vector.identities])
        for chunk in opener.chunks():
            released += chunk
    except OpenError as error:
        told = [expect for expect, types in ANSWERS.items() if type(error) in types]
        return (told or [type(error).__name__])[0], bytes(released)
    return "success", bytes(released)


def test_what_is_out_of_scope_is_so_by_name_and_all_else_is_run(
    vectors: list[Vector], ours: list[Vector]
) -> None:
    left_out = [vector.name for vector in vectors if vector not in ours]
    assert sum(name.startswith("armor_") for name in left_out) == ARMOURED
    assert sum(name.startswith("scrypt") for name in left_out) == PASSPHRASE
    assert len(left_out) == ARMOURED + PASSPHRASE
    assert len(ours) == RUN


def test_every_vector_answers_as_it_says_and_releases_what_it_says(ours: list[Vector]) -> None:
    wrong, run = {}, 0
    for vector in ours:
        answer, released = _answer(vector)
        digest = hashlib.sha256(released).hexdigest()
        if answer != vector.expect or vector.payload not in (None, digest):
            wrong[vector.name] = (answer, vector.expect)
        run += 1
    assert run == RUN
    assert wrong == {}


def test_armoured_and_passphrase_files_are_refused_as_what_they_are(vectors: list[Vector]) -> None:
    named = {vector.name: vector for vector in vectors}
    armoured = named["armor_x25519"]
    with pytest.raises(NotAnAgeFileError, match="armoured"):
        Opener(io.BytesIO(armoured.file), [parse_identity(armoured.identities[0])])
    with pytest.raises(NoMatchError):
        Opener(io.BytesIO(named["scrypt"].file), [parse_identity(armoured.identities[0])])


def test_every_sound_header_is_written_again_octet_for_octet(vectors: list[Vector]) -> None:
    sound = [v for v in vectors if not v.armored and v.expect in ("success", "payload failure")]
    assert len(sound) > 30
    for vector in sound:
        source = io.BytesIO(vector.file)
        header = read_header(source)
        again = format_header(header.stanzas, bytearray(vector.file_key))
        assert again == vector.file[: source.tell()], vector.name


class _Given:
    """Stands for recipients: the stanzas of a vector, whatever the file key."""

    def __init__(self, stanzas) -> None:
        self._stanzas = stanzas

    def wrap(self, file_key):
        return self._stanzas


def test_the_writer_makes_every_successful_vector_octet_for_octet(
    ours: list[Vector], monkeypatch: pytest.MonkeyPatch
) -> None:
    successful = [vector for vector in ours if vector.expect == "success"]
    assert len(successful) > 15
    for vector in successful:
        source = io.BytesIO(vector.file)
        stanzas = read_header(source).stanzas
        nonce = source.read(NONCE_SIZE)
        monkeypatch.setattr(writer, "new_file_key", lambda v=vector: bytearray(v.file_key))
        monkeypatch.setattr(writer.os, "urandom", lambda size, nonce=nonce: nonce)
        header, chunks = writer.seal(_Given(stanzas), _answer(vector)[1])
        assert header + b"".join(chunks) == vector.file, vector.name
