from __future__ import annotations

import io
import tracemalloc
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.errors import SealError
from tipline_gw.sealing import writer
from tipline_gw.sealing.identities import ClassicIdentity, Identity
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.stream import CHUNK_SIZE, SEALED_CHUNK_SIZE
from tipline_gw.sealing.writer import Sealer, seal

CLASSIC = ClassicIdentity.generate()
TO_CLASSIC = Recipients((CLASSIC.recipient,))


def opened(identity: Identity, file: bytes) -> bytes:
    return b"".join(Opener(io.BytesIO(file), [identity]).chunks())


def test_a_full_chunk_comes_out_with_the_first_octet_after_it(recipients: Recipients) -> None:
    sealer = Sealer(recipients)
    assert sealer.write(bytes(CHUNK_SIZE - 1)) == []
    assert sealer.write(b"\1") == []
    assert sealer.write(b"") == []
    assert [len(chunk) for chunk in sealer.write(b"\2")] == [SEALED_CHUNK_SIZE]
    assert len(sealer.finish()) == 1 + 16


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, [16]),
        (1, [17]),
        (CHUNK_SIZE - 1, [SEALED_CHUNK_SIZE - 1]),
        (CHUNK_SIZE, [SEALED_CHUNK_SIZE]),
        (CHUNK_SIZE + 1, [SEALED_CHUNK_SIZE, 17]),
        (3 * CHUNK_SIZE, [SEALED_CHUNK_SIZE] * 3),
    ],
)
def test_no_final_chunk_is_empty_but_that_of_an_empty_file(
    recipients: Recipients, identity: Identity, size: int, expected: list[int]
) -> None:
    header, chunks = seal(recipients, b"\x07" * size)
    assert [len(chunk) for chunk in chunks] == expected
    assert opened(identity, header + b"".join(chunks)) == b"\x07" * size


@given(st.lists(st.integers(0, 90_000), max_size=6), st.integers(0, 250))
@settings(max_examples=60, deadline=None, database=None)
def test_however_the_plaintext_is_cut_up_the_file_is_the_same_inside(
    lengths: list[int], seed: int
) -> None:
    sealer, file, plaintext = Sealer(TO_CLASSIC), bytearray(), bytearray()
    file += sealer.header
    for number, length in enumerate(lengths):
        piece = bytes((seed + number + i) % 251 for i in range(length % 997)).ljust(length, b"\x55")
        plaintext += piece
        file += b"".join(sealer.write((bytes, bytearray, memoryview)[number % 3](piece)))
    file += sealer.finish()
    assert opened(CLASSIC, bytes(file)) == plaintext


def test_samples_are_taken_as_their_octets() -> None:
    samples = array("h", range(-100, 100))
    sealer = Sealer(TO_CLASSIC)
    sealer.write(memoryview(samples))
    assert opened(CLASSIC, sealer.header + sealer.finish()) == samples.tobytes()


def test_a_sealer_is_of_no_use_after_its_end_or_when_closed() -> None:
    finished, closed = Sealer(TO_CLASSIC), Sealer(TO_CLASSIC)
    finished.finish()
    closed.write(b"half a word")
    closed.close()
    closed.close()
    for sealer in (finished, closed):
        with pytest.raises(SealError, match="sealed to its end"):
            sealer.write(b"more")
        with pytest.raises(SealError, match="sealed to its end"):
            sealer.finish()


def test_plaintext_is_wiped_once_sealed_and_keys_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file_keys: list[bytearray] = []

    def noted() -> bytearray:
        file_keys.append(bytearray(b"\xaa" * 16))
        return file_keys[-1]

    monkeypatch.setattr(writer, "new_file_key", noted)
    sealer = Sealer(TO_CLASSIC)
    assert file_keys == [bytearray(16)]
    sealer.write(b"\x11" * CHUNK_SIZE)
    sealer.write(b"\x22" * 5)
    assert bytes(sealer._buffer) == (b"\x22" * 5).ljust(CHUNK_SIZE, b"\0")
    sealer.finish()
    assert bytes(sealer._buffer) == bytes(CHUNK_SIZE)
    assert bytes(sealer._key) == bytes(32)


def test_an_abandoned_sealer_forgets_what_was_not_sealed() -> None:
    sealer = Sealer(TO_CLASSIC)
    sealer.write(b"half a word")
    sealer.close()
    assert bytes(sealer._buffer) == bytes(CHUNK_SIZE)
    assert bytes(sealer._key) == bytes(32)


def test_every_file_has_a_key_and_a_nonce_of_its_own(recipients: Recipients) -> None:
    files = [seal(recipients, b"the same") for _ in range(10)]
    assert len({header[-16:] for header, _ in files}) == 10
    assert len({chunks[0] for _, chunks in files}) == 10


def test_memory_stays_at_about_a_chunk_however_much_goes_through() -> None:
    sealer, frame = Sealer(TO_CLASSIC), bytes(320)
    tracemalloc.start()
    try:
        for _ in range(20_000):
            sealer.write(frame)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * CHUNK_SIZE
