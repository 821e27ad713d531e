"""The address of the store, ``store.url``: a file of SQLite's, or a database of PostgreSQL's.

It is read here with the configuration, so that what the database's library would trip over is
refused with its line. A reason never repeats the address: a password may stand in it. Refused
are a store that is in memory alone, and options to SQLite, which the program sets itself.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator

_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg://"
_SERVER = re.compile(
    r"""
    (?:[^:/?@]*(?::[^@]*)?@)?                      # user and password
    (?:\[(?P<ipv6>[^\]/?@]*)\]|[^:/?@\[\]]*)       # host
    (?::(?P<port>[^/?@\[\]]*))?
    (?:/[^?]*)?                                    # database
    (?:\?.*)?
    """,
    re.VERBOSE,
)


def sqlite_url(file: Path) -> str:
    """The address of a store in ``file``: what means something in an address is escaped."""
    return _SQLITE + str(file).replace("%", "%25").replace("?", "%3F")


def sqlite_file(url: str) -> Path | None:
    """The file of a store that is one."""
    return Path(unquote(url.removeprefix(_SQLITE))) if url.startswith(_SQLITE) else None


def absolute(url: str, base: Path) -> str:
    """A file's path is relative to ``base``; a server's address stays."""
    file = sqlite_file(url)
    return url if file is None else sqlite_url(base / file)


def _checked(url: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", unquote(url)):
        raise ValueError("must not have control characters in it")
    if url.startswith(_SQLITE):
        _check_file(url.removeprefix(_SQLITE))
    elif url.startswith(_POSTGRESQL):
        _check_server(url.removeprefix(_POSTGRESQL))
    else:
        raise ValueError(f"must begin with {_SQLITE} or {_POSTGRESQL}")
    return url


def _check_file(path: str) -> None:
    if "?" in path:
        raise ValueError("must not have options after a ?: a ? in a file's name is written %3F")
    if unquote(path) in ("", ":memory:"):
        raise ValueError(f"must name a file, as in {_SQLITE}tips.db: memory keeps nothing")


def _check_server(server: str) -> None:
    parts = _SERVER.fullmatch(server)
    if not parts:
        raise ValueError(
            f"must be {_POSTGRESQL}USER:PASSWORD@HOST:PORT/DATABASE, with @ : / in a password "
            "written %40 %3A %2F, and an IPv6 address in brackets"
        )
    port, ipv6 = parts["port"], parts["ipv6"]
    if port is not None and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise ValueError("its port must be a number from 1 to 65535")
    if ipv6 is not None and not _is_ipv6(ipv6):
        raise ValueError("what stands in its brackets must be an IPv6 address")


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


StoreUrl = Annotated[str, AfterValidator(_checked)]
