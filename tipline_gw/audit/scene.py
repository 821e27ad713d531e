"""A whole system to be audited on one machine: virtual modems, the daemon, and Asterisk where there
is one, each where an operator would have it. What happens on it is ``plays``' business.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.tap import Tap
from tipline_gw.demo.asterisk_host import Asterisk, Host, find_host
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import Gateway, free_port, set_up, tipline, until
from tipline_gw.errors import TiplineError

SETTLE_SECONDS = 90.0
_STORES = """
source = "what the standards say"
[calls]
list = "no list"
"""
_DELIVERS = """
source = "BGS2T AT Command Set, BGS2T_ATC_V01.301 (2012-01-31)"
[identity]
manufacturer = "Cinterion"
model = "BGS2-W"
[sms]
storages = {SM = 30, ME = 25}
direct_needs_csms = true
cnma = ["AT+CNMA", "AT+CNMA=0"]
cnma_refuse = []
[at.answers]
"AT^SMGO=0" = []
'AT+CSCS="GSM"' = []
[calls]
list = "purgeable"
purge = ['AT^SPBD="MC"', 'AT^SPBD="RC"']
refuse = ["ATH"]
"""
MODEMS = {"gsm0": _STORES, "gsm1": _DELIVERS, "tapped": _STORES}
"""One that stores messages on its SIM, and one that delivers them directly and keeps who called."""
_GENEROUS = {"sender_limit": "1000", "answer_limit": "1000", "sending_limit": "100000"}
"""An audit is a flood, and is to be taken in and answered."""

Change = Callable[[Path], None]


@dataclass(slots=True)
class Exchange:
    """An Asterisk and where it can be called."""

    host: Host
    asterisk: Asterisk
    directory: Path
    listen: str


@dataclass(slots=True)
class Scene:
    """``temporary``: the daemon's own temporary directory. ``exchange``: None where there is no
    Asterisk, ``without`` says why then."""

    config: Path
    gateway: Gateway
    modems: dict[str, VirtualModem]
    tap: Tap
    locked: VirtualModem
    wrong_pin: str
    temporary: Path
    canaries: Canaries = field(default_factory=Canaries)
    exchange: Exchange | None = None
    without: str = ""

    @property
    def folders(self) -> list[Path]:
        """All that the daemon and Asterisk may write to."""
        there = [self.config.parent, self.temporary]
        return there + ([self.exchange.directory] if self.exchange else [])

    def settle(self) -> bool:
        """Until nothing waits for a modem or lies on one, and nobody is still to be answered."""
        return until(self._idle, SETTLE_SECONDS)

    def _idle(self) -> bool:
        return not any(
            modem.control.state()["queue"] or _lying(modem) for modem in self.modems.values()
        ) and not (self.gateway.count("addresses_held") or self.gateway.count("calls_now"))


def _lying(modem: VirtualModem) -> int:
    slots = modem.control.stored()
    return sum(len(lying) for storage, lying in slots.items() if storage != "SR")


def nothing(_directory: Path) -> None:
    """An Asterisk configuration as it was written."""


@contextlib.contextmanager
def opened(directory: Path, change_asterisk: Change = nothing) -> Iterator[Scene]:
    """A scene in ``directory``, which is new, running; gone at the end."""
    with contextlib.ExitStack() as stack:
        modems = {
            name: stack.enter_context(_modem(directory, name, dialect))
            for name, dialect in MODEMS.items()
        }
        temporary = directory / "tmp"
        temporary.mkdir()
        stack.enter_context(_environment(TMPDIR=str(temporary)))
        config = set_up(directory / "gateway", {name: one.link for name, one in modems.items()})
        _rewrite(config, directory, modems["tapped"].link)
        tap = stack.enter_context(Tap(directory / "tty-tap", modems["tapped"].link))
        locked, wrong = _add_locked(directory, config)
        gateway = Gateway(config)
        stack.callback(gateway.kill)
        scene = Scene(config, gateway, modems, tap, locked, wrong, temporary)
        stack.enter_context(locked)
        _exchange(stack, scene, change_asterisk)
        gateway.start()
        yield scene


def _modem(directory: Path, name: str, dialect: str) -> VirtualModem:
    file = directory / f"{name}.toml"
    file.write_text(dialect)
    link, control = directory / f"tty-{name}", directory / f"control-{name}"
    return VirtualModem(link, control, "--dialect", str(file))


@contextlib.contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _rewrite(config: Path, directory: Path, tapped: Path) -> None:
    text = config.read_text().replace(f'"{tapped}"', f'"{directory / "tty-tap"}"')
    lines = text.splitlines()
    for at, line in enumerate(lines):
        key = line.split(" = ")[0]
        if key in _GENEROUS:
            lines[at] = f"{key} = {_GENEROUS[key]}"
    config.write_text("\n".join(lines) + "\n")


def _add_locked(directory: Path, config: Path) -> tuple[VirtualModem, str]:
    """A modem whose PIN file is wrong; it lies where it is not searched. The daemon's readiness
    does not wait for it, because its table is indented."""
    pin, wrong = (f"{secrets.randbelow(10**8):08}" for _ in range(2))
    file = directory / "pin"
    file.write_text(wrong)
    file.chmod(0o600)
    modem = VirtualModem(directory / "tty-locked", directory / "control-locked", "--pin", pin)
    table = f'\n [[modem]]\nname = "locked"\nport = "{modem.link}"\npin_file = "{file}"\n'
    config.write_text(config.read_text() + table)
    return modem, wrong


def _exchange(stack: contextlib.ExitStack, scene: Scene, change: Change) -> None:
    try:
        host = find_host()
    except TiplineError as error:
        scene.without = str(error)
        return
    folder = stack.enter_context(host.workspace()) / "asterisk"
    listen = f"127.0.0.1:{free_port()}"
    words = ("asterisk-config", folder, "--sip-listen", listen, "--root", host.root)
    tipline(scene.config, *words)
    change(folder)
    asterisk = stack.enter_context(Asterisk(host, folder))
    scene.exchange = Exchange(host, asterisk, folder, listen)
