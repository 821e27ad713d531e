"""Both voice ports under attack while people call: calls go on, and nothing is left of it."""

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.system import flood, hearing, sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

CONNECTIONS = 3000
SECONDS = 12.0
"""More than twice as long as a connection may keep silent."""
THROUGH = sounds.babble(SECONDS + 3.0, seed=1)
DURING = sounds.babble(4.0, seed=2)
HASHING = 32 * 1024
"""Kilobytes that one case code takes while it is hashed (Argon2id), attack or not."""
KILOBYTES = 16 * 1024
"""What four calls and the attack may add to the memory of the daemon."""


@dataclass
class Watch(threading.Thread):
    """The most of each that a process had while it was watched."""

    pid: int
    threads: int = 0
    files: int = 0
    kilobytes: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self._over.wait(0.05):
            now = usage(self.pid)
            self.threads = max(self.threads, now.threads)
            self.files = max(self.files, now.files)
            self.kilobytes = max(self.kilobytes, now.kilobytes)

    def end(self) -> None:
        self._over.set()
        self.join()


def usage(pid: int) -> SimpleNamespace:
    status = Path(f"/proc/{pid}/status").read_text()
    return SimpleNamespace(
        threads=int(re.search(r"Threads:\s+(\d+)", status)[1]),
        kilobytes=int(re.search(r"VmRSS:\s+(\d+)", status)[1]),
        files=len(list(Path(f"/proc/{pid}/fd").iterdir())),
    )


def leave(speech: bytes) -> tuple[sip.Step, ...]:
    return (
        *world.LEAVE_A_TIP, sip.Speak(pcm=speech), sip.Press("#"), sip.Hear(),
        sip.Press("1"), sip.Hear(2.5), sip.HangUp(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def scene(host, root, tmp_path_factory):
    with (
        world.home(tmp_path_factory.mktemp("attack"), {}) as home,
        flood.many_files(2 * CONNECTIONS),
        world.exchange(host, home.config) as exchange,
    ):
        home.gateway.start()
        ports = dict(re.findall(r'(?m)^(\w*_listen) = "([^"]*)"', home.config.read_text()))
        exchange.call("+526565654701", *leave(sounds.babble(1.0, seed=9))).result()
        assert until(lambda: home.gateway.count("calls_now") == 0, 20)
        before = usage(home.gateway.pid)
        watch = Watch(home.gateway.pid)
        watch.start()
        through = exchange.call("+526565654702", *leave(THROUGH))
        assert until(lambda: len(world.voice_rows(home.config)) == 2, 60)
        agi = flood.Flood(ports["agi_listen"], CONNECTIONS // 2, b"agi_network: yes\n" * 50)
        audio = flood.Flood(ports["audio_listen"], CONNECTIONS // 2, b"\x01\x00\x10" + bytes(16))
        began = time.monotonic()
        with agi, audio:
            assert until(lambda: agi.opened + audio.opened >= CONNECTIONS, 30)
            during = [exchange.call(f"+52656565471{n}", *leave(DURING)) for n in range(2)]
            reports = [call.result() for call in (*during, through)]
            until(lambda: time.monotonic() - began > SECONDS, SECONDS)
        watch.end()
        after = usage(home.gateway.pid)
        recovered = until(lambda: settled(home, before), 20)
        after = usage(home.gateway.pid)
        late = exchange.call("+526565654703", *leave(DURING)).result()
        metrics = home.gateway.page("/metrics")[1]
        stopped = home.gateway.stop()
        yield SimpleNamespace(
            reports=[*reports, late], before=before, most=watch, after=after, recovered=recovered,
            floods=(agi, audio), prompts=home.directory / "prompts" / "es", stopped=stopped,
            log=home.gateway.log.read_text(), tips=world.opened_tips(home.config),
            metrics=metrics, complaints=exchange.complaints,
        )  # fmt: skip


def settled(home: world.Home, before: SimpleNamespace) -> bool:
    now = usage(home.gateway.pid)
    return now.threads <= before.threads and now.files <= before.files


def turned_away(metrics: str, room: str) -> float:
    found = re.findall(
        rf'(?m)^tipline_connections_turned_away\{{.*room="{room}".*\}} (\S+)$', metrics
    )
    return sum(map(float, found))


def test_the_attack_was_one(scene):
    for one in scene.floods:
        assert one.opened > CONNECTIONS  # each place was taken again and again
        assert one.closed > CONNECTIONS // 2


def test_calls_before_during_and_after_it_go_through(scene):
    for report in scene.reports:
        assert (report.answered, report.ended) == (True, "caller")
        assert "your-code" in hearing.names_said(scene.prompts, report.heard)


def test_every_word_said_meanwhile_is_kept(scene):
    assert len(scene.tips) == 5
    assert not any(tip.truncated or tip.envelope["partial"] for tip in scene.tips)
    for speech, times in ((THROUGH, 1), (DURING, 3)):
        likely = [sounds.likeness(speech, tip.pcm) for tip in scene.tips]
        assert sorted(likely)[-times] > 0.8, likely


def test_it_costs_no_thread_and_few_files(scene):
    calls = 4
    assert scene.most.threads <= scene.before.threads + 2 * calls
    assert scene.most.files <= scene.before.files + 2 * 512 + 4 * calls


def test_nothing_is_left_of_it(scene):
    assert scene.recovered, (vars(scene.before), vars(scene.after))
    assert scene.most.kilobytes < scene.before.kilobytes + HASHING + KILOBYTES
    assert scene.after.kilobytes < scene.before.kilobytes + KILOBYTES


def test_it_is_counted_and_fills_no_log(scene):
    for room in ("agi", "audio"):
        assert turned_away(scene.metrics, room) > CONNECTIONS // 2
    assert scene.log.count("turned-away") < 20
    assert '"level":"error"' not in scene.log.replace(" ", "")
    assert scene.stopped == 0
