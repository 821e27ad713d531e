"""The few SIP messages of a caller (RFC 3261), as text: made, and read as far as they matter."""

from __future__ import annotations

import re
from dataclasses import dataclass

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {media} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)
_HEADERS = re.compile(r"(?m)^(Via|From|To|Call-ID|CSeq): *(.*?)\r?$")
_MEDIA = re.compile(r"(?m)^m=audio (\d+) ")


@dataclass(frozen=True)
class Heard:
    """A message that came: a response's ``status`` (0: a request), its ``method``, and its
    headers as they stand in it."""

    status: int
    method: str
    headers: list[tuple[str, str]]
    media: int

    def header(self, name: str) -> str:
        return next((value for one, value in self.headers if one == name), "")


def read(message: bytes) -> Heard:
    text = message.decode("latin-1")
    first = text.split("\r\n", 1)[0].split(" ")
    headers = _HEADERS.findall(text)
    media = _MEDIA.search(text)
    status = int(first[1]) if first[0].startswith("SIP/") else 0
    method = dict(headers).get("CSeq", "0 ?").split()[-1]
    return Heard(status, method, headers, int(media[1]) if media else 0)


@dataclass
class Speaker:
    """One call's side of the signalling."""

    host: str
    port: int
    peer: str
    called: str
    id: str
    to: str = ""

    def invite(self, media: int) -> bytes:
        body = SDP.format(host=self.host, media=media)
        contact = f"Contact: <sip:caller@{self.host}:{self.port}>\r\n"
        return self._request("INVITE", 1, contact + "Content-Type: application/sdp\r\n", body)

    def ack(self) -> bytes:
        return self._request("ACK", 1)

    def bye(self) -> bytes:
        return self._request("BYE", 2)

    def ok(self, request: Heard) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
        return f"SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n".encode("latin-1")

    def _request(self, method: str, number: int, more: str = "", body: str = "") -> bytes:
        to = self.to or f"<sip:{self.called}@{self.peer}>"
        return (
            f"{method} sip:{self.called}@{self.peer} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{self.id}{method}\r\n"
            f"From: <sip:caller@{self.host}:{self.port}>;tag={self.id}\r\n"
            f"To: {to}\r\nCall-ID: {self.id}\r\nCSeq: {number} {method}\r\n"
            f"Max-Forwards: 70\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode("latin-1")
