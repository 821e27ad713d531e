"""Asterisk with a configuration that keeps numbers: for ``test_audit``."""

from __future__ import annotations

from pathlib import Path

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
    edit(directory / "pjsip.conf", "callerid = anonymous <anonymous>\n", "")
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
