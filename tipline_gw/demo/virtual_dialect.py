"""How one family of modems speaks: the virtual modem plays it from a file.

Why it exists: every real modem keeps to the standards in its own way, and a driver is tested
against that way, not against the standard. It is data, a TOML file (``--dialect``): what the
modem says it is, what its +CNMI allows, which commands it lacks, what it says unasked, what ends a
call. Without a file the defaults here are the well-behaved modem. It refuses keys it does not know.

Whole command lines are compared in upper case. ``{imei}``, ``{revision}``, ``{model}`` and
``{manufacturer}`` are put in wherever a line is told.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tipline_gw.demo.at_command import NOT_SUPPORTED, CommandError
from tipline_gw.errors import ModemError

Lines = list[str]
Values = Annotated[list[int], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Names(_Table):
    """``information``: the lines of ATI, in place of the usual ones."""

    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    imei: str = ""
    information: Lines = []


class Sms(_Table):
    """``mode`` to ``bfr``: what each field of +CNMI may be. ``cnma``: the lines that acknowledge
    and ``cnma_refuse`` those that refuse; None: as the standard has it. ``falls_back``: what
    becomes 0 when no acknowledgement came. ``smsc``: PDUs begin with the service centre."""

    storages: dict[str, int] = {}
    first_index: int = 1
    csms: Values = [0, 1]
    mode: Values = [0, 1, 2]
    mt: Values = [0, 1, 2, 3]
    bm: Values = [0, 1, 2, 3]
    ds: Values = [0, 1, 2]
    bfr: Values = [0, 1]
    direct_needs_csms: bool = False
    falls_back: Literal["mt", "csms"] = "mt"
    cnma: Lines | None = None
    cnma_refuse: Lines = []
    smsc: bool = True
    read_header: str = "+CMGR: {stat},,{length}"
    list_header: str = "+CMGL: {index},{stat},,{length}"
    direct_header: str = "+CMT: ,{length}"

    @property
    def indications(self) -> tuple[list[int], ...]:
        return self.mode, self.mt, self.bm, self.ds, self.bfr


class At(_Table):
    """``unknown``: the result of what it has not, by default +CME ERROR: 4 as +CMEE has it.
    ``answers``: by whole line, its information lines, or a result that stands alone."""

    echo: bool = True
    cmee: int = 0
    unknown: str = ""
    unsupported: Lines = []
    answers: dict[str, Lines | str] = {}


class Urc(_Table):
    """Said unasked: ``boot`` once after power-on, ``lines`` one by one."""

    boot: Lines = []
    every_seconds: float = 0.0
    lines: Lines = []


class Calls(_Table):
    """``purge``: the lines that, all in this order, empty the list of missed calls. ``refuse``:
    those that end a call; None: as the standards have it."""

    kept: Literal["purgeable", "no list", "unsafe"] = Field(default="purgeable", alias="list")
    purge: Lines = []
    refuse: Lines | None = None


class Ussd(_Table):
    """None: text in the character set of +CSCS."""

    dialect: Literal["plain", "hex", "ucs2"] | None = None
    before_ok: bool = False


class Reset(_Table):
    """Lines after whose answer the port vanishes for ``seconds``."""

    soft: Lines = []
    power: Lines = []
    seconds: float = 0.3


class Dialect(_Table):
    source: str = ""
    identity: Names = Names()
    sms: Sms = Sms()
    at: At = At()
    urc: Urc = Urc()
    calls: Calls = Calls()
    ussd: Ussd = Ussd()
    reset: Reset = Reset()

    def lacks(self, name: str) -> bool:
        return name in self.at.unsupported

    def unknown(self) -> CommandError:
        """The error that answers a command it has not."""
        return (
            VerbatimError(self.at.unknown)
            if self.at.unknown
            else CommandError("CME", NOT_SUPPORTED)
        )


class VerbatimError(CommandError):
    """A final result that stands in the dialect as it is."""

    def __init__(self, result: str) -> None:
        super().__init__()
        self._result = result

    def line(self, cmee: int) -> str:
        del cmee
        return self._result


def load(path: Path) -> Dialect:
    """Raises ModemError that names the file and each key."""
    try:
        return Dialect.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        said = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)
        raise ModemError(f"{path}: {said}", "see tipline_gw/demo/virtual_dialect.py") from None
    except (OSError, ValueError) as error:
        raise ModemError(f"{path}: {error}", "name a dialect's TOML file") from None
