"""Reads the configuration file; every complaint names file, line, key and reason.

tomllib gives no line numbers and pydantic knows none, so a small scanner notes the line of each
key. It understands what TOML needs for that and no more: tables, arrays of tables and keys at
the start of a line. The values are tomllib's business.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tipline_gw.errors import ConfigError
from tipline_gw.settings import store_url
from tipline_gw.settings.clashes import Location, clashes
from tipline_gw.settings.schema import Settings
from tipline_gw.settings.trunks import KINDS, Trunk

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\"]+)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_TRUNK_FILES = ("secret_file", "inbound_secret_file", "certificate", "key_file", "ca_file")


def load(path: Path) -> Settings:
    """The settings in ``path`` with all paths absolute.

    Raises ConfigError with one line per fault: ``file:line: key: reason``.
    """
    text = _read(path)
    try:
        settings = Settings.model_validate(_as_paths(_parsed(path, text)))
    except ValidationError as error:
        raise ConfigError("\n".join(_complaints(path, text, error))) from None
    if faults := [_complaint(path, text, where, reason) for where, reason in clashes(settings)]:
        raise ConfigError("\n".join(faults))
    return _absolute(settings, path.parent.resolve())


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror})", "give --config, or run tipline-gw init"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}:1: is not UTF-8 text") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}:{_error_line(error, text)}: TOML: {error}") from None
    except (ValueError, RecursionError):  # of Python itself, which knows no line
        raise ConfigError(
            f"{path}: TOML: a number is too long, or brackets are nested too deep"
        ) from None


def _error_line(error: tomllib.TOMLDecodeError, text: str) -> int:
    """tomllib says "at end of document" where there is nothing left to point at."""
    match = re.search(r"at line (\d+)", str(error))
    return int(match[1]) if match else text.rstrip().count("\n") + 1


def _as_paths(raw: dict[str, Any]) -> dict[str, Any]:
    """Strict validation wants a Path where the file can only hold a string."""
    for table, key in (("recipients", "file"), ("voice", "prompts")):
        _to_path(raw.get(table), key)
    modems = raw.get("modem")
    for modem in modems if isinstance(modems, list) else ():
        _to_path(modem, "pin_file")
    trunks = raw.get("trunk")
    for trunk in trunks if isinstance(trunks, list) else ():
        for key in _TRUNK_FILES:
            _to_path(trunk, key)
    return raw


def _to_path(table: Any, key: str) -> None:
    if isinstance(table, dict) and isinstance(table.get(key), str):
        table[key] = Path(table[key])


def _absolute(settings: Settings, base: Path) -> Settings:
    return settings.model_copy(
        update={
            "recipients": settings.recipients.model_copy(
                update={"file": base / settings.recipients.file}
            ),
            "store": settings.store.model_copy(
                update={"url": store_url.absolute(settings.store.url, base)}
            ),
            "voice": settings.voice.model_copy(update={"prompts": base / settings.voice.prompts}),
            "modem": [
                modem.model_copy(update={"pin_file": base / modem.pin_file})
                if modem.pin_file
                else modem
                for modem in settings.modem
            ],
            "trunk": [_trunk_from(base, trunk) for trunk in settings.trunk],
        }
    )


def _trunk_from(base: Path, trunk: Trunk) -> Trunk:
    named = {key: file for key in _TRUNK_FILES if (file := getattr(trunk, key, None))}
    return trunk.model_copy(update={key: base / file for key, file in named.items()})


def _complaints(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        where = _of_trunk(fault["loc"], fault["type"])
        yield _complaint(path, text, where, _reason(fault["type"], fault["msg"]))


def _complaint(path: Path, text: str, where: Location, reason: str) -> str:
    key = ".".join(str(step) for step in where) or "configuration"
    return f"{path}:{_nearest(lines_of(text), where)}: {key}: {reason}"


def _of_trunk(where: Location, kind: str) -> Location:
    """pydantic puts a trunk's kind into the location, and leaves its key out."""
    if kind.startswith("union_tag_"):
        return (*where, "kind")
    if len(where) > 2 and where[0] == "trunk" and where[2] in KINDS:
        return (*where[:2], *where[3:])
    return where


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key: remove it, or correct its spelling"
    if kind == "missing":
        return "is missing"
    if kind.startswith("union_tag_"):
        return f"must be one of {', '.join(KINDS)}"
    return message.removeprefix("Value error, ")


def _nearest(lines: dict[Location, int], where: Location) -> int:
    """The line of the key, or of the innermost table above it that is in the file."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)


def lines_of(text: str) -> dict[Location, int]:
    """Each table's and key's line, by location as pydantic names it: ``("modem", 0, "port")``."""
    lines: dict[Location, int] = {}
    counts: dict[str, int] = {}
    table: Location = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2].replace('"', "")
            table = tuple(name.split("."))
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table = (*table, counts[name])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines
