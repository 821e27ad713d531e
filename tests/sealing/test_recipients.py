from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import ConfigError, SealError
from tipline_gw.sealing import bech32
from tipline_gw.sealing.identities import ClassicIdentity, HybridIdentity
from tipline_gw.sealing.recipients import (
    MAX_FILE_SIZE,
    Recipients,
    load_recipients,
    parse_recipient,
)

HYBRID = HybridIdentity(bytes(32))
CLASSIC = ClassicIdentity(bytes(32))
OTHER = ClassicIdentity(b"\x01" * 32)
FILE_KEY = bytearray(16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recipients.txt"


def test_a_file_of_keys_and_comments_is_read(file: Path) -> None:
    text = f"\ufeff# reviewers\r\n\r\n  {CLASSIC.public_key}  \r\n#old\n{OTHER.public_key}"
    file.write_text(text, encoding="utf-8")
    recipients = load_recipients(file)
    assert [str(key) for key in recipients] == [CLASSIC.public_key, OTHER.public_key]
    assert len(recipients) == 2
    assert not recipients.post_quantum


def test_a_hybrid_set_says_it_is_post_quantum(file: Path) -> None:
    file.write_text(f"{HYBRID.public_key}\n{HybridIdentity.generate().public_key}\n")
    assert load_recipients(file).post_quantum


@pytest.mark.parametrize(
    ("lines", "at", "reason"),
    [
        ([], 1, "no public key"),
        (["# none", ""], 1, "no public key"),
        (["# a", CLASSIC.public_key, HYBRID.public_key], 3, "mixed"),
        ([HYBRID.public_key, CLASSIC.public_key], 2, "mixed"),
        ([CLASSIC.public_key, OTHER.public_key, CLASSIC.public_key], 3, "twice"),
        ([HYBRID.secret()], 1, "private key"),
        ([CLASSIC.secret().lower()], 1, "private key"),
        ([CLASSIC.public_key[:-1] + "q"], 1, "checksum"),
        ([CLASSIC.public_key + " " + OTHER.public_key], 1, "character"),
        ([bech32.encode("age", bytes(31))], 1, "not a key this gateway"),
        ([bech32.encode("age1tag", bytes(33))], 1, "not a key this gateway"),
        ([CLASSIC.public_key.upper()], 1, "not a key this gateway"),
        (["ssh-ed25519 AAAA"], 1, "mixed|not a key|character"),
        # A point of low order, and an ML-KEM key whose coefficients are not reduced.
        ([bech32.encode("age", bytes(32))], 1, "seal nothing"),
        ([bech32.encode("age1pq", HYBRID.recipient.raw[:-32] + bytes(32))], 1, "seal nothing"),
        ([bech32.encode("age1pq", b"\xff" * 1216)], 1, "seal nothing"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    file: Path, lines: list[str], at: int, reason: str
) -> None:
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError, match=reason) as error:
        load_recipients(file)
    assert str(error.value).startswith(f"{file}:{at}: ")
    assert not any(line in str(error.value) for line in lines if len(line) > 12)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ConfigError, match="cannot be read") as error:
            load_recipients(path)
        assert str(path) in str(error.value)


def test_a_file_far_too_long_is_refused(file: Path) -> None:
    file.write_bytes(b"#" * (MAX_FILE_SIZE + 1))
    with pytest.raises(ConfigError, match="too long"):
        load_recipients(file)


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None, database=None)
def test_any_file_is_a_set_or_a_config_error(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-recipients.txt"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        load_recipients(path)


def test_an_empty_a_mixed_or_a_doubled_set_cannot_be_made() -> None:
    for keys in ((), (HYBRID, CLASSIC), (HYBRID, HYBRID)):
        with pytest.raises(SealError):
            Recipients(tuple(identity.recipient for identity in keys))


@pytest.mark.parametrize("identity", [HYBRID, CLASSIC], ids=["hybrid", "x25519"])
def test_each_wrapping_is_fresh_and_its_identity_unwraps_it(identity) -> None:
    recipient = parse_recipient(identity.public_key)
    assert recipient == identity.recipient
    first, second = recipient.wrap(FILE_KEY), recipient.wrap(FILE_KEY)
    assert first != second
    assert len(first.body) == 32
    assert identity.unwrap(first) == identity.unwrap(second) == FILE_KEY


def test_the_largest_set_a_file_can_name_fits_the_header_that_is_read_back() -> None:
    from tipline_gw.sealing.header import MAX_HEADER

    for identity in (HYBRID, CLASSIC):
        lines = MAX_FILE_SIZE // (len(identity.public_key) + 1)
        assert lines * len(identity.recipient.wrap(FILE_KEY).encode()) + 200 < MAX_HEADER
