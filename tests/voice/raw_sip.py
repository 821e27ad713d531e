"""A provider's side of SIP, by hand: requests over UDP or TLS, and a registrar.

SIPp places the calls that are spoken in; this is for what comes before one: who may call, and what
is answered to whom may not.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import socket
import threading
from dataclasses import dataclass, field

PLAIN = "RTP/AVP"
CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio 40000 {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{crypto}"
)


def digest(challenge: str, method: str, uri: str, user: str, secret: str) -> str:
    """The value of an Authorization header (RFC 2617 §3.2.2, qop=auth, MD5)."""
    said = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
    count, cnonce = "00000001", secrets.token_hex(8)
    answer = response_of(said["realm"], said["nonce"], count, cnonce, method, uri, user, secret)
    opaque = f', opaque="{said["opaque"]}"' if "opaque" in said else ""
    return (
        f'Digest username="{user}", realm="{said["realm"]}", nonce="{said["nonce"]}", '
        f'uri="{uri}", qop=auth, nc={count}, cnonce="{cnonce}", response="{answer}"{opaque}'
    )


def response_of(
    realm: str, nonce: str, count: str, cnonce: str, method: str, uri: str, user: str, secret: str
) -> str:
    one = _md5(f"{user}:{realm}:{secret}")
    return _md5(f"{one}:{nonce}:{count}:{cnonce}:auth:{_md5(f'{method}:{uri}')}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def header(message: str, name: str) -> str:
    found = re.search(rf"(?mi)^{name}: *([^\r\n]*)", message)
    return found[1] if found else ""


@dataclass
class Call:
    """One dialog. ``connection`` is a connected socket; ``way`` UDP or TLS; ``name`` the caller's,
    in Latin-1 as older exchanges write it."""

    connection: socket.socket
    target: str
    way: str = "UDP"
    name: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    sequence: int = 0
    tag: str = ""

    def invite(
        self, caller: str, *, user: str = "", secret: str = "", crypto: str | None = None
    ) -> int:
        """The final answer's status; asked for a password, it is given if there is one."""
        sdp = _SDP.format(host=self._here, profile="RTP/SAVP" if crypto else PLAIN,
                          crypto=crypto or "")  # fmt: skip
        answer = self._request("INVITE", caller, sdp)
        if _status(answer) == 401 and user:
            challenge = header(answer, "WWW-Authenticate")
            authorization = digest(challenge, "INVITE", self.target, user, secret)
            answer = self._request("INVITE", caller, sdp, f"Authorization: {authorization}\r\n")
        self.answer = answer
        return _status(answer)

    def close(self) -> None:
        self.connection.close()

    @property
    def _here(self) -> str:
        return str(self.connection.getsockname()[0])

    def _request(self, method: str, caller: str, body: str, extra: str = "") -> str:
        self.sequence += 1
        self._send(method, caller, body, extra, self.sequence)
        while True:
            answer = self._receive()
            if header(answer, "CSeq").startswith(f"{self.sequence} ") and _status(answer) >= 200:
                self.tag = header(answer, "To").partition(";tag=")[2]
                self._send("ACK", caller, "", "", self.sequence)
                self.tag = self.tag if _status(answer) == 200 else ""
                return answer

    def _receive(self) -> str:
        data = self.connection.recv(65536)
        assert data, "the connection was closed"
        return data.decode("latin-1")

    def _send(self, method: str, caller: str, body: str, extra: str, sequence: int) -> None:
        host, port = self.connection.getsockname()[:2]
        to = f";tag={self.tag}" if self.tag else ""
        name = f'"{self.name}" ' if self.name else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.connection.sendall(
            f"{method} {self.target} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.way} {host}:{port};branch=z9hG4bK{self.id}{sequence};rport\r\n"
            f"From: {name}<sip:{caller}@{host}>;tag={self.id}\r\nTo: <{self.target}>{to}\r\n"
            f"Call-ID: {self.id}\r\nCSeq: {sequence} {method}\r\n"
            f"Contact: <sip:{caller}@{host}:{port};transport={self.way.lower()}>\r\n"
            f"P-Asserted-Identity: <sip:{caller}@{host}>\r\nMax-Forwards: 70\r\n{extra}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode("latin-1")
        )


def _status(message: str) -> int:
    return int(message.split(" ", 2)[1]) if message.startswith("SIP/2.0 ") else 0


class Registrar(threading.Thread):
    """Lets one user register, with a password. ``contact``: where calls for it go."""

    def __init__(self, user: str, secret: str) -> None:
        super().__init__(daemon=True)
        self._user, self._secret = user, secret
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.contact = ""
        self.registered = threading.Event()

    def run(self) -> None:
        while True:
            try:
                data, sender = self._socket.recvfrom(65536)
            except OSError:
                return
            if sender is None:  # closed
                return
            self._socket.sendto(self._answer(data.decode()).encode(), sender)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread, though none is connected
        self._socket.close()
        self.join(5)

    def _answer(self, request: str) -> str:
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', header(request, "Authorization")))
        if not said or said["response"] != response_of(
            "provider", "once", said["nc"], said["cnonce"], "REGISTER", said["uri"],
            self._user, self._secret,
        ):  # fmt: skip
            challenge = 'Digest realm="provider", nonce="once", qop="auth", algorithm=MD5'
            return self._reply(request, "401 Unauthorized", f"WWW-Authenticate: {challenge}\r\n")
        self.contact = header(request, "Contact")
        self.registered.set()
        return self._reply(request, "200 OK", f"Contact: {self.contact};expires=600\r\n")

    def _reply(self, request: str, status: str, extra: str) -> str:
        copied = "".join(
            f"{name}: {header(request, name)}{';tag=r' if name == 'To' else ''}\r\n"
            for name in ("Via", "From", "To", "Call-ID", "CSeq")
        )
        return f"SIP/2.0 {status}\r\n{copied}{extra}Content-Length: 0\r\n\r\n"
