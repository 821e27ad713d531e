"""A GSM modem with a SIM and a network behind it, as a process of its own on a pseudo-terminal.

    python -m tipline_gw.demo.virtual_modem --link PATH --control SOCKET [...]

Why it exists: tests and the demo need the outside world, with all its faults, where no hardware
is. Any program that drives a serial modem can be put to it: it knows nothing of this gateway.

Together with ``tpdu``, ``virtual_network`` and the ``at_…`` modules beside it, this is the one
place besides ``boundary/`` where subscriber numbers exist: it plays the network that has them.
Nothing of the gateway imports it. It writes nothing down and logs nothing; what it knows it tells
on its control socket (:mod:`tipline_gw.demo.virtual_actions` says every request).

One thread, one epoll loop; it sleeps while nothing happens. It refuses to buffer without bounds:
where nobody reads, what is written is lost too, and all of it when the port is closed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from tipline_gw.demo.at_device import Device
from tipline_gw.demo.at_session import Session
from tipline_gw.demo.control_server import ControlServer
from tipline_gw.demo.modem_control import ModemControl, VirtualModem
from tipline_gw.demo.virtual_actions import Actions, Plug
from tipline_gw.demo.virtual_dialect import Dialect, load
from tipline_gw.demo.virtual_modes import Identity, Modes
from tipline_gw.demo.virtual_network import Network
from tipline_gw.demo.virtual_sim import Sim, Storage
from tipline_gw.demo.virtual_wire import Pty, Wire
from tipline_gw.errors import ModemError, TiplineError

__all__ = ["ModemControl", "VirtualModem", "main"]

DEFAULT_STORAGES = "SM=20,ME=100,SR=10"
ENOUGH_BACKLOG = 1 << 18
"""Octets on their way out beyond which what comes in is lost, as by an overrun."""
LINGER_SECONDS = 0.1
"""A terminal that is closed takes what was not read from it along."""
RETRY_SECONDS = 0.05
"""When to look again at a terminal whose buffer was full: its wake-ups are not to be relied on."""


class Process:
    """The loop, and the plug. Everything else is told what time it is and does no I/O."""

    def __init__(self, device: Device, link: Path, control: Path, seed: int) -> None:
        self._device = device
        self._wire = Wire(device.modes, seed)
        self._session = Session(device, self._wire)
        self._pty = Pty(link)
        self._epoll = select.epoll()
        self._stopping = False
        self._stuck = False
        self._lifeline = -1
        self._restarts_at: float | None = None
        self._back_at: float | None = None
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._epoll.register(self._wake_in, select.EPOLLIN)
        self._plug_in()
        plug = Plug(
            vanish=self._unplug,
            come_back=self._plug_in,
            stop=self._stop,
            is_open=self._pty.listened_to,
            transcript=lambda: list(self._session.transcript),
        )
        try:
            self._control = ControlServer(control, Actions(device, plug), self._epoll)
        except (TiplineError, OSError):
            self._pty.close()
            raise

    def stop_with(self, descriptor: int) -> None:
        """Stop when that pipe ends: whoever started us is gone, however that came about."""
        self._lifeline = descriptor
        self._epoll.register(descriptor, select.EPOLLIN)

    def run(self) -> None:
        """Until SIGTERM, SIGINT or the control socket says stop; removes link and socket."""
        signal.set_wakeup_fd(self._wake_out, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._control.close()
            self._pty.close()

    def _stop(self) -> None:
        self._stopping = True

    def _turn(self) -> None:
        # Not epoll's own patience: it counts in milliseconds, a paced line in less.
        select.select([self._epoll.fileno()], (), (), self._patience())
        for descriptor, _ in self._epoll.poll(0):
            if descriptor == self._wake_in:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_in, 512)
            elif descriptor == self._lifeline:
                self._stopping = self._stopping or not os.read(descriptor, 512)
            elif not self._control.event(descriptor):
                self._read()
        now = time.monotonic()
        self._session.step(now)
        self._write()
        self._restart(now)
        self._control.look_again(time.monotonic())

    def _patience(self) -> float | None:
        """Seconds to sleep, ``None``: until something happens."""
        times = [self._session.next_event(), self._control.next_event()]
        times += [self._restarts_at, self._back_at]
        times.append(time.monotonic() + RETRY_SECONDS if self._stuck else self._wire.next_event())
        first = min((one for one in times if one is not None), default=None)
        return None if first is None else max(first - time.monotonic(), 0.0)

    # -- the plug ----------------------------------------------------------------------------------

    def _plug_in(self) -> None:
        if self._pty.master >= 0:
            raise ModemError("the virtual modem is plugged in already")
        master = self._pty.open()
        # Edge-triggered: a terminal that nobody has open reports a hang-up without end.
        self._epoll.register(master, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def _unplug(self) -> None:
        if self._pty.master < 0:
            raise ModemError("the virtual modem is not plugged in")
        self._epoll.unregister(self._pty.master)
        self._pty.close()
        self._session.hung_up()
        self._device.power_on()

    def _restart(self, now: float) -> None:
        """Told to restart, it vanishes once its answer can have been read, and is back later."""
        seconds = self._device.restart_seconds
        if self._restarts_at is None and seconds is not None and not len(self._wire):
            self._restarts_at = now + LINGER_SECONDS
        elif self._restarts_at is not None and now >= self._restarts_at:
            self._restarts_at = None
            self._back_at = now + (seconds or 0.0)
            self._device.restart_seconds = None
            if self._pty.master >= 0:
                self._unplug()
        elif self._back_at is not None and now >= self._back_at:
            self._back_at = None
            if self._pty.master < 0:
                self._plug_in()

    # -- bytes -------------------------------------------------------------------------------------

    def _read(self) -> None:
        while self._pty.master >= 0:
            data = self._pty.read()
            if data is None:
                self._session.hung_up()
            if not data:
                return
            if len(self._wire) <= ENOUGH_BACKLOG:
                now = time.monotonic()
                self._session.feed(data, now)
                self._session.step(now)

    def _write(self) -> None:
        self._stuck = False
        if len(self._wire) and not self._pty.listened_to():
            self._wire.clear()
        while data := self._wire.due(now := time.monotonic()):
            count = self._pty.write(data)
            if count == 0:
                self._stuck = True
                return
            self._wire.gone(count, now)
            self._device.counts.octets_out += count


# -- command line --------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tipline_gw.demo.virtual_modem",
        description="A virtual GSM modem on a pseudo-terminal.",
    )
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the terminal")
    parser.add_argument("--control", type=Path, required=True, help="unix socket for requests")
    parser.add_argument("--storages", default=DEFAULT_STORAGES, help="default %(default)s")
    parser.add_argument("--first-index", type=int, default=1, help="of each storage; default 1")
    parser.add_argument("--pin", default="", help="the SIM's PIN; none by default")
    parser.add_argument("--puk", default="12345678", help="default %(default)s")
    parser.add_argument("--blocked", action="store_true", help="the SIM wants its PUK")
    parser.add_argument("--dialect", type=Path, help="TOML file: the family of modems to play")
    parser.add_argument("--seed", type=int, default=0, help="of noise and shuffling")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    parser.add_argument("--slow", action="store_true", help="400 ms an answer, 9600 baud")
    for one in fields(Identity):
        parser.add_argument(f"--{one.name}", default=one.default, help="default %(default)s")
    _add_modes(parser)
    return parser


def _add_modes(parser: argparse.ArgumentParser) -> None:
    """Each mode is an option of the same name; a flag is turned about by it."""
    for name, value in Modes().to_dict().items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=value)
        elif isinstance(value, list):
            parser.add_argument(option, type=int, action="append", default=[])
        else:
            parser.add_argument(option, type=type(value), default=value, help="default %(default)s")


def _storages(spec: str, first: int) -> list[Storage]:
    try:
        pairs = [item.split("=") for item in spec.split(",")]
        return [Storage(name, int(total), first) for name, total in pairs]
    except ValueError:
        raise ModemError("storages that cannot be read", f"like {DEFAULT_STORAGES}") from None


def _slots(options: argparse.Namespace, dialect: Dialect) -> list[Storage]:
    sms = dialect.sms
    if not sms.storages:
        return _storages(options.storages, options.first_index)
    return [Storage(name, total, sms.first_index) for name, total in sms.storages.items()]


def _identity(options: argparse.Namespace, dialect: Dialect) -> Identity:
    """What the dialect names goes before the options."""
    chosen = {one.name: getattr(options, one.name) for one in fields(Identity)}
    named = dialect.identity.model_dump(exclude={"information"})
    return Identity(**(chosen | {name: value for name, value in named.items() if value}))


def _device(options: argparse.Namespace) -> Device:
    chosen = vars(options)
    modes = Modes()
    modes.change({name: chosen[name] for name in modes.to_dict()})
    if options.slow:
        modes.change({"slow": True})
    dialect = load(options.dialect) if options.dialect else Dialect()
    modes.change({"echo": modes.echo and dialect.at.echo})
    return Device(
        sim=Sim(_slots(options, dialect), options.pin, options.puk, blocked=options.blocked),
        network=Network(options.seed),
        modes=modes,
        identity=_identity(options, dialect),
        clock=time.monotonic,
        dialect=dialect,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        process = Process(_device(options), options.link, options.control, options.seed)
        if options.until_eof:
            process.stop_with(sys.stdin.fileno())
        process.run()
    except (TiplineError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
