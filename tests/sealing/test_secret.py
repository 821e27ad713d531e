from __future__ import annotations

from tipline_gw.sealing.secret import hkdf_sha256, new_file_key, wipe


def test_hkdf_answers_as_rfc_5869_test_case_1_and_3() -> None:
    ikm = b"\x0b" * 22
    case1 = hkdf_sha256(ikm, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert case1.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    case3 = hkdf_sha256(ikm, b"", b"")
    assert case3.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_a_wiped_buffer_is_zeros_in_place() -> None:
    buffer = bytearray(b"secret")
    wipe(memoryview(buffer)[:3])
    assert buffer == b"\0\0\0ret"
    wipe(buffer)
    assert buffer == bytes(6)


def test_file_keys_are_of_128_bits_and_differ() -> None:
    keys = {bytes(new_file_key()) for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {16}
