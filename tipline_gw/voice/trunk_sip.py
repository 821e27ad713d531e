"""SIP trunks, as ``pjsip.conf`` says them.

Every endpoint is closed the same way: it believes nothing that a provider says of a caller, tells
nothing of one, and delivers calls to its trunk's own context. What differs is data.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from tipline_gw.asterisk_files import NOBODY
from tipline_gw.settings.trunks import LOOPBACK, SipTrunk
from tipline_gw.voice.dialplan import context

Pairs = Sequence[tuple[str, str]]

_CLOSED: Pairs = (
    ("direct_media", "no"),
    ("rtp_timeout", "60"),
    ("trust_id_inbound", "no"),
    ("trust_id_outbound", "no"),
    ("send_pai", "no"),
    ("send_rpid", "no"),
    ("send_diversion", "no"),
    ("send_connected_line", "no"),
    # Else it reads From, and quotes a name there that is no UTF-8 in a warning, with its number.
    ("callerid", NOBODY),
    ("callerid_privacy", "prohib"),
    ("allow_subscribe", "no"),
    ("allow_transfer", "no"),
    ("identify_by", "ip"),
)
_BEHIND_NAT: Pairs = (("rtp_symmetric", "yes"), ("force_rport", "yes"), ("rewrite_contact", "yes"))

NOTHING = (
    "; No trunk is configured, so nothing listens for SIP: write a [[trunk]] into the gateway's\n"
    "; configuration and run `tipline-gw asterisk-config` again.\n"
)


def loopback(listen: str, host: str) -> str:
    """An unauthenticated trunk on the loopback: for the demonstration, for tests, and behind a
    session border controller on this machine."""
    return _sections(
        ("loopback", (("type", "transport"), ("protocol", "udp"), ("bind", listen))),
        (
            LOOPBACK,
            (
                ("type", "endpoint"),
                ("transport", "loopback"),
                ("context", context(LOOPBACK)),
                ("disallow", "all"),
                ("allow", "ulaw,alaw"),
                ("dtmf_mode", "auto"),
                ("media_address", host),
                ("bind_rtp_to_media_address", "yes"),
                *_CLOSED,
            ),
        ),
        (LOOPBACK, (("type", "identify"), ("endpoint", LOOPBACK), ("match", host))),
    )


def trunks(
    all_of_them: Sequence[SipTrunk], secrets: Mapping[str, str], files: Mapping[str, str]
) -> str:
    """``secrets`` and ``files`` (as Asterisk sees them) by the path that the settings name."""
    transports: dict[tuple[str, str], str] = {}
    texts: list[str] = []
    for trunk in all_of_them:
        key = (trunk.transport, trunk.listen)
        if key not in transports:
            transports[key] = f"{trunk.transport}-{len(transports) + 1}"
            texts.append(_sections((transports[key], tuple(_transport(trunk, files)))))
        texts.append(_trunk(trunk, transports[key], secrets))
    return "\n".join(texts)


def modules(all_of_them: Sequence[SipTrunk]) -> Iterator[str]:
    """What is loaded for them, beyond what is always."""
    if any(trunk.registration for trunk in all_of_them):
        yield from ("res_pjsip_outbound_registration", "res_pjsip_outbound_authenticator_digest")
    if any(trunk.external_address for trunk in all_of_them):
        yield "res_pjsip_nat"
    if any(trunk.srtp for trunk in all_of_them):
        yield "res_srtp"
    for codec in ("gsm", "g722"):
        if any(codec in trunk.codecs for trunk in all_of_them):
            yield f"codec_{codec}"


def _transport(trunk: SipTrunk, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from (("type", "transport"), ("protocol", trunk.transport), ("bind", trunk.listen))
    for network in trunk.local_net:
        yield "local_net", network
    if trunk.external_address:
        yield "external_media_address", trunk.external_address
        yield "external_signaling_address", trunk.external_address
    if trunk.transport == "tls":
        yield "method", "tlsv1_2"
        yield "verify_server", "yes" if trunk.verify_server else "no"
    for option, file in (
        ("cert_file", trunk.certificate), ("priv_key_file", trunk.key_file),
        ("ca_list_file", trunk.ca_file),
    ):  # fmt: skip
        if file is not None:
            yield option, files[str(file)]


def _trunk(trunk: SipTrunk, transport: str, secrets: Mapping[str, str]) -> str:
    sections: list[tuple[str, Pairs]] = [
        (trunk.name, tuple(_endpoint(trunk, transport))),
        (trunk.name, tuple(_identify(trunk))),
    ]
    if trunk.inbound_username is not None:
        sections.append((f"{trunk.name}-in", _auth(trunk.inbound_username,
                         secrets[str(trunk.inbound_secret_file)])))  # fmt: skip
    if trunk.username is not None:
        sections.append(
            (f"{trunk.name}-out", _auth(trunk.username, secrets[str(trunk.secret_file)]))
        )
    if trunk.registration:
        sections.append((trunk.name, tuple(_registration(trunk, transport))))
    return _sections(*sections)


def _endpoint(trunk: SipTrunk, transport: str) -> Iterator[tuple[str, str]]:
    yield from (
        ("type", "endpoint"),
        ("transport", transport),
        ("context", context(trunk.name)),
        ("disallow", "all"),
        ("allow", ",".join(f"{codec}:{trunk.ptime}" for codec in trunk.codecs)),
        ("dtmf_mode", trunk.dtmf_mode),
    )
    if trunk.srtp:
        yield "media_encryption", "sdes"
        yield "media_encryption_optimistic", "no"
    if trunk.external_address:
        yield from _BEHIND_NAT
    if trunk.inbound_username is not None:
        yield "auth", f"{trunk.name}-in"
    if trunk.username is not None:
        yield "outbound_auth", f"{trunk.name}-out"
    yield from _CLOSED


def _identify(trunk: SipTrunk) -> Iterator[tuple[str, str]]:
    yield from (("type", "identify"), ("endpoint", trunk.name))
    for source in trunk.accept_from or [trunk.host]:
        yield "match", source


def _auth(username: str, secret: str) -> Pairs:
    # A semicolon begins a comment, and a backslash before it takes that back.
    return (
        ("type", "auth"), ("auth_type", "userpass"), ("username", username),
        ("password", secret.replace(";", "\\;")),
    )  # fmt: skip


def _registration(trunk: SipTrunk, transport: str) -> Iterator[tuple[str, str]]:
    host = f"{_bracketed(trunk.host)}:{trunk.host_port}"
    way = "" if trunk.transport == "udp" else f"\\;transport={trunk.transport}"
    yield from (
        ("type", "registration"),
        ("transport", transport),
        ("outbound_auth", f"{trunk.name}-out"),
        ("server_uri", f"sip:{host}{way}"),
        ("client_uri", f"sip:{trunk.username}@{_bracketed(trunk.host)}"),
        ("contact_user", trunk.username or ""),
        ("expiration", "600"),
        ("retry_interval", "30"),
        # Refused for good is often refused for a while: a line must come back by itself.
        ("forbidden_retry_interval", "300"),
        ("fatal_retry_interval", "300"),
        ("max_retries", "1000000"),
        ("auth_rejection_permanent", "no"),
        # Calls are known by where they come from, and by what was registered.
        ("line", "yes"),
        ("endpoint", trunk.name),
    )


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


def _sections(*sections: tuple[str, Pairs]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in pairs)
        for name, pairs in sections
    )
