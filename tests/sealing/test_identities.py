from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import SealError
from tipline_gw.sealing import bech32
from tipline_gw.sealing.failures import HeaderFormError
from tipline_gw.sealing.header import Stanza, encode64
from tipline_gw.sealing.identities import (
    ClassicIdentity,
    HybridIdentity,
    Identity,
    load_identities,
    parse_identity,
    unwrap_any,
    write_identity,
)

# The examples of the C2SP age specification.
SPEC_HYBRID = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
SPEC_HYBRID_RECIPIENT_START = "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrq"
SPEC_HYBRID_RECIPIENT_END = "3fzv49zc0k"
SPEC_CLASSIC = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
SPEC_CLASSIC_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
FILE_KEY = bytearray(b"sixteen octets!!")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reviewer.key"


def private(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(0o600)
    return path


def test_the_specifications_identities_have_the_specifications_public_keys() -> None:
    assert parse_identity(SPEC_CLASSIC).public_key == SPEC_CLASSIC_RECIPIENT
    hybrid = parse_identity(SPEC_HYBRID).public_key
    assert hybrid.startswith(SPEC_HYBRID_RECIPIENT_START)
    assert hybrid.endswith(SPEC_HYBRID_RECIPIENT_END)


def test_an_identity_is_written_private_in_age_keygens_format_and_read_back(
    file: Path, identity: Identity
) -> None:
    before = os.umask(0)
    try:
        write_identity(file, identity)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"# public key: {identity.public_key}\n{identity.secret()}\n"
    (read,) = load_identities(file)
    assert (read.secret(), read.public_key) == (identity.secret(), identity.public_key)


def test_an_identity_is_never_written_over_anything(file: Path, identity: Identity) -> None:
    file.write_text("another's")
    with pytest.raises(SealError, match="there already"):
        write_identity(file, identity)
    assert file.read_text() == "another's"
    link = file.with_name("link")
    link.symlink_to(file.with_name("elsewhere"))
    with pytest.raises(SealError, match="there already"):
        write_identity(link, identity)
    assert not file.with_name("elsewhere").exists()


def test_an_identity_that_cannot_be_written_leaves_nothing(
    file: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SealError, match="No space left"):
        write_identity(file, identity)
    assert not file.exists()
    with pytest.raises(SealError, match="cannot be made"):
        write_identity(file / "below", identity)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_file_that_others_may_touch_is_refused(file: Path, identity: Identity, mode: int) -> None:
    private(file, identity.secret()).chmod(mode)
    with pytest.raises(SealError, match="by others") as error:
        load_identities(file)
    assert f"chmod 600 {file}" in str(error.value)


def test_a_file_may_hold_several_identities_and_comments(file: Path) -> None:
    several = [HybridIdentity.generate(), ClassicIdentity.generate()]
    private(file, "\n# created: once\n" + "".join(f" {one.secret()}\r\n\n" for one in several))
    assert [one.public_key for one in load_identities(file)] == [one.public_key for one in several]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"# nothing\n", ":1: no identity"),
        (b"# one\n" + SPEC_CLASSIC.encode() + b"\nAGE-SECRET-KEY-1QQQ", ":3: the key"),
        (SPEC_CLASSIC.lower().encode(), ":1: not an identity"),
        (SPEC_CLASSIC_RECIPIENT.encode(), ":1: not an identity"),
        (bech32.encode("AGE-SECRET-KEY-", bytes(31)).encode(), ":1: not an identity"),
        (b"age-encryption.org/v1\n-> scrypt", "sealed by a passphrase"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----", "sealed by a passphrase"),
        (b"\xff\xfe\x00", ":1: not a text file"),
    ],
)
def test_what_is_wrong_with_an_identity_file_is_said(file: Path, data: bytes, reason: str) -> None:
    with pytest.raises(SealError, match=reason) as error:
        load_identities(private(file, data))
    assert "AGE-SECRET-KEY-1" not in str(error.value)


def test_an_absent_file_is_named(file: Path) -> None:
    with pytest.raises(SealError, match=r"reviewer\.key: cannot be read: No such file"):
        load_identities(file)


@given(st.binary(max_size=200))
@settings(max_examples=500, deadline=None, database=None)
def test_any_file_is_identities_or_a_seal_error(tmp_path_factory, data: bytes) -> None:
    path = private(tmp_path_factory.getbasetemp() / "any.key", data)
    with pytest.raises(SealError):
        load_identities(path)


def test_a_secret_is_in_no_representation(identity: Identity) -> None:
    seed = bech32.decode(identity.secret())[1]
    shown = f"{identity!r} {identity} {identity.recipient!r}"
    assert identity.secret() not in shown
    assert repr(seed)[2:-1] not in shown


def test_unwrapping_passes_by_what_is_for_others(identity: Identity) -> None:
    other = type(identity).generate()
    stanzas = [
        Stanza("a-grease", ("x",), b""),
        other.recipient.wrap(bytearray(16)),
        identity.recipient.wrap(FILE_KEY),
    ]
    assert unwrap_any([identity], iter(stanzas)) == FILE_KEY
    assert unwrap_any([type(identity).generate(), identity], stanzas) == FILE_KEY
    assert unwrap_any([identity], stanzas[:2]) is None
    assert unwrap_any([], stanzas) is None


def test_a_stanza_of_the_right_kind_and_the_wrong_shape_is_malformed(identity: Identity) -> None:
    good = identity.recipient.wrap(FILE_KEY)
    argument = good.arguments[0]
    shapes = {
        (): good.body,
        (argument, "more"): good.body,
        (argument + "=",): good.body,
        (argument[:-4],): good.body,
        (argument,): good.body + b"\0",
        (argument[:-1],): good.body[:-1],
        (encode64(bytes(1120 if good.kind != "X25519" else 32)).decode(),): good.body,
    }
    for arguments, body in shapes.items():
        with pytest.raises(HeaderFormError):
            identity.unwrap(Stanza(good.kind, arguments, body))
