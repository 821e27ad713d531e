"""The whole of this room against a real Asterisk 22 and real SIP calls.

The intake is one in memory; everything else is what runs in the field.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tests.voice.fakes import FakeTip
from tests.voice.test_listener import until
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.asterisk_host import Asterisk, Host
from tipline_gw.demo.search import search_files, search_octets
from tipline_gw.domain.dialog import (
    Ask,
    Dialog,
    Done,
    Ended,
    Event,
    Heard,
    HungUp,
    Keep,
    Kept,
    Keys,
    Listen,
    PlayBack,
    Say,
    Silence,
    Speak,
)
from tipline_gw.voice.asterisk_config import Plan, write
from tipline_gw.voice.audiosocket import AudioSocketServer
from tipline_gw.voice.call import CallEnd, run_call
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.fastagi import FastAgiServer
from tipline_gw.voice.lobby import Reason

CANARY = "+526569081735"
SPOKEN = sip.Speak("Quiero denunciar un robo en la esquina")
DURING_CALLS = (
    "core show channels verbose", "core show channels concise", "pjsip show channels",
    "core show channel {}", "pjsip show channelstats", "database show",
)  # fmt: skip


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def power(pcm: bytes | bytearray) -> float:
    samples = np.frombuffer(bytes(pcm), dtype="<i2").astype(float)
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def pitch(pcm: bytes) -> float:
    """The loudest frequency of a tone, in hertz."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 8000 / len(samples))


@dataclass
class Line:
    """A gateway with an intake in memory, and the Asterisk that calls come in by."""

    host: Host
    directory: Path
    sip: str
    asterisk: Asterisk
    server: FastAgiServer
    dialog: Callable[[], Dialog] = field(default=lambda: iter(()))  # type: ignore[assignment,return-value]
    events: list[Event] = field(default_factory=list)
    tips: list[FakeTip] = field(default_factory=list)
    ends: list[CallEnd] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)

    def call(self, *steps: sip.Step) -> sip.Report:
        report = sip.Caller(self.host, self.sip).call(steps, caller_number=CANARY, called="089")
        assert report.answered
        assert until(lambda: self.server.active == 0)
        return report


def nothing(directory: Path) -> None:
    """The configuration as it was written."""


@contextmanager
def opened(
    host: Host, prompts: Path, workspace: Path, change: Callable[[Path], None] = nothing
) -> Iterator[Line]:
    audio = AudioSocketServer("127.0.0.1:0", max_calls=4)

    def answer(channel: Channel, environment: Mapping[str, str]) -> None:
        made.environments.append(environment)
        made.tips.append(FakeTip())
        tip = made.tips[-1]
        made.ends.append(run_call(channel, made.dialog(), lambda: tip, lambda _: None, audio, 20))

    server = FastAgiServer("127.0.0.1:0", answer, max_calls=1)
    trunk = f"127.0.0.1:{free_port()}"
    directory = workspace / "asterisk"
    written = write(Plan(directory, server.address, prompts, ("es", "en"), 1, trunk, host.root))
    assert written.missing == ()
    change(directory)
    made = Line(host, directory, trunk, Asterisk(host, directory), server)
    audio.serve_forever()
    server.serve_forever()
    try:
        with made.asterisk:
            yield made
    finally:
        server.close()
        audio.close()


@pytest.fixture
def line(host: Host, workspace: Path, prompts: Path) -> Iterator[Line]:
    with opened(host, prompts, workspace) as made:
        yield made


def tip_dialog(line: Line) -> Callable[[], Dialog]:
    """A menu, a tone, speech, hearing it again, keeping it."""

    def dialog() -> Dialog:
        for command in (
            Ask(("menu",), seconds=5),
            Speak("en"),
            Say(("tone",)),
            Listen(),
            PlayBack(),
            Keep(),
            Say(("thanks",)),
        ):
            event = yield command
            line.events.append(event)
            if isinstance(event, HungUp):
                return

    return dialog


def test_asterisk_starts_with_no_error_and_no_warning(line: Line) -> None:
    assert "Asterisk Ready." in line.asterisk.log
    assert line.asterisk.complaints == []
    settings = line.asterisk.console("core show settings")
    for off in ("Manager (AMI):", "Web Manager (AMI/HTTP):", "Call data records:"):
        assert [each for each in settings.splitlines() if off in each and "Disabled" in each]
    assert "Dump core on crash:          No" in settings
    not_running = [
        each
        for each in line.asterisk.console("module show").splitlines()[1:-1]
        if "Running" not in each or "Not Running" in each
    ]
    assert not_running == []


def test_asterisk_without_a_trunk_starts_clean_and_opens_no_sip_port(
    host: Host, workspace: Path, prompts: Path
) -> None:
    write(Plan(workspace / "ast", "127.0.0.1:4573", prompts, ("es",), root=host.root))
    with Asterisk(host, workspace / "ast") as asterisk:
        assert asterisk.complaints == []
        assert "No objects found" in asterisk.console("pjsip show transports")


def test_a_caller_presses_speaks_hears_it_again_and_keeps_it(line: Line) -> None:
    line.dialog = tip_dialog(line)
    report = line.call(
        sip.Hear(0.4),
        sip.Press("1"),
        sip.Quiet(0.4),
        SPOKEN,
        sip.Press("#"),
        sip.Quiet(0.6),
        sip.AwaitBye(),
    )
    assert report.ended == "gateway"
    choice, _, _, heard, played, kept, _ = line.events
    assert (choice, played) == (Keys("1"), Silence())
    assert isinstance(heard, Heard)
    assert heard.ended is Ended.KEY
    assert heard.seconds > 1.5
    (tip,) = line.tips
    assert kept == Kept(tip.code)
    (recording,) = tip.recordings
    assert power(recording.pcm) > 300
    assert (tip.language, tip.closed, recording.ended) == ("en", 1, [Ended.KEY])
    assert line.ends == [CallEnd.FINISHED]
    # The menu was cut short in Spanish, the last prompt came in English, after the speech.
    assert pitch(report.heard[3200:8000]) == pytest.approx(400, abs=30)
    assert pitch(report.heard[-8000:-1600]) == pytest.approx(1100, abs=30)
    seconds = len(report.heard) / 16000
    assert seconds < 3.0 + 0.3 + heard.seconds + 1.0
    assert line.asterisk.complaints == []


def test_a_hangup_while_speaking_keeps_what_was_said(line: Line) -> None:
    line.dialog = tip_dialog(line)
    report = line.call(sip.Hear(0.4), sip.Press("1"), sip.Quiet(0.4), SPOKEN, sip.HangUp())
    assert report.ended == "caller"
    (recording,) = line.tips[0].recordings
    assert recording.ended == [Ended.HANGUP]
    assert len(recording.pcm) / 16000 > 1.5
    assert power(recording.pcm) > 300
    assert isinstance(line.events[-1], HungUp)
    assert line.tips[0].closed == 1
    assert line.ends == [CallEnd.HUNG_UP]


def test_a_key_pressed_ahead_counts_and_keys_make_a_code(line: Line) -> None:
    def dialog() -> Dialog:
        line.events.append((yield Say(("menu",))))
        line.events.append((yield Ask(("menu",), seconds=3, digits=4)))

    line.dialog = dialog
    report = line.call(
        sip.Hear(0.3), sip.Press("9"), sip.Quiet(0.3), sip.Press("0*7"), sip.AwaitBye()
    )
    # The star is the last of them: what comes after it answers something else.
    assert line.events[1] == Keys("90*")
    # Said to its end although a key was pressed: three seconds, no more, no less.
    assert len(report.heard) / 16000 == pytest.approx(3.0, abs=0.4)


def test_a_call_the_gateway_has_no_place_for_hears_the_apology(line: Line) -> None:
    release = threading.Event()

    def dialog() -> Dialog:
        yield Say(("tone",))
        release.wait(60)

    line.dialog = dialog
    first = threading.Thread(target=line.call, args=(sip.AwaitBye(),))
    first.start()
    try:
        assert until(lambda: line.server.active == 1)
        caller = sip.Caller(line.host, line.sip)
        report = caller.call([sip.AwaitBye()], caller_number=CANARY)
    finally:
        release.set()
        first.join(30)
    assert (report.ended, line.server.turned_away[Reason.NO_PLACE]) == ("gateway", 1)
    assert pitch(report.heard[1600:12000]) == pytest.approx(700, abs=30)
    assert pitch(report.heard[-12000:-1600]) == pytest.approx(1200, abs=30)


@pytest.mark.parametrize("called", ["+526560000000", "tips", "s", "*526"])
def test_whatever_was_dialled_is_answered(line: Line, called: str) -> None:
    def dialog() -> Dialog:
        line.events.append((yield Say(("tone",))))

    line.dialog = dialog
    caller = sip.Caller(line.host, line.sip)
    report = caller.call([sip.AwaitBye()], caller_number=CANARY, called=called)
    assert report.ended == "gateway"
    assert line.events == [Done()]


def told_during_a_call(line: Line) -> bytes:
    """All that Asterisk says of a call while it lasts, and in its log after it."""
    shown: list[str] = []

    def dialog() -> Dialog:
        yield Ask(("tone",), seconds=1)
        concise = line.asterisk.console("core show channels concise")
        name = concise.split("!")[0]
        shown.extend(line.asterisk.console(each.format(name)) for each in DURING_CALLS)
        yield Listen()

    line.dialog = dialog
    line.call(sip.Hear(0.1), sip.Quiet(2.0), SPOKEN, sip.Press("#"), sip.AwaitBye())
    assert any("PJSIP/line" in each for each in shown)
    return "\n".join([*shown, *line.asterisk.log, str(line.environments)]).encode()


def test_the_callers_number_is_in_no_state_and_in_no_file_of_asterisk(line: Line) -> None:
    assert list(search_octets(told_during_a_call(line), [CANARY])) == []
    read, hits = search_files([line.directory], [CANARY])
    assert read > 20
    assert hits == []


def learns_who_calls(directory: Path) -> None:
    """As an administrator might: the modules that take identities from SIP headers."""
    modules = directory / "modules.conf"
    learning = "load = res_pjsip_caller_id.so\nload = res_pjsip_diversion.so\n"
    modules.write_text(modules.read_text() + learning)
    pjsip = directory / "pjsip.conf"
    text = pjsip.read_text().replace("trust_id_inbound = no", "trust_id_inbound = yes")
    pjsip.write_text(text.replace("callerid = anonymous <anonymous>\n", ""))


def learns_and_does_not_blank(directory: Path) -> None:
    learns_who_calls(directory)
    dialplan = directory / "extensions.conf"
    blanks = r"Set\((CALLERID|REDIRECTING|CONNECTEDLINE)\([^)]*\)=[a-z]*\)"
    dialplan.write_text(re.sub(blanks, "Set(CHANNEL(language)=es)", dialplan.read_text()))


def test_an_asterisk_that_learns_who_calls_forgets_it_by_its_dialplan(
    host: Host, workspace: Path, prompts: Path
) -> None:
    with opened(host, prompts, workspace, learns_who_calls) as line:
        assert list(search_octets(told_during_a_call(line), [CANARY])) == []


def test_one_that_does_not_is_found_out_and_still_tells_the_gateway_nothing(
    host: Host, workspace: Path, prompts: Path
) -> None:
    with opened(host, prompts, workspace, learns_and_does_not_blank) as line:
        assert "plain" in list(search_octets(told_during_a_call(line), [CANARY]))
        assert list(search_octets(str(line.environments).encode(), [CANARY])) == []
