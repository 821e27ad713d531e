"""What befalls a gateway while it works, each at a moment nobody chose, and mended again.

``Supervisor`` does what systemd does, and no more: a core that died is started again.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.system import world
from tests.system.small_disk import fill
from tipline_gw.demo.stage import until

MODEM_SIDE = b"tipline_gw.modem_side"
BACK_SECONDS = 30.0


def modem_sides(pid: int) -> list[int]:
    """Children of the core that have the modems: from /proc, as an outsider finds them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it ended while we looked
            continue
        if parent == pid and MODEM_SIDE in words:
            found.append(int(folder.name))
    return found


class Misfortunes:
    """``disk``: the small one that the store is on. Every method returns when it is over."""

    def __init__(self, home: world.Home, disk: Path, rng: random.Random) -> None:
        self._home = home
        self._disk = disk
        self._rng = rng

    def core_killed(self) -> None:
        """kill -9; started again at once."""
        self._home.gateway.kill()
        self._home.gateway.start()

    def modem_side_killed(self) -> None:
        """kill -9 of the child alone: the core goes on, and starts another."""
        core = self._home.gateway.pid
        (child,) = modem_sides(core)
        os.kill(child, signal.SIGKILL)
        assert until(lambda: self._another(core, child), BACK_SECONDS), "no modem side came back"

    def _another(self, core: int, gone: int) -> bool:
        now = modem_sides(core)
        return len(now) == 1 and now != [gone]

    def unplugged(self) -> None:
        """One of the modems, for a moment; a killed wire forgets what was on it."""
        modem = self._rng.choice(sorted(self._home.modems))
        control = self._home.modems[modem].control
        control.vanish()
        time.sleep(self._rng.uniform(0.02, 0.3))
        control.come_back()

    def disk_full(self) -> None:
        """Until the gateway says so itself, and somewhat longer."""
        filler = fill(self._disk)
        try:
            said = until(lambda: self._home.gateway.page("/readyz")[0] == 503, BACK_SECONDS)
            assert said, "the disk was full and nobody said so"
            time.sleep(self._rng.uniform(0.1, 0.5))
        finally:
            filler.unlink()

    def modem_side_killed_while_the_disk_is_full(self) -> None:
        """What it had offered was refused, and is offered by its successor."""
        core = self._home.gateway.pid
        filler = fill(self._disk)
        try:
            time.sleep(self._rng.uniform(0.1, 0.5))
            (child,) = modem_sides(core)
            os.kill(child, signal.SIGKILL)
            time.sleep(self._rng.uniform(0.0, 0.5))
        finally:
            filler.unlink()
        assert until(lambda: self._another(core, child), BACK_SECONDS), "no modem side came back"

    def all(self, times: int) -> list[Callable[[], None]]:
        """Each so many times, in an order nobody chose."""
        kinds = [
            self.core_killed,
            self.modem_side_killed,
            self.unplugged,
            self.disk_full,
            self.modem_side_killed_while_the_disk_is_full,
        ]
        return self._rng.sample(kinds * times, len(kinds) * times)
