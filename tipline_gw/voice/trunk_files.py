"""All that the trunks of a configuration add to Asterisk's files, of whatever kind they are.

Passwords are read here, and certificates are named; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tipline_gw.settings.secret import read_secret
from tipline_gw.settings.trunks import DahdiTrunk, DongleTrunk, QuectelTrunk, SipTrunk, Trunk
from tipline_gw.voice import trunk_dahdi, trunk_sip, trunk_sticks

KEYS = "keys"
"""The folder of certificates and keys: copies, because Asterisk may run in a root of its own."""
SYSTEM = "dahdi-system.conf"
OF_DRIVERS = frozenset(("chan_dahdi.conf", SYSTEM, "dongle.conf", "quectel.conf"))
"""Files that are there only with a trunk of their kind."""

_KEY_FILES = {"certificate": "certificate", "key_file": "key", "ca_file": "ca"}


@dataclass(frozen=True, slots=True)
class TrunkFiles:
    """``pjsip``: for pjsip.conf, and whether there is a password in it (``secret``). ``texts``: the
    files of drivers. ``modules``: to be loaded beyond the usual. ``logged``: the channels of
    logger.conf. ``keys``: where each certificate or key is copied from, by where to."""

    pjsip: str
    secret: bool
    texts: Mapping[str, str]
    modules: Sequence[str]
    logged: str
    keys: Mapping[str, Path]


def render(trunks: Sequence[Trunk], inside: str) -> TrunkFiles:
    """``inside``: the directory as Asterisk sees it. ConfigError for a password's file."""
    sip = [trunk for trunk in trunks if isinstance(trunk, SipTrunk)]
    secrets = _secrets(sip)
    keys = copied(trunks)
    seen = {str(path): f"{inside}/{name}" for name, path in keys.items()}
    return TrunkFiles(
        pjsip=trunk_sip.trunks(sip, secrets, seen),
        secret=bool(secrets),
        texts=_of_drivers(trunks),
        modules=_modules(trunks, sip),
        logged=_logged(trunks),
        keys=keys,
    )


def _modules(trunks: Sequence[Trunk], sip: Sequence[SipTrunk]) -> list[str]:
    spans = [trunk for trunk in trunks if isinstance(trunk, DahdiTrunk)]
    return [
        *trunk_sip.modules(sip), *trunk_dahdi.modules(spans), *trunk_sticks.modules(trunks)
    ]  # fmt: skip


def _logged(trunks: Sequence[Trunk]) -> str:
    """The drivers of GSM sticks quote lines they do not understand as errors, numbers and all."""
    if any(trunk_sticks.modules(trunks)):
        return "; Nothing: the drivers of GSM sticks quote callers even in their errors."
    return "console => error,warning"


def _secrets(sip: Sequence[SipTrunk]) -> dict[str, str]:
    """Each password by its file."""
    paths = [p for trunk in sip for p in (trunk.secret_file, trunk.inbound_secret_file) if p]
    return {str(path): read_secret(path) for path in paths}


def copied(trunks: Sequence[Trunk]) -> dict[str, Path]:
    """Where each certificate and key is copied from, by where to."""
    return {
        f"{KEYS}/{trunk.name}-{what}.pem": path
        for trunk in trunks
        if isinstance(trunk, SipTrunk)
        for key, what in _KEY_FILES.items()
        if (path := getattr(trunk, key)) is not None
    }


def _of_drivers(trunks: Sequence[Trunk]) -> dict[str, str]:
    spans = [trunk for trunk in trunks if isinstance(trunk, DahdiTrunk)]
    dongles = [trunk for trunk in trunks if isinstance(trunk, DongleTrunk)]
    quectels = [trunk for trunk in trunks if isinstance(trunk, QuectelTrunk)]
    texts = {}
    if spans:
        texts["chan_dahdi.conf"] = trunk_dahdi.chan_dahdi(spans, trunks)
        texts[SYSTEM] = (
            "# For /etc/dahdi/system.conf, where dahdi_cfg looks.\n"
            f"{trunk_dahdi.system(spans, trunks)}"
        )
    if dongles:
        texts["dongle.conf"] = trunk_sticks.dongle(dongles)
    if quectels:
        texts["quectel.conf"] = trunk_sticks.quectel(quectels)
    return texts
