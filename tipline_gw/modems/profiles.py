"""Modem profiles: data, one TOML file per model under ``modem_profiles/<vendor>/<model>.toml``.

A profile states what a model needs and why. A broken one refuses start, by file and key. Of all
profiles exactly one matches what a modem says it is; two are an error that names both; none, and
the conservative ``generic/generic`` serves.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tipline_gw import resources
from tipline_gw.errors import ConfigError

GENERIC = "generic/generic"
AUTO = "auto"


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
AtCommand = Annotated[str, Field(pattern=r"^AT[\x20-\x7e]*$")]
AtCommands = list[AtCommand]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Usb(_Table):
    """A USB vendor and product id, and which of its interfaces speaks AT."""

    id: str = Field(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")
    at_interface: int = Field(ge=0, le=15)
    reason: str = Field(min_length=1)


class Identify(_Table):
    """Regular expressions, searched without case, for the answers to AT+CGMI, AT+CGMM and ATI.

    All that are given must be found.
    """

    manufacturer: Pattern
    model: Pattern
    information: Pattern = ""


class Serial(_Table):
    """``pause_ms``: how long to pause after each command, for modems that lose bytes."""

    baudrate: int = Field(default=115200, ge=1200, le=4_000_000)
    rtscts: bool = False
    pause_ms: int = Field(default=0, ge=0, le=2000)
    reason: str = ""


class Sms(_Table):
    """How messages come. ``storages``: +CPMS names in the order they are swept; new messages go
    to the first.

    ``delivery``: ``stored`` (with ``cnmi``), or ``direct``: ``csms = 1`` and ``cnmi_direct``,
    each message acknowledged with ``acknowledge`` once it is on disk; ``cnmi`` is what it falls
    back to. ``refuse`` says that it could not be taken.
    """

    delivery: Literal["direct", "stored"] = "stored"
    storages: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = Field(min_length=1, max_length=4)
    csms: Literal[0, 1] | None = None
    cnmi: str = Field(pattern=r"^\d(,\d){1,4}$")
    cnmi_direct: str = Field(default="2,2,0,0,0", pattern=r"^\d(,\d){1,4}$")
    acknowledge: AtCommand = "AT+CNMA"
    refuse: AtCommand | None = None
    sweep_seconds: int = Field(default=60, ge=1, le=3600)
    reason: str = ""

    @model_validator(mode="after")
    def _as_meant(self) -> Self:
        for cnmi, mt in ((self.cnmi, "1"), (self.cnmi_direct, "2")):
            fields = cnmi.split(",")
            if fields[1] != mt:
                raise ValueError(f"{cnmi} has not mt {mt}")
            if fields[3:4] not in ([], ["0"]):
                raise ValueError(f"{cnmi} asks for status reports, which bring numbers back")
        return self


class Calls(_Table):
    """Voice calls on an SMS modem: how one is refused, and what the modem writes down of it.

    ``list``: ``purgeable`` with the commands in ``purge``; ``no list``; or ``unsafe``: it keeps
    callers where nothing can delete them.
    """

    refuse: AtCommand = "ATH"
    list: Literal["purgeable", "no list", "unsafe"]
    purge: AtCommands = []
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _purge_where_it_can(self) -> Self:
        if (self.list == "purgeable") != bool(self.purge):
            raise ValueError("purge commands go with a purgeable list, and it with them")
        return self


class Ussd(_Table):
    """How +CUSD wants the code and gives the answer: as text, hex of packed GSM-7, or UCS-2."""

    dialect: Literal["plain", "hex", "ucs2"] = "plain"
    dcs: int = Field(default=15, ge=0, le=255)
    reason: str = ""


class Reset(_Table):
    """``soft`` restarts the modem's software, ``power`` its hardware; absent where it cannot.
    ``seconds``: how long it is gone then."""

    soft: AtCommand | None = "AT+CFUN=1,1"
    power: AtCommand | None = None
    seconds: int = Field(default=20, ge=1, le=120)
    reason: str = ""


class Init(_Table):
    """A command after the library's own initialisation. ``firmware``: where only some need it, a
    regular expression, searched without case in the answer to AT+CGMR."""

    command: AtCommand
    reason: str = Field(min_length=1)
    firmware: Pattern = ""

    def needed_by(self, revision: str) -> bool:
        return re.search(self.firmware, revision, re.IGNORECASE) is not None


class Profile(_Table):
    """One family of modems. ``source``: the published AT manual, by title and issue."""

    name: str
    source: str = Field(min_length=1)
    usb: list[Usb] = []
    identify: Identify
    serial: Serial = Serial()
    sms: Sms
    calls: Calls
    ussd: Ussd = Ussd()
    reset: Reset = Reset()
    init: list[Init] = []

    def matches(self, manufacturer: str, model: str, information: str = "") -> bool:
        """Whether this profile is for the modem that says this of itself."""
        asked = self.identify
        pairs = (
            (asked.manufacturer, manufacturer),
            (asked.model, model),
            (asked.information, information),
        )
        return all(re.search(pattern, said, re.IGNORECASE) for pattern, said in pairs)


def load(name: str) -> Profile:
    """The profile ``vendor/model``. Raises ConfigError that names the file and each key."""
    path = resources.folder("modem_profiles") / f"{name}.toml"
    try:
        return Profile.model_validate({**tomllib.loads(path.read_text("utf-8")), "name": name})
    except FileNotFoundError:
        known = ", ".join(names())
        raise ConfigError(
            f"there is no modem profile {name}", f"choose one of: auto, {known}"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {_reasons(error)}") from None


def select(manufacturer: str, model: str, information: str = "") -> Profile:
    """The one profile that matches; ``generic/generic`` where none does.

    Raises ConfigError that names them where several do.
    """
    matching = [p for p in known() if p.matches(manufacturer, model, information)]
    if len(matching) > 1:
        both = " and ".join(profile.name for profile in matching)
        raise ConfigError(
            f"the modem matches the profiles {both}",
            "name the right one in its [[modem]] table, and make their patterns exclude another",
        )
    return matching[0] if matching else load(GENERIC)


@cache
def known() -> tuple[Profile, ...]:
    """Every profile but the generic one. Raises ConfigError for a broken one."""
    return tuple(load(name) for name in names() if name != GENERIC)


def ways() -> tuple[Profile, ...]:
    """The generic profile on every kind of line that some profile asks for, its own first: with
    each a modem is spoken to of which nothing is known."""
    generic = load(GENERIC)
    lines: dict[tuple[int, bool, int], Serial] = {}
    for profile in (generic, *known()):
        one = profile.serial
        lines.setdefault((one.baudrate, one.rtscts, one.pause_ms), one)
    return tuple(generic.model_copy(update={"serial": serial}) for serial in lines.values())


def names() -> list[str]:
    """Every profile there is, as ``vendor/model``."""
    folder: Path = resources.folder("modem_profiles")
    return sorted(f"{p.parent.name}/{p.stem}" for p in folder.glob("*/*.toml"))


def _reasons(error: Exception) -> str:
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
    return str(error)
