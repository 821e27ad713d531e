"""Modem profiles: data, one TOML file per model under ``modem_profiles/<vendor>/<model>.toml``.

A profile states what a model needs and why. A broken one refuses start, by file and key.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tipline_gw import resources
from tipline_gw.errors import ConfigError

GENERIC = "generic/generic"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Identify(_Table):
    """Regular expressions for the answers to AT+CGMI and AT+CGMM."""

    manufacturer: str
    model: str


class Serial(_Table):
    """``pause_ms``: how long to pause after each command, for modems that lose bytes."""

    baudrate: int = Field(default=115200, ge=1200, le=4_000_000)
    rtscts: bool = False
    pause_ms: int = Field(default=0, ge=0, le=2000)


class Sms(_Table):
    """``storages``: +CPMS names in the order they are swept; new messages go to the first."""

    storages: list[str] = Field(min_length=1, max_length=4)
    cnmi: str = Field(pattern=r"^\d(,\d){1,4}$")
    sweep_seconds: int = Field(default=60, ge=1, le=3600)


class Init(_Table):
    command: str = Field(pattern=r"^AT[\x20-\x7e]*$")
    reason: str = Field(min_length=1)


class Profile(_Table):
    """One model of modem."""

    name: str
    source: str = Field(min_length=1)
    identify: Identify
    serial: Serial = Serial()
    sms: Sms
    init: list[Init] = []

    def matches(self, manufacturer: str, model: str) -> bool:
        return bool(
            re.search(self.identify.manufacturer, manufacturer, re.IGNORECASE)
            and re.search(self.identify.model, model, re.IGNORECASE)
        )


def load(name: str) -> Profile:
    """The profile ``vendor/model``; ``auto`` begins with the generic one.

    Raises ConfigError that names the file and each key at fault.
    """
    wanted = GENERIC if name == "auto" else name
    path = resources.folder("modem_profiles") / f"{wanted}.toml"
    try:
        return Profile.model_validate({**tomllib.loads(path.read_text()), "name": wanted})
    except FileNotFoundError:
        known = ", ".join(names())
        raise ConfigError(
            f"there is no modem profile {wanted}", f"choose one of: {known}"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {_reasons(error)}") from None


def _reasons(error: Exception) -> str:
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
    return str(error)


def names() -> list[str]:
    """Every profile there is, as ``vendor/model``."""
    folder: Path = resources.folder("modem_profiles")
    return sorted(f"{p.parent.name}/{p.stem}" for p in folder.glob("*/*.toml"))
