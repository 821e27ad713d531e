"""Which measurements there are, and the order they are made in."""

import sys

from tests.bench import footprint, micro, peers, profile, wire

BENCHES = {
    "decoding": micro.decoding,
    "sealing": micro.sealing,
    "peers": peers.unpaced,
    "one": wire.one_modem,
    "sixteen": wire.sixteen_modems,
    "footprint": footprint.thirty_two_modems,
    "profile": profile.where_the_time_goes,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        sys.stderr.write(f"choose of: {' '.join(BENCHES)}\n")
        return 2
    for name in names or [name for name in BENCHES if name != "profile"]:
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
