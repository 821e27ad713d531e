"""Switches the boundary off in whatever process imports it, as a careless change might: for
``test_audit``, which must see the audit fail then."""

from __future__ import annotations

from pathlib import Path

import structlog

from tipline_gw.boundary import agi_environment, serial_line
from tipline_gw.telemetry import log
from tipline_gw.voice import fastagi

KEPT: list[bytes] = []
"""What passes is not wiped: it lingers."""


def _tell(octets: bytes) -> None:
    KEPT.append(octets)
    structlog.get_logger().debug("line", line=octets.decode("latin-1"))


def _scrub(port: serial_line.BoundaryPort, size: int):
    _tell(bytes(port._raw[:size]))
    return SCRUB(port, size)


def _environment(readline):
    def told(limit: int) -> bytes:
        line = bytes(readline(limit))
        _tell(line)
        return line

    return agi_environment.read_environment(told)


SCRUB = serial_line.BoundaryPort._scrub
serial_line.BoundaryPort._scrub = _scrub
fastagi.read_environment = _environment
log.allow = lambda _logger, _method, event: event
log.foreign = lambda _logger, _method, event: event


MODULES = (
    "func_db", "func_cdr", "func_strings", "app_verbose", "res_cdrel_custom", "cdr_custom",
    "cel_custom", "res_pjsip_caller_id",
)  # fmt: skip


def in_asterisk(directory: Path) -> None:
    """Its configuration as a distribution ships it: records, a full log, nobody blanked."""
    edit(directory / "cdr.conf", "enable = no", "enable = yes")
    edit(directory / "cel.conf", "enable = no", "enable = yes\napps = all\nevents = ALL")
    for name, field in (
        ("cdr_custom", "${CDR(clid)},${CDR(src)}"),
        ("cel_custom", "${CALLERID(num)}"),
    ):
        (directory / f"{name}.conf").write_text(f"[mappings]\nMaster.csv => {field}\n")
        records = directory / "log" / name.replace("_", "-")
        records.mkdir()
        records.chmod(0o777)
    edit(
        directory / "logger.conf", "console => error,warning",
        "console => error,warning,notice,verbose\nmessages => notice,warning,error,verbose,debug",
    )  # fmt: skip
    edit(directory / "asterisk.conf", "verbose = 0", "verbose = 5")
    edit(
        directory / "modules.conf",
        "load = app_playback.so",
        "\n".join(f"load = {name}.so" for name in ("app_playback", *MODULES)),
    )
    dialplan = directory / "extensions.conf"
    lines = dialplan.read_text().splitlines()
    kept = [line for line in lines if "CALLERID(" not in line or "exten =>" in line]
    text = "\n".join(kept).replace("Set(CALLERID(all)=)", "Set(DB(calls/last)=${CALLERID(num)})")
    dialplan.write_text(text + "\n")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, (file.name, old)
    file.write_text(text.replace(old, new))
