"""Which measurements there are, and the order they are made in."""

import sys

from tests.bench import footprint, micro, peers, profile, wire
from tests.bench.disguise import report

BENCHES = {
    "decoding": micro.decoding,
    "sealing": micro.sealing,
    "peers": peers.unpaced,
    "one": wire.one_modem,
    "sixteen": wire.sixteen_modems,
    "footprint": footprint.thirty_two_modems,
    "disguise": report.measured,
    "profile": profile.where_the_time_goes,
}

ON_REQUEST = {"disguise", "profile"}
"""Measured only when named: what they tell does not hang on the machine, or on one run."""


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.stderr.write(f"choose of: {' '.join(BENCHES)}\n")
        return 2
    for name in names or [name for name in BENCHES if name not in ON_REQUEST]:
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
