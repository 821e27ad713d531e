"""What one PDU and one recording cost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from gsmmodem.pdu import decodeSmsPdu

from tests.sealing import stock_age
from tipline_gw.boundary.pdu import decode_hex
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import Sealer

PDU = "07914306090909F9040B914306103254F60008627051010354800A004100790075006400E1"
MEBIBYTES = 64


def best(do: Callable[[], object], runs: int = 5) -> float:
    """The shortest of some runs, in seconds: the others had company."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        do()
        times.append(time.perf_counter() - started)
    return min(times)


def decoding() -> None:
    rounds = 2000
    ours = best(lambda: [decode_hex(PDU) for _ in range(rounds)]) / rounds
    theirs = best(lambda: [decodeSmsPdu(PDU) for _ in range(rounds)]) / rounds
    print(f"decode one PDU      ours {ours * 1e6:6.1f} µs   python-gsmmodem-new "
          f"{theirs * 1e6:6.1f} µs   ratio {ours / theirs:.2f}")  # fmt: skip


def sealing() -> None:
    identity = HybridIdentity.generate()
    piece = bytes(3200)

    def seal() -> None:
        sealer = Sealer(Recipients((identity.recipient,)))
        for _ in range(MEBIBYTES * 2**20 // len(piece)):
            sealer.write(piece)
        sealer.finish()

    ours = best(seal, 3)
    plain = bytes(MEBIBYTES * 2**20)
    with contextlib.closing(stock_age.find()) as age:
        theirs = best(lambda: age("-r", identity.public_key, stdin=plain), 3)
    print(f"seal {MEBIBYTES} MiB         ours {ours:6.2f} s    age {theirs:6.2f} s    "
          f"ratio {ours / theirs:.2f}   ({ours / MEBIBYTES / 2**20 * 16000 * 1e6:.1f} µs a "
          "second of speech)")  # fmt: skip
