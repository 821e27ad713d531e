"""What no table of the configuration can see by itself: values of two tables that clash.

Each clash has the place of the value to change, so that the loader can say its line.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from tipline_gw.settings.schema import Settings
from tipline_gw.settings.trunks import (
    DahdiTrunk,
    SipTrunk,
    Stick,
    first_channel,
)

Location = tuple[str | int, ...]
Clash = tuple[Location, str]

_SERVERS = (("voice", "agi_listen"), ("voice", "audio_listen"), ("metrics", "listen"))
_EVERYWHERE = {str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0))}
_OF_A_TRANSPORT = (
    "local_net", "external_address", "certificate", "key_file", "ca_file", "verify_server"
)  # fmt: skip


def clashes(settings: Settings) -> Iterator[Clash]:
    """All of them; none when the tables fit together."""
    yield from _ports(settings)
    yield from _twice("trunk", [trunk.name for trunk in settings.trunk])
    yield from _twice("number", [number.name for number in settings.number])
    yield from _dialled(settings)
    yield from _languages(settings)
    yield from _numbers_of_trunks(settings)
    yield from _transports(settings)
    yield from _sockets(settings)
    yield from _sources(settings)
    yield from _spans(settings)
    yield from _sticks(settings)


def _ports(settings: Settings) -> Iterator[Clash]:
    """Two servers of the gateway cannot listen on one port."""
    taken: dict[str, str] = {}
    for table, key in _SERVERS:
        listen = getattr(getattr(settings, table), key)
        for other, where in taken.items():
            if _same_port(listen, where):
                yield (table, key), f"is the port of {other} as well: give each its own"
        taken[f"{table}.{key}"] = listen


def _same_port(one: str, other: str) -> bool:
    (host, port), (other_host, other_port) = _host_and_port(one), _host_and_port(other)
    hosts = {host, other_host}
    return port == other_port and (len(hosts) == 1 or bool(hosts & _EVERYWHERE))


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    name = host.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(name)), int(port)
    except ValueError:
        return "127.0.0.1" if name == "localhost" else name, int(port)


def _twice(table: str, names: Sequence[str]) -> Iterator[Clash]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (table, index, "name"), f"{name} is the name of another [[{table}]]"


def _dialled(settings: Settings) -> Iterator[Clash]:
    seen: set[str] = set()
    for index, number in enumerate(settings.number):
        if seen & set(number.dialled):
            yield ("number", index, "dialled"), "another [[number]] is dialled the same"
        seen |= set(number.dialled)


def _languages(settings: Settings) -> Iterator[Clash]:
    for index, number in enumerate(settings.number):
        languages = number.languages or []
        if len(set(languages)) != len(languages):
            yield ("number", index, "languages"), "names one twice"
        for language in sorted(set(languages) - set(settings.line.languages)):
            yield ("number", index, "languages"), f"{language} is not in line.languages"


def _numbers_of_trunks(settings: Settings) -> Iterator[Clash]:
    names = {number.name for number in settings.number}
    for index, trunk in enumerate(settings.trunk):
        if trunk.number is not None and trunk.number not in names:
            yield ("trunk", index, "number"), f"there is no [[number]] named {trunk.number}"


def _transports(settings: Settings) -> Iterator[Clash]:
    """Two trunks on one port share what Asterisk knows once for both."""
    first: dict[tuple[str, str], SipTrunk] = {}
    for index, trunk in enumerate(settings.trunk):
        if not isinstance(trunk, SipTrunk):
            continue
        other = first.setdefault((trunk.transport, trunk.listen), trunk)
        for key in _OF_A_TRANSPORT:
            if getattr(trunk, key) != getattr(other, key):
                yield ("trunk", index, key), f"must be that of {other.name}, on the same port"


def _sockets(settings: Settings) -> Iterator[Clash]:
    """Two trunks that do not share a port must not want the same: Asterisk starts one of them."""
    trunks = [(at, each) for at, each in enumerate(settings.trunk) if isinstance(each, SipTrunk)]
    for number, (index, trunk) in enumerate(trunks):
        for _, other in trunks[:number]:
            if _collide(trunk, other):
                what = f"is the port of {other.name} as well: give each its own"
                yield ("trunk", index, "listen"), what


def _collide(one: SipTrunk, other: SipTrunk) -> bool:
    if (one.transport, one.listen) == (other.transport, other.listen):
        return False
    if (one.transport == "udp") != (other.transport == "udp"):
        return False
    of_one_family = ("[" in one.listen) == ("[" in other.listen)  # a socket of IPv6 takes no IPv4
    return of_one_family and _same_port(one.listen, other.listen)


def _sources(settings: Settings) -> Iterator[Clash]:
    """Asterisk knows a trunk by the address that a call comes from, whatever port it comes to."""
    taken: list[str] = []
    for index, trunk in enumerate(settings.trunk):
        if not isinstance(trunk, SipTrunk):
            continue
        sources = trunk.accept_from or [trunk.host]
        if any(_overlap(source, other) for source in sources for other in taken):
            key = "accept_from" if trunk.accept_from else "host"
            yield ("trunk", index, key), "another [[trunk]] takes calls from that address"
        taken += sources


def _overlap(one: str, other: str) -> bool:
    try:
        networks = ipaddress.ip_network(one), ipaddress.ip_network(other)
    except ValueError:
        return one == other  # a host's name
    return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])


def _spans(settings: Settings) -> Iterator[Clash]:
    taken: list[range] = []
    for index, trunk in enumerate(settings.trunk):
        if not isinstance(trunk, DahdiTrunk):
            continue
        start = first_channel(trunk, settings.trunk)
        channels = range(start, start + trunk.channels)
        if any(set(channels) & set(other) for other in taken):
            yield ("trunk", index, "span"), "another [[trunk]] has its channels"
        taken.append(channels)


def _sticks(settings: Settings) -> Iterator[Clash]:
    """One stick, one driver."""
    ports = {modem.port for modem in settings.modem}
    for index, trunk in enumerate(settings.trunk):
        if not isinstance(trunk, Stick):
            continue
        for key in ("data", "audio"):
            device = getattr(trunk, key)
            if device in ports:
                reason = "is a [[modem]], or another stick's: one stick has one driver"
                yield ("trunk", index, key), reason
            elif device is not None:
                ports.add(device)
