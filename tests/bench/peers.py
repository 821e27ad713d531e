"""Other people's daemons and ours on the same kind of modem, as fast as each can."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.bench import load, wire
from tests.peers.gammu import Gammu
from tests.peers.smstools import Smstools
from tipline_gw.demo.modem_control import VirtualModem

Runner = Callable[[Path, VirtualModem], AbstractContextManager[object]]

COUNT = 1000
SLOW = 100
PEERS: dict[str, tuple[int, Runner]] = {
    "gammu-smsd, SQLite": (COUNT, lambda home, modem: Gammu(home, modem.link).running()),
    "smstools3, files": (SLOW, lambda home, modem: Smstools(home, modem.link).running()),
    "the bare loop": (COUNT, lambda home, modem: wire.readers([modem], COUNT)),
}
"""By name: of how many messages, and how it is run."""


def unpaced() -> None:
    ours = _ours()
    print(f"texts, ours                {ours.a_second:7.1f} a second, unpaced")
    for name, (count, runner) in PEERS.items():
        peer = _theirs(count, runner)
        print(f"texts, {name:<20}{peer.a_second:7.1f} a second, unpaced   "
              f"ours is {ours.a_second / peer.a_second:.2f} times as fast")  # fmt: skip


def _ours() -> load.Rate:
    with _modem(COUNT) as (folder, modem), load.gateway(folder, [modem]):
        load.fill([modem], COUNT)
        return load.emptied(modem)


def _theirs(count: int, runner: Runner) -> load.Rate:
    """All lie on the modem before it looks: it never waits for one."""
    with _modem(count) as (folder, modem):
        load.fill([modem], count)
        with runner(folder / "daemon", modem):
            return load.emptied(modem)


@contextmanager
def _modem(slots: int) -> Iterator[tuple[Path, VirtualModem]]:
    with (
        tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder,
        load.modems(Path(folder) / "modem", 1, "--storages", f"SM={slots},ME=20") as (modem,),
    ):
        yield Path(folder), modem
