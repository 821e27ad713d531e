"""Places real SIP calls: SIPp does the signalling, :mod:`rtp_phone` hears, speaks and presses.

The caller's number stands in every header that a carrier may put it in, so that a test can look
for it afterwards. What a call does is a list of steps, and steps wait for the line, not for a
clock.
"""

from __future__ import annotations

import io
import secrets
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

import numpy as np
import soxr

from tipline_gw.demo.asterisk_host import Host
from tipline_gw.demo.rtp_phone import EVENT, PLAIN, RATE, Handset, Phone
from tipline_gw.errors import VoiceError

CALL_SECONDS = 170
"""No call of a demonstration lasts longer: SIPp itself ends it then."""
_ANSWER_SECONDS = 30.0
_TRIES = 3
_SIPP_FATAL = (254, 255)
_POLL = 0.01


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Hear:
    """Until something is heard, for ``seconds``: the middle of a prompt."""

    seconds: float = 0.5
    within: float = 20.0


@dataclass(frozen=True, slots=True)
class Quiet:
    """Until something was heard and then nothing for ``seconds``: the end of what is said."""

    seconds: float = 0.5
    within: float = 90.0


@dataclass(frozen=True, slots=True)
class Press:
    """Each of ``keys`` for ``seconds``, and ``gap`` seconds of silence after it; or what they are
    in view of all that was heard so far, as PCM."""

    keys: str | Callable[[bytes], str]
    seconds: float = 0.16
    gap: float = 0.1


@dataclass(frozen=True, slots=True)
class Speak:
    """Says ``text`` with espeak-ng, or plays ``pcm`` (signed linear 16 bit, 8 kHz)."""

    text: str = ""
    voice: str = "es-419"
    pcm: bytes = b""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up."""


@dataclass(frozen=True, slots=True)
class AwaitBye:
    """Until the gateway hangs up."""

    within: float = 90.0


Step = Wait | Hear | Quiet | Press | Speak | HangUp | AwaitBye


@dataclass(frozen=True, slots=True)
class Report:
    """``ended`` by ``caller``, by ``gateway``, or ``failed``: not answered, or out of time.
    ``done``: how many steps were gone through. ``heard``: what was played to the caller."""

    answered: bool
    ended: str
    done: int
    heard: bytes


class Caller:
    """Calls the Asterisk at ``sip`` (``127.0.0.1:5060``), one call at a time."""

    def __init__(self, host: Host, sip: str, handset: Handset = PLAIN) -> None:
        self._host = host
        self._sip = sip
        self._handset = handset

    def call(
        self, steps: Sequence[Step], *, caller_number: str, called: str = "089", name: str = ""
    ) -> Report:
        """Goes through ``steps`` and hangs up after the last, if nobody did before."""
        # Made before the call: a caller does not think for seconds.
        said = {step: _sound(self._host, step) for step in steps if isinstance(step, Speak)}
        for _ in range(_TRIES - 1):
            report, started = self._attempt(steps, said, caller_number, called, name)
            if started:
                return report
        return self._attempt(steps, said, caller_number, called, name)[0]

    def _attempt(
        self,
        steps: Sequence[Step],
        said: dict[Speak, bytes],
        caller_number: str,
        called: str,
        name: str,
    ) -> tuple[Report, bool]:
        """What came of it, and whether SIPp started at all."""
        with self._host.workspace() as folder:
            call = _Call(self._host, self._sip, folder, self._handset)
            try:
                call.dial(caller_number, called, name)
                report = call.go_through(steps, said)
                return report, report.answered or not call.stillborn
            finally:
                call.close()


class _Call:
    def __init__(self, host: Host, sip: str, folder: Path, handset: Handset) -> None:
        self._host = host
        self._sip = sip
        self._folder = folder
        self._handset = handset
        self._phone = Phone(handset=handset)
        self._port = _free_port()
        self._id = secrets.token_hex(12)
        self._process: subprocess.Popen[bytes] | None = None
        self._hung_up = False
        self._mark = 0.0

    def dial(self, caller_number: str, called: str, name: str) -> None:
        scenario = self._folder / "call.xml"
        text = Template(_SCENARIO).substitute(
            caller=caller_number,
            display=name or caller_number,
            called=called,
            media=self._phone.port,
            payloads=self._handset.payloads,
            events="" if self._handset.inband else _EVENTS_OFFERED,
            ptime=20 * self._handset.pieces,
            answer=f"{self._host.inside(self._folder)}/answer",
        )
        scenario.write_text(text, encoding="utf-8")
        words = [
            "sipp", self._sip, "-sf", self._host.inside(scenario), "-m", "1", "-nostdin",
            "-i", "127.0.0.1", "-p", str(self._port), "-cid_str", self._id,
            "-timeout", f"{CALL_SECONDS}s", "-timeout_error",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            self._host.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def go_through(self, steps: Sequence[Step], said: dict[Speak, bytes]) -> Report:
        if not self._await_answer():
            return Report(False, "failed", 0, b"")
        done = 0
        in_time = True
        for step in steps:
            self._mark = time.monotonic()
            in_time = self._step(step, said)
            if not in_time or self._over():
                break
            done += 1
        if in_time and not self._over():
            self._hang_up()
        return Report(True, self._ending(), done, self._phone.heard)

    def close(self) -> None:
        self._phone.close()
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()

    def _step(self, step: Step, said: dict[Speak, bytes]) -> bool:
        """Whether it came to its end in time; true as well when the call ended meanwhile."""
        match step:
            case Wait(seconds):
                time.sleep(seconds)
                return True
            case Press(keys, seconds, gap):
                pressed = keys if isinstance(keys, str) else keys(self._phone.heard)
                for key in pressed:
                    self._phone.press(key, seconds, gap)
                return self._until(lambda: not self._phone.busy, 3.0 * len(pressed) + 3.0)
            case Speak():
                self._phone.speak(said[step])
                return self._until(lambda: not self._phone.busy, len(said[step]) / RATE + 10.0)
            case HangUp():
                self._hang_up()
                return True
            case _:
                return self._listen(step)

    def _listen(self, step: Hear | Quiet | AwaitBye) -> bool:
        if isinstance(step, AwaitBye):
            return self._until(self._over, step.within)
        if isinstance(step, Hear):
            return self._until(self._anything, step.within) and self._until(
                lambda: time.monotonic() - self._began > step.seconds, step.within
            )
        return self._until(self._anything, step.within) and self._until(
            lambda: time.monotonic() - self._phone.last_heard > step.seconds, step.within
        )

    def _anything(self) -> bool:
        self._began = time.monotonic()
        return self._phone.last_heard > self._mark

    def _until(self, true: Callable[[], object], within: float) -> bool:
        until = time.monotonic() + within
        while time.monotonic() < until:
            if true() or self._over():
                return True
            time.sleep(_POLL)
        return False

    def _await_answer(self) -> bool:
        answer = self._folder / "answer"
        found = self._until(lambda: answer.exists() and answer.read_text().strip(), _ANSWER_SECONDS)
        if not found or not answer.exists():
            return False
        self._phone.connect("127.0.0.1", int(answer.read_text()))
        return True

    @property
    def stillborn(self) -> bool:
        """SIPp ended on a fatal error of its own: somebody else took the port it was given."""
        return self._process is not None and self._process.poll() in _SIPP_FATAL

    def _over(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _hang_up(self) -> None:
        """Tells SIPp, by a request within its call, to send BYE."""
        if self._over():
            return
        self._hung_up = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind(("127.0.0.1", 0))
            request = _HANG_UP.format(id=self._id, port=out.getsockname()[1])
            out.sendto(request.encode(), ("127.0.0.1", self._port))
        self._until(self._over, 10.0)

    def _ending(self) -> str:
        if self._process is None or self._process.poll() != 0:
            return "failed"
        return "caller" if self._hung_up else "gateway"


def _sound(host: Host, step: Speak) -> bytes:
    return step.pcm or speech(step.text, step.voice, host)


def speech(text: str, voice: str, host: Host) -> bytes:
    """``text`` spoken, as PCM: signed linear 16 bit, 8 kHz. VoiceError without espeak-ng."""
    words = ("espeak-ng", "-v", voice, "--stdout", text)
    command = list(words) if shutil.which("espeak-ng") else host.command(*words)
    try:
        made = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        raise VoiceError("no speech could be made", "install espeak-ng") from None
    with wave.open(io.BytesIO(made)) as sound:
        rate = sound.getframerate()
        frames = sound.readframes(sound.getnframes())
    samples = np.frombuffer(frames[: len(frames) // 2 * 2], dtype="<i2")
    return bytes(np.asarray(soxr.resample(samples, rate, RATE), dtype="<i2"))


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_HANG_UP: Final = (
    "INFO sip:sipp@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{id}\r\n"
    "From: <sip:script@127.0.0.1>;tag=script\r\n"
    "To: <sip:sipp@127.0.0.1>\r\n"
    "Call-ID: {id}\r\n"
    "CSeq: 1 INFO\r\n"
    "Content-Length: 0\r\n\r\n"
)

_EVENTS_OFFERED: Final = f"""
    a=rtpmap:{EVENT} telephone-event/8000
    a=fmtp:{EVENT} 0-15"""

# SIPp's own words stand in [brackets], ours begin with a dollar; a doubled one is SIPp's.
_SCENARIO: Final = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a caller">
  <send retrans="500"><![CDATA[
    INVITE sip:$called@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "$display" <sip:$caller@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:$called@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:$caller@[local_ip]:[local_port]>
    P-Asserted-Identity: "$display" <sip:$caller@127.0.0.1>
    P-Preferred-Identity: <tel:$caller>
    Remote-Party-ID: "$display" <sip:$caller@127.0.0.1>;party=calling;screen=yes;privacy=off
    Diversion: <sip:$caller@127.0.0.1>;reason=unconditional;counter=1
    History-Info: <sip:$caller@127.0.0.1>;index=1
    Max-Forwards: 70
    User-Agent: $caller
    Subject: $caller
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[local_ip_type] [local_ip]
    t=0 0
    m=audio $media RTP/AVP $payloads
    a=rtpmap:0 PCMU/8000$events
    a=ptime:$ptime
    a=sendrecv
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200">
    <action>
      <ereg regexp="m=audio ([0-9]+) " search_in="body" assign_to="whole,port"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
      <exec command="echo [$$port] >$answer"/>
    </action>
  </recv>
  <Reference variables="whole"/>
  <send><![CDATA[
    ACK sip:$called@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "$display" <sip:$caller@[local_ip]:[local_port]>;tag=[call_number]
    To:[$$to]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv request="INFO" optional="true" next="1"/>
  <recv request="BYE"/>
  <send next="2"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0
  ]]></send>
  <label id="1"/>
  <send retrans="500"><![CDATA[
    BYE sip:$called@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: "$display" <sip:$caller@[local_ip]:[local_port]>;tag=[call_number]
    To:[$$to]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Max-Forwards: 70
    Content-Length: 0
  ]]></send>
  <recv response="200"/>
  <label id="2"/>
</scenario>
"""
