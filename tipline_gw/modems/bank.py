"""The bank: all modems of the configuration, each in a thread of its own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Accept, Notice
from tipline_gw.errors import ConfigError
from tipline_gw.modems import profiles
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.modem import Counters, Modem
from tipline_gw.settings.schema import Modem as ModemSettings
from tipline_gw.telemetry.metrics import Metrics

CLOSE_SECONDS = 10.0
SHORTEST_PIN, LONGEST_PIN = 4, 8


class Bank:
    """Profiles and PIN files are read on construction: a fault refuses start."""

    def __init__(
        self,
        modems: list[ModemSettings],
        accept: Accept,
        vault: Vault,
        metrics: Metrics,
        reassembly_seconds: float,
    ) -> None:
        # One key for the life of the process: the same delivery is known again over a replug.
        key = secrets.token_bytes(32)
        self._modems = [
            _modem(settings, accept, vault, metrics, reassembly_seconds, key) for settings in modems
        ]

    def start(self) -> None:
        for modem in self._modems:
            modem.start()

    def close(self) -> None:
        for modem in self._modems:
            modem.close()
        for modem in self._modems:
            modem.join(CLOSE_SECONDS)

    def dead(self) -> list[str]:
        """Names of modems whose thread ended without being asked to."""
        return [modem.name for modem in self._modems if not modem.lives]

    def away(self) -> list[str]:
        """Names of modems that do not answer now."""
        return [modem.name for modem in self._modems if not modem.ready]


def _modem(
    settings: ModemSettings,
    accept: Accept,
    vault: Vault,
    metrics: Metrics,
    reassembly_seconds: float,
    fingerprint_key: bytes,
) -> Modem:
    profile = profiles.load(settings.profile)
    pin_file = settings.pin_file
    if pin_file:
        read_pin(pin_file)

    def new_driver(on_notice: Callable[[Notice | None], None]) -> Driver:
        def open_port() -> BoundaryPort:
            return BoundaryPort(
                settings.port,
                vault,
                on_notice=on_notice,
                baudrate=profile.serial.baudrate,
                rtscts=profile.serial.rtscts,
                pin=read_pin(pin_file) if pin_file else None,
                fingerprint_key=fingerprint_key,
            )

        return Driver(open_port, profile, on_gone=lambda: on_notice(None))

    return Modem(
        settings.name,
        profile,
        new_driver,
        accept,
        vault,
        _counters(settings.name, metrics),
        reassembly_seconds=reassembly_seconds,
        has_pin=pin_file is not None,
    )


def _counters(name: str, metrics: Metrics) -> Counters:
    return Counters(
        part=metrics.parts.labels(name).inc,
        undecodable=metrics.undecodable.labels(name).inc,
        doubled=metrics.doubled.labels(name).inc,
        reply=lambda result: metrics.replies.labels(result).inc(),
        up=lambda up: metrics.modem_up.labels(name).set(int(up)),
        restart=metrics.modem_restarts.labels(name).inc,
    )


def read_pin(path: Path) -> bytearray:
    """The SIM's PIN. Refuses a file that others can read, or that holds anything else."""
    try:
        mode = path.stat().st_mode
        pin = bytearray(path.read_bytes().strip())
    except OSError as error:
        raise ConfigError(f"{path}: the PIN file cannot be read ({error.strerror})") from None
    if mode & 0o77:
        raise ConfigError(f"{path}: others can read the PIN file", f"chmod 600 {path}")
    with contextlib.suppress(ValueError):
        if SHORTEST_PIN <= len(pin) <= LONGEST_PIN and pin.isdigit():
            return pin
    raise ConfigError(f"{path}: a PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits")
