"""Modems full of messages, what takes them away, and how long that takes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import processes
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import Gateway, running, set_up

TEXT = "Aviso {n}: una camioneta sin placas frente a la escuela, desde las once de la noche"
WARM = 20
"""Messages before the clock starts: ports are open, programs are loaded."""
PATIENCE = 300.0


@dataclass(frozen=True)
class Rate:
    """``octets``: what crossed the wire, both ways, for so many ``messages`` in ``seconds``."""

    messages: int
    octets: int
    seconds: float

    @property
    def a_second(self) -> float:
        return self.messages / self.seconds

    def busy(self, baud: int) -> float:
        """Share of the time in which the wire carried something, were it to carry one way at a
        time: ten bits an octet."""
        return self.octets * 10 / baud / self.seconds


@contextmanager
def modems(folder: Path, count: int, *options: str) -> Iterator[list[VirtualModem]]:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield [
            stack.enter_context(VirtualModem(folder / f"tty{at}", folder / f"ctl{at}", *options))
            for at in range(count)
        ]


@contextmanager
def gateway(folder: Path, plugged: Sequence[VirtualModem]) -> Iterator[Gateway]:
    """Ours, taking texts in and answering none; its start is over."""
    config = set_up(folder / "gw", {f"gsm{at}": one.link for at, one in enumerate(plugged)})
    text = re.sub(r"(?m)^reply = .*$", 'reply = "none"', config.read_text())
    config.write_text(text)
    with running(config) as started:
        processes.settled(started)
        yield started
        started.stop()


def fill(plugged: Sequence[VirtualModem], each: int) -> None:
    for at, modem in enumerate(plugged):
        modem.control.receive(f"+5265611{at:05}", TEXT, count=each)


def emptied(modem: VirtualModem) -> Rate:
    """From the first ``WARM`` on until nothing waits for it any more."""
    before = _counted(modem, lambda gone: gone >= WARM)
    started = time.perf_counter()
    modem.control.wait_empty(PATIENCE)
    seconds = time.perf_counter() - started
    after = _counted(modem, lambda gone: True)
    return Rate(after[0] - before[0], after[1] - before[1], seconds)


def emptied_together(plugged: Sequence[VirtualModem]) -> list[Rate]:
    with ThreadPoolExecutor(len(plugged)) as pool:
        return list(pool.map(emptied, plugged))


def _counted(modem: VirtualModem, enough: Callable[[int], bool]) -> tuple[int, int]:
    """Messages deleted or acknowledged, and octets, once there are enough."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        counts = modem.control.state()["counts"]
        gone = counts["deleted"] + counts["acknowledged"]
        if enough(gone):
            return gone, counts["octets_in"] + counts["octets_out"]
        time.sleep(0.01)
    raise AssertionError("nobody takes the messages away")
