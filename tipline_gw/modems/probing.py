"""A probe from the opened port to the proposed profile: :mod:`tipline_gw.modems.probe` asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.errors import ConfigError, ModemError, ModemSilentError
from tipline_gw.modems import identify, profiles, usb
from tipline_gw.modems.alone import VAULT_SECONDS, open_port
from tipline_gw.modems.identify import Identity
from tipline_gw.modems.probe import Finding, Probe, asker
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.proposal import proposal

Keep = Callable[[str], object]
"""Takes a piece of text to be kept."""


@dataclass(frozen=True, slots=True)
class Probed:
    """``profile``: the one that matches or was named, the generic one where none does, empty where
    several do; ``why``. ``disagreements``: what that profile asks for and the modem lacks.
    ``usb``: ``(vendor:product, interface)``, of a USB modem. ``proposal``: a profile file."""

    port: str
    identity: Identity
    usb: tuple[str, int] | None
    profile: str
    why: str
    findings: tuple[Finding, ...]
    disagreements: tuple[str, ...]
    proposal: str

    @property
    def matched(self) -> bool:
        """Some profile is for this model."""
        return self.profile not in ("", profiles.GENERIC)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def probe(
    port: str,
    name: str,
    keep: Keep | None,
    told: Callable[[Finding], None],
    sysfs: Path = usb.SYSFS,
) -> Probed:
    """Identify what is at ``port``, match it or take the profile ``name``, ask it all. Each finding
    goes to ``told`` as it comes, the scrubbed dialogue to ``keep``. Raises ModemError."""
    vault = Vault(VAULT_SECONDS)
    recorder = Recorder(keep) if keep else None

    def opened(way: Profile) -> BoundaryPort:
        line = open_port(port, vault, way)
        line.recorder = recorder
        return line

    try:
        identity, way = _identified(name, opened, usb.advice(port, sysfs))
        chosen, why = _chosen(name, way, identity)
        asking = Probe(asker(line := opened(way), way.serial.pause_ms / 1000))
        return _asked(port, line, asking, identity, chosen, why, told, sysfs)
    finally:
        vault.close()


def _identified(
    name: str, opened: Callable[[Profile], BoundaryPort], advice: str | None
) -> tuple[Identity, Profile]:
    """As the named profile asks, or in whatever way it answers."""
    try:
        if name == profiles.AUTO:
            return identify.search(opened)
        named = profiles.load(name)
        return identify.identify(lambda: opened(named), named.serial.pause_ms / 1000), named
    except ModemSilentError as error:
        raise ModemSilentError(error.what, advice or error.todo) from None


def _chosen(name: str, named: Profile, identity: Identity) -> tuple[Profile | None, str]:
    said = (identity.manufacturer, identity.model, identity.information)
    if name != profiles.AUTO:
        fits = named.matches(*said)
        return named, "named" + ("" if fits else ", but it is not for what the modem says it is")
    try:
        profile = profiles.select(*said)
    except ConfigError as error:
        return None, str(error)
    if profile.name == profiles.GENERIC:
        return profile, "no profile is for this model"
    return profile, "what it says of itself matches"


def _asked(
    port: str,
    line: BoundaryPort,
    asking: Probe,
    identity: Identity,
    profile: Profile | None,
    why: str,
    told: Callable[[Finding], None],
    sysfs: Path,
) -> Probed:
    findings, tty = [], usb.tty_at(port, sysfs)
    try:
        for finding in asking.findings():
            findings.append(finding)
            told(finding)
    except OSError:
        raise ModemError(f"{port} went away while it was asked", "see its plug and power") from None
    finally:
        line.close()
    disagreements = asking.disagreements(profile) if profile else []
    if advice := usb.advice(port, sysfs):
        disagreements.append(advice)
    number = (tty.id, tty.interface) if tty else None
    return Probed(
        port=port,
        identity=identity,
        usb=number,
        profile=profile.name if profile else "",
        why=why,
        findings=tuple(findings),
        disagreements=tuple(disagreements),
        proposal=proposal(asking, identity, number),
    )
