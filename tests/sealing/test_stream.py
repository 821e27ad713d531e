from __future__ import annotations

from tipline_gw.sealing.stream import chunk_nonce


def test_a_nonce_is_the_counter_in_eleven_octets_and_the_final_flag() -> None:
    assert chunk_nonce(0, final=False) == bytes(12)
    assert chunk_nonce(0, final=True) == bytes(11) + b"\x01"
    assert chunk_nonce(257, final=False) == bytes(9) + b"\x01\x01\x00"
    assert chunk_nonce(2**88 - 1, final=True) == b"\xff" * 11 + b"\x01"
