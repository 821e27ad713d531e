"""The engineer's tools on ports of their own, where no gateway runs.

Why it exists: modems are tried before the gateway is started, and looked at when it will not
start. The same port of the boundary and the same driver as in service, so that what is seen is
what the gateway would see. It refuses to take messages in, to acknowledge them, and to try a PIN:
how often one was tried is the gateway's to remember.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from serial import SerialException

from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.errors import ModemError, TiplineError
from tipline_gw.modems import identify, jobs, profiles
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.view import View
from tipline_gw.settings.schema import Modem as ModemSettings

VAULT_SECONDS = 600.0
_STATES = (("wants a PIN", "sim-pin"), ("is blocked", "sim-blocked"), ("is missing", "sim-missing"))
_ON_NETWORK = ("home", "roaming", "unknown")
_HELD = (errno.EBUSY, errno.EAGAIN)
_PAUSE = 0.2


class Alone:
    """Opens a modem when it is first asked for, and keeps it until :meth:`close`. ``say`` is told
    what takes a while."""

    def __init__(
        self, modems: Sequence[ModemSettings], say: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._modems = {modem.name: modem for modem in modems}
        self._say = say
        self._vault = Vault(VAULT_SECONDS)
        self._drivers: dict[str, Driver] = {}
        self._recorder: Recorder | None = None

    def close(self) -> None:
        for driver in self._drivers.values():
            driver.stop()
        self._drivers.clear()
        self._vault.close()

    # As tipline_gw.modems.control.Control.

    def views(self) -> list[View]:
        """Each modem in turn; one that cannot be used says why in its place."""
        views = []
        for settings in self._modems.values():
            views.append(self._view(settings))
            if driver := self._drivers.pop(settings.name, None):
                driver.stop()
        return views

    def ussd(self, name: str, code: str) -> dict[str, Any]:
        jobs.check_code(code)
        return jobs.ussd(self._driver(name), code)

    def signal(self, name: str) -> dict[str, Any]:
        return jobs.signal(self._driver(name))

    def command(self, name: str, line: str) -> list[str]:
        return jobs.command(self._driver(name), line)

    def messages(self, name: str) -> list[dict[str, Any]]:
        return jobs.messages(self._driver(name))

    def reset(self, name: str, how: jobs.Reset) -> None:
        with contextlib.suppress(jobs.Restarting):
            jobs.reset(self._driver(name), how)

    def record(self, name: str, seconds: float) -> Generator[str, None, None]:
        """How it is identified and initialised, what lies on it, and what it says by itself."""
        pieces: list[str] = []
        self._recorder = Recorder(pieces.append)
        until = time.monotonic() + seconds
        try:
            driver = self._driver(name)
            jobs.messages(driver)
            while driver.lives and time.monotonic() < until:
                yield from _taken(pieces)
                time.sleep(_PAUSE)
        except TiplineError:
            # Where it fails is what a report is about.
            yield from _taken(pieces)
            raise
        finally:
            self._recorder = None
        yield from _taken(pieces)

    # Ports.

    def _named(self, name: str) -> ModemSettings:
        if name not in self._modems:
            known = ", ".join(self._modems) or "none"
            raise ModemError(f"there is no modem {name}", f"there are: {known}")
        return self._modems[name]

    def _driver(self, name: str) -> Driver:
        if name not in self._drivers:
            self._drivers[name] = self._started(self._named(name))[0]
        return self._drivers[name]

    def _started(self, settings: ModemSettings) -> tuple[Driver, Profile, str]:
        self._say(f"{settings.name}: opening {settings.port}")
        profile, why = identify.choose(settings.profile, lambda first: self._port(settings, first))
        driver = Driver(lambda: self._port(settings, profile), profile)
        try:
            driver.start(has_pin=False)
        except BaseException:
            driver.stop()
            raise
        return driver, profile, why

    def _port(self, settings: ModemSettings, profile: Profile) -> BoundaryPort:
        port = open_port(settings.port, self._vault, profile)
        port.recorder = self._recorder
        return port

    def _view(self, settings: ModemSettings) -> View:
        try:
            driver, profile, why = self._started(settings)
            self._drivers[settings.name] = driver
            return _looked_at(settings, driver, profile, why)
        except TiplineError as error:
            state = next((slug for words, slug in _STATES if words in error.what), "away")
            return View(settings.name, settings.port, settings.profile, str(error), state)


def _taken(pieces: list[str]) -> Iterator[str]:
    while pieces:
        yield pieces.pop(0)


def _looked_at(settings: ModemSettings, driver: Driver, profile: Profile, why: str) -> View:
    identity, reception = driver.identity(), driver.reception()
    return View(
        name=settings.name,
        port=settings.port,
        profile=profile.name,
        why=why,
        state=_state(settings, profile, reception.registration),
        manufacturer=identity.manufacturer,
        model=identity.model,
        revision=identity.revision,
        tag=driver.imei_tag(),
        sim=driver.sim(),
        operator=reception.operator,
        registration=reception.registration,
        dbm=reception.dbm,
        slots={name: list(fill) for name, fill in driver.slots().items()},
        delivery=profile.sms.delivery,
    )


def _state(settings: ModemSettings, profile: Profile, registration: str) -> str:
    """As the gateway would have it."""
    if settings.profile == profiles.AUTO and profile.calls.list == "unsafe":
        return "unsafe"
    return "ready" if registration in _ON_NETWORK else "not-registered"


def open_port(device: str, vault: Vault, profile: Profile) -> BoundaryPort:
    """The boundary's port on ``device``, notices unheard. Raises ModemError that says why not."""
    try:
        return BoundaryPort(
            device,
            vault,
            on_notice=lambda _notice: None,
            baudrate=profile.serial.baudrate,
            rtscts=profile.serial.rtscts,
        )
    except SerialException as error:
        raise _not_opened(device, error.errno) from None


def _not_opened(device: str, number: int | None) -> ModemError:
    if not Path(device).exists():
        return ModemError(
            f"there is no {device}", "see whether it is plugged in, and ls /dev/serial"
        )
    if number in (errno.EACCES, errno.EPERM):
        return ModemError(f"{device} may not be opened", "use sudo, or join the group dialout")
    if number in _HELD:
        holder = held_by(device)
        return ModemError(f"{device} is held by {holder}", "end that first")
    return ModemError(f"{device} cannot be opened as a serial port", "is it the modem's tty?")


def held_by(device: str) -> str:
    """Which process has ``device`` open, by number and name, as far as /proc says."""
    wanted = os.path.realpath(device)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == wanted and link.parts[2] != str(os.getpid()):
                name = Path("/proc", link.parts[2], "comm").read_text().strip()
                return f"process {link.parts[2]} ({name})"
        except OSError:
            continue
    return "another program"
