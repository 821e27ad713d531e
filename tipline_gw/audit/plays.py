"""Sends numbers through every way into a gateway, in fair weather and foul, and says what did not
go as it should.

What must have happened is looked at as well: a number that never came in leaks nowhere.
"""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tipline_gw.audit import faults, letters
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.scene import Exchange, Scene
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.asterisk_host import Host
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import until
from tipline_gw.errors import VoiceError

AT_ONCE = 10
TRIES = 3
NAMES = ("gsm0", "gsm1", "tapped")
HOLD_SECONDS = 40.0

Say = Callable[[str], None]
_LEAVE: tuple[sip.Step, ...] = (
    sip.Hear(),
    sip.Press("1"),
    sip.Hear(),
    sip.Press("1"),
    sip.Quiet(1.0),
)
"""Spanish, leave a tip, up to the tone."""


def _kept() -> tuple[sip.Step, ...]:
    """Hung up while the code is said, which takes a minute and leads to nothing more."""
    return (*_LEAVE, _speech(4), sip.Press("#"), sip.Hear(), sip.Press("1"), sip.Hear(3.0))


def all_of_them(scene: Scene, faults_in: Path, say: Say, texts: int, calls: int) -> list[str]:
    """Everything, and ``texts`` and ``calls`` more of the plain kind. What failed."""
    failures: list[str] = []
    say("texts of all kinds, malformed ones, reports, rings, lines nobody asked for")
    failures += _expect(scene, "the texts", lambda: _texts(scene))
    failures += _expect(scene, "lines nobody asked for", lambda: _unasked(scene))
    say("a bad line, a failed answer, a modem unplugged in the middle of a message")
    failures += _expect(scene, "a bad line", lambda: _bad_line(scene))
    failures += _expect(scene, "a modem unplugged", lambda: _unplugged(scene))
    _agi_by_hand(scene)
    say("an exception in each room that a text goes through")
    for at, room in enumerate(faults.SMS):
        # In turn: a modem that fails again and again is left alone for longer and longer.
        modem = scene.modems[NAMES[at % len(NAMES)]]
        failures += _fault_in_text(scene, faults_in, room, modem)
    if scene.exchange is not None:
        say("calls: kept, hung up, torn down; and an exception in each room they go through")
        failures += _calls(scene, scene.exchange, faults_in)
    say(f"{texts} texts and {calls if scene.exchange else 0} calls more")
    failures += _expect(scene, "many", lambda: _many(scene, texts, calls))
    return failures


def _expect(scene: Scene, what: str, do: Callable[[], bool | None]) -> list[str]:
    """``do`` may say that something did not happen (False)."""
    failures = [f"{what}: it did not go as it should"] if do() is False else []
    return failures if scene.settle() else [*failures, f"{what}: something was not taken in"]


# Texts.


def _texts(scene: Scene) -> None:
    modems = [scene.modems["gsm0"].control, scene.modems["gsm1"].control]
    for at, (what, options) in enumerate(letters.WRITTEN.items()):
        modems[at % 2].receive(scene.canaries.next(what), **options)
    for what, spoil in letters.SPOILED.items():
        modems[1].receive_pdu(letters.spoiled(scene.canaries.next(f"PDU: {what}"), spoil))
    modems[1].receive_pdu(letters.report(scene.canaries.next("a status report"))[1])
    for modem in modems:
        modem.ring(scene.canaries.next("a voice call to a modem"), times=1)


def _unasked(scene: Scene) -> None:
    caller, sender = scene.canaries.among(2, "lines nobody asked for")
    scene.tap.say(*letters.unasked(caller, sender))
    scene.modems["tapped"].control.receive(sender, "y sigue en pie")
    # A line that begins as an answer and never ends, then one that ends.
    scene.tap.say_raw(f'+CLIP: "{caller}'.encode())
    scene.modems["tapped"].control.receive(sender, "a medias")


def _bad_line(scene: Scene) -> bool:
    control, settled = scene.modems["gsm0"].control, True
    for modes in ({"interleave": True}, {"noise": 0.3}, {"trickle_us": 200.0}):
        control.set(**modes)
        control.receive(scene.canaries.next("a bad line"), letters.LONG)
        control.ring(scene.canaries.next("a call on a bad line"), times=1)
        settled = scene.settle() and settled
        control.set(interleave=False, noise=0.0, trickle_us=0.0)
    control.set(fail_cmgs=[500])
    control.receive(scene.canaries.next("an answer that fails"), "no le contesten")
    return settled


def _unplugged(scene: Scene) -> bool:
    """In the middle of a message that is being read."""
    control = scene.modems["gsm0"].control
    control.set(fail_cmgs=[], baud=4800)
    control.receive(scene.canaries.next("a modem unplugged"), letters.LONG + letters.LONG)
    there = until(lambda: len(control.stored()["SM"]) > 1, HOLD_SECONDS)
    up = scene.gateway.count("modem_up")
    control.vanish()
    control.set(baud=0)
    gone = until(lambda: scene.gateway.count("modem_up") == up - 1, 60)
    control.come_back()
    return there and gone


def _fault_in_text(scene: Scene, faults_in: Path, room: str, modem: VirtualModem) -> list[str]:
    """It fails once, and what was in its hands is taken in all the same."""
    trigger = faults_in / room
    trigger.touch()
    sender = scene.canaries.next(f"an exception in {room}")
    modem.control.receive(sender, f"Se rompe {room}")
    failed = until(lambda: not trigger.exists(), HOLD_SECONDS)
    trigger.unlink(missing_ok=True)
    settled = scene.settle()
    return [] if failed and settled else [f"an exception in {room} was not got over"]


# Calls.


def _agi_by_hand(scene: Scene) -> None:
    """What an Asterisk with another configuration would send."""
    host, port = tomllib.loads(scene.config.read_text())["voice"]["agi_listen"].split(":")
    names = ("callerid", "calleridname", "rdnis", "dnid", "arg_1", "arg_2", "channel", "request",
             "extension", "x\xff")  # fmt: skip
    number = scene.canaries.next("an AGI environment")
    lines = [f"agi_{name}: SIP/{number}-1" for name in names]
    for end in ("\n\n", ""):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(("agi_network: yes\n" + "\n".join(lines) + end).encode("latin-1"))
            _reply_to_all(connection)


def _reply_to_all(connection: socket.socket) -> None:
    connection.settimeout(1)
    try:
        while connection.recv(1000).startswith((b"ANSWER", b"SET")):
            connection.sendall(b"200 result=1\n")
    except OSError:
        return


def _calls(scene: Scene, exchange: Exchange, faults_in: Path) -> list[str]:
    plays: dict[str, Sequence[sip.Step]] = {
        "a call that is kept": _kept(),
        "a call hung up while speaking": [*_LEAVE, _speech(4), sip.HangUp()],
        "a call that asks": [*_LEAVE[:3], sip.Press("2"), sip.Hear(), sip.Press("123456789012")],
    }  # fmt: skip
    with ThreadPoolExecutor(len(plays)) as pool:
        reports = list(pool.map(lambda what: _call(scene, exchange, what, plays[what]), plays))
    failures = [] if all(report.answered for report in reports) else ["a call was not answered"]
    failures += _torn_down(scene, exchange)
    failures += _faults_in_calls(scene, exchange, faults_in)
    return failures if scene.settle() else [*failures, "a call did not end"]


def _faults_in_calls(scene: Scene, exchange: Exchange, faults_in: Path) -> list[str]:
    """Twice as many calls as rooms, at once: one that fails early never comes to the later rooms.
    Once more for a room that none of them came to."""
    triggers = [faults_in / room for room in faults.VOICE]
    for trigger in triggers:
        trigger.touch()
    steps = [*_LEAVE, _speech(3), sip.HangUp()]
    for _ in range(TRIES):
        left = [trigger for trigger in triggers if trigger.exists()]
        with ThreadPoolExecutor(2 * len(triggers)) as pool:
            for room in [*left, *left]:
                pool.submit(_call, scene, exchange, f"an exception in {room.name}", steps)
    left = [trigger for trigger in triggers if trigger.exists()]
    for trigger in left:
        trigger.unlink()
    return [f"no exception came in {trigger.name}" for trigger in left]


def _call(scene: Scene, exchange: Exchange, what: str, steps: Sequence[sip.Step]) -> sip.Report:
    caller = sip.Caller(exchange.host, exchange.listen)
    return caller.call(list(steps), caller_number=scene.canaries.next(what))


def call_at(host: Host, listen: str, canaries: Canaries) -> None:
    """A call whose tip is kept and one that is hung up while speaking, wherever that is."""
    caller = sip.Caller(host, listen)
    for steps in (_kept(), [*_LEAVE, _speech(4), sip.HangUp()]):
        if not caller.call(steps, caller_number=canaries.next("a call")).answered:
            raise VoiceError(f"nobody answers at {listen}", "is it where calls come in?")


def _torn_down(scene: Scene, exchange: Exchange) -> list[str]:
    """Asterisk itself ends the call while the caller speaks."""
    with ThreadPoolExecutor(1) as pool:
        steps = [*_LEAVE, _speech(12), sip.AwaitBye()]
        call = pool.submit(_call, scene, exchange, "a call torn down", steps)
        until(lambda: scene.gateway.count("calls_now") == 1, HOLD_SECONDS)
        speaking = until(
            lambda: "AudioSocket" in exchange.asterisk.console("core show channels"), 60
        )
        exchange.asterisk.console("channel request hangup all")
        if not call.result().answered:
            return ["a call to be torn down was not answered"]
        return [] if speaking else ["a call was torn down before its caller spoke"]


def _speech(seconds: float) -> sip.Speak:
    """Noise in syllables, never silent."""
    noisy = np.random.default_rng(int(seconds))
    count = int(seconds * 8000)
    loudness = np.repeat(noisy.uniform(0.1, 1.0, count // 1200 + 1), 1200)[:count]
    noise = noisy.normal(0, 5000, count) * loudness
    return sip.Speak(pcm=noise.clip(-30000, 30000).astype("<i2").tobytes())


# Many.


def _many(scene: Scene, texts: int, calls: int) -> bool:
    senders = list(scene.canaries.among(6, "many texts"))
    for at, sender in enumerate(senders):
        count = texts // len(senders) + (at < texts % len(senders))
        text = "Aviso {n}: una camioneta sin placas"
        scene.modems[NAMES[at % len(NAMES)]].control.receive(sender, text, count=count)
    exchange = scene.exchange
    if exchange is not None and calls:
        steps = [*_LEAVE, _speech(3), sip.HangUp()]
        numbers = _repeated(list(scene.canaries.among(3, "many calls")), calls)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            caller = sip.Caller(exchange.host, exchange.listen)
            reports = pool.map(lambda who: caller.call(steps, caller_number=who), numbers)
            return all(report.answered for report in reports)
    return True


def _repeated(numbers: list[str], times: int) -> Iterator[str]:
    return (numbers[at % len(numbers)] for at in range(times))
