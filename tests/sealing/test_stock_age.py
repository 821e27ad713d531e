"""Both directions against the stock program: what a reviewer will have on the other machine."""

from __future__ import annotations

import io

import pytest

from tests.sealing.stock_age import StockAge
from tipline_gw.sealing.failures import PayloadError
from tipline_gw.sealing.identities import (
    ClassicIdentity,
    HybridIdentity,
    Identity,
    load_identities,
    parse_identity,
    write_identity,
)
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal

CHUNK = 65536
SIZES = (0, 1, 511, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 3 * CHUNK, 3 * CHUNK + 7)


def _plaintext(size: int) -> bytes:
    return bytes(i * 31 % 251 for i in range(size % 1009)) + bytes(size - size % 1009)


def _sealed(recipients: Recipients, plaintext: bytes) -> bytes:
    header, chunks = seal(recipients, plaintext)
    return header + b"".join(chunks)


@pytest.mark.parametrize("size", SIZES)
def test_stock_age_opens_ours(
    age: StockAge, identity: Identity, recipients: Recipients, size: int
) -> None:
    key = age.place("reader.key", identity.secret() + "\n")
    plaintext = _plaintext(size)
    assert age("-d", "-i", key, stdin=_sealed(recipients, plaintext)) == plaintext


@pytest.mark.parametrize("kind", [HybridIdentity, ClassicIdentity])
def test_stock_age_opens_ours_with_the_identity_of_each_of_several_recipients(
    age: StockAge, kind: type[HybridIdentity] | type[ClassicIdentity]
) -> None:
    readers = [kind.generate() for _ in range(3)]
    sealed = _sealed(Recipients(tuple(reader.recipient for reader in readers)), b"the tip")
    for number, reader in enumerate(readers):
        key = age.place(f"reader{number}.key", reader.secret() + "\n")
        assert age("-d", "-i", key, stdin=sealed) == b"the tip"


@pytest.mark.parametrize("size", SIZES)
def test_ours_opens_stock_ages(age: StockAge, identity: Identity, size: int) -> None:
    plaintext = _plaintext(size)
    other = type(identity).generate()
    sealed = age("-r", other.public_key, "-r", identity.public_key, stdin=plaintext)
    assert b"".join(Opener(io.BytesIO(sealed), [identity]).chunks()) == plaintext


@pytest.mark.parametrize("options", [["-pq"], []], ids=["hybrid", "x25519"])
def test_an_identity_file_of_age_keygen_opens_what_is_sealed_to_its_public_key(
    age: StockAge, tmp_path, options: list[str]
) -> None:
    made = age(*options, tool="age-keygen")
    path = tmp_path / "keygen.key"
    path.write_bytes(made)
    path.chmod(0o600)
    (identity,) = load_identities(path)
    assert identity.public_key.encode() in made
    sealed = _sealed(Recipients.parse([identity.public_key]), b"the tip")
    assert age("-d", "-i", age.place("keygen.key", made), stdin=sealed) == b"the tip"


def test_stock_age_reads_our_identity_file_and_derives_the_same_public_key(
    age: StockAge, identity: Identity, tmp_path
) -> None:
    path = tmp_path / "ours.key"
    write_identity(path, identity)
    placed = age.place("ours.key", path.read_bytes())
    assert age("-y", placed, tool="age-keygen").decode().strip() == identity.public_key
    sealed = age("-r", identity.public_key, stdin=b"the tip")
    assert age("-d", "-i", placed, stdin=sealed) == b"the tip"


def test_age_derives_our_public_key_from_each_of_many_identities(
    age: StockAge, identity: Identity
) -> None:
    made = [type(identity).generate() for _ in range(20)]
    placed = age.place("many.key", "".join(one.secret() + "\n" for one in made))
    told = age("-y", placed, tool="age-keygen").decode().split()
    assert told == [one.public_key for one in made]
    assert [parse_identity(one.secret()).public_key for one in made] == told


def test_both_give_the_same_whole_chunks_of_a_cut_file_and_an_error(
    age: StockAge, identity: Identity, recipients: Recipients
) -> None:
    cut = _sealed(recipients, _plaintext(2 * CHUNK + 500))[:-100]
    key = age.place("reader.key", identity.secret() + "\n")
    stock = age.attempt("-d", "-i", key, stdin=cut)
    assert stock.returncode != 0
    ours = bytearray()
    with pytest.raises(PayloadError) as error:
        for chunk in Opener(io.BytesIO(cut), [identity]).chunks():
            ours += chunk
    assert error.value.truncated
    assert bytes(ours) == stock.stdout == _plaintext(2 * CHUNK + 500)[: 2 * CHUNK]
