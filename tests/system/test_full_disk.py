"""The store's disk is full: nothing is lost, everybody is told, and nobody has to do anything but
free it."""

from collections import Counter
from types import SimpleNamespace

import pytest

from tests.system import small_disk, sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

SENDERS = [f"+5265652910{last:02}" for last in range(40)]
SWEEP = 90
"""Seconds within which a modem is swept, generously: the profile says sixty."""
LONG = "Hay una fila de camionetas frente a la bodega y nadie sabe de quién son. " * 4


@pytest.fixture(scope="module")
def disk(root, tmp_path_factory):
    with small_disk.mounted(tmp_path_factory.mktemp("disk"), "2m") as folder:
        yield folder


@pytest.fixture(scope="module")
def scene(disk, host, tmp_path_factory):
    directory = tmp_path_factory.mktemp("full")
    url = f'"sqlite:///{disk}/tips.db"'
    with (
        world.home(directory, {"gsm0": ()}, {"url": url}) as home,
        world.exchange(host, home.config) as exchange,
    ):
        home.gateway.start()
        control, senders = home.modems["gsm0"].control, iter(SENDERS)
        control.receive(next(senders), "cuando había lugar")
        assert until(home.idle, 30)
        ready = [home.gateway.page("/readyz")]
        filler = small_disk.fill(disk)
        refused = ["mientras no hay lugar", LONG]
        for text in refused:
            control.receive(next(senders), text, shuffle=True)
        assert until(lambda: home.gateway.page("/readyz")[0] == 503, 30)
        ready.append(home.gateway.page("/readyz"))
        health = home.gateway.page("/healthz")
        control.set(drop_notices=1)
        control.receive(next(senders), "y nadie avisó de este")
        refused.append("y nadie avisó de este")
        report = exchange.call("+526565291099", *refused_call()).result()
        assert until(lambda: control.state()["queue"] == 0, 30)
        lying = home.stored("gsm0")
        filler.unlink()
        assert until(home.idle, SWEEP)
        ready.append(home.gateway.page("/readyz"))
        later = exchange.call("+526565291098", *kept_call()).result()
        complaints = exchange.complaints
        stopped = home.gateway.stop()
        yield SimpleNamespace(
            ready=ready, health=health, report=report, later=later, lying=lying, refused=refused,
            prompts=home.directory / "prompts" / "es", complaints=complaints, stopped=stopped,
            sent=control.sent(), tips=world.opened_tips(home.config),
        )  # fmt: skip


def refused_call() -> tuple[sip.Step, ...]:
    return (*world.CHOOSE_SPANISH, sip.Hear(), sip.Press("1"), sip.AwaitBye())


def kept_call() -> tuple[sip.Step, ...]:
    speech = sip.Speak(pcm=sounds.babble(3.0, seed=1))
    return (*world.LEAVE_A_TIP, speech, sip.HangUp())


def test_readiness_names_the_disk_and_comes_back(scene):
    assert [status for status, _ in scene.ready] == [200, 503, 200]
    assert "the disk of the store is full" in scene.ready[1][1]


def test_a_full_disk_is_no_reason_to_restart(scene):
    assert scene.health == (200, "ok\n")


def test_what_is_refused_stays_on_the_modem(scene):
    assert scene.lying >= len(scene.refused) + 1  # one of them has several parts


def test_a_caller_is_told_and_the_call_ends(scene):
    assert scene.report.ended == "gateway"
    assert sounds.heard(scene.prompts, "cannot-take-now", scene.report.heard)


def test_all_that_waited_is_taken_in_once(scene):
    texts = Counter(tip.text for tip in scene.tips if tip.text)
    assert texts == Counter(["cuando había lugar", *scene.refused])


def test_every_sender_is_answered_in_the_end(scene):
    assert {message["to"] for message in scene.sent} == set(SENDERS[: 1 + len(scene.refused)])
    assert len(scene.sent) == 1 + len(scene.refused)


def test_calls_are_taken_again_and_the_refused_one_left_nothing(scene):
    assert scene.later.ended == "caller"
    (spoken,) = [tip for tip in scene.tips if tip.envelope["kind"] == "voice"]
    assert sounds.likeness(sounds.babble(3.0, seed=1), spoken.pcm) > 0.8


def test_asterisk_and_the_daemon_go_through_it_in_order(scene):
    assert scene.complaints == []
    assert scene.stopped == 0
