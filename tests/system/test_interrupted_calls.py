"""What ends a call that its caller did not end: Asterisk is killed, the disk fills up, the daemon
is told to stop. What was said until then is kept, and the next caller notices nothing."""

import time
from types import SimpleNamespace

import pytest

from tests.system import hearing, small_disk, sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

CHUNK_SECONDS = (1 << 16) / 16000
"""Seconds of speech in what is committed at once."""
KILLED, FULL, LATER, STOPPED = (sounds.babble(30.0, seed=number) for number in range(4))
SPOKEN = 6.0
"""Seconds into their speech that it happens to them."""
DRAIN = 5.0


@pytest.fixture(scope="module")
def disk(root, tmp_path_factory):
    with small_disk.mounted(tmp_path_factory.mktemp("disk"), "3m") as folder:
        yield folder


def leave(speech: bytes, *then: sip.Step) -> tuple[sip.Step, ...]:
    return (*world.LEAVE_A_TIP, sip.Speak(pcm=speech), *then)


@pytest.fixture(scope="module")
def scene(disk, host, tmp_path_factory):
    url = f'"sqlite:///{disk}/tips.db"'
    with (
        world.home(tmp_path_factory.mktemp("interrupted"), {}, {"url": url}) as home,
        world.exchange(host, home.config) as exchange,
    ):
        home.gateway.start()

        def speaking(number: str, speech: bytes, already: int):
            call = exchange.call(number, *leave(speech, sip.AwaitBye(5.0)))
            assert until(lambda: len(world.voice_rows(home.config)) > already, 60)
            time.sleep(SPOKEN)
            return call

        def over() -> bool:
            return home.gateway.count("calls_now") == 0

        killed = speaking("+526565654801", KILLED, 0)
        exchange.asterisk.kill()
        after_kill = (until(over, 10), home.gateway.page("/readyz")[0])
        killed.result()
        exchange.asterisk.start()

        full = speaking("+526565654802", FULL, 1)
        filler = small_disk.fill(disk)
        told = full.result()
        until(over, 10)
        filler.unlink()
        assert until(lambda: home.gateway.page("/readyz")[0] == 200, 30)
        later = exchange.call("+526565654803", *leave(LATER[: 4 * 16000], sip.HangUp())).result()
        assert until(over, 20)

        stopped = speaking("+526565654804", STOPPED, 3)
        began = time.monotonic()
        code = home.gateway.stop()
        took = time.monotonic() - began
        yield SimpleNamespace(
            after_kill=after_kill, told=told, later=later, code=code, took=took,
            apologised=stopped.result(), prompts=home.directory / "prompts" / "es",
            tips=world.opened_tips(home.config), log=home.gateway.log.read_text(),
        )  # fmt: skip


def kept(scene, speech: bytes) -> world.Tip:
    """The tip that begins like ``speech``."""
    tip = max(scene.tips, key=lambda tip: sounds.likeness(speech[: 3 * 16000], tip.pcm))
    assert sounds.likeness(speech[: 3 * 16000], tip.pcm) > 0.8
    return tip


def seconds_kept(scene, speech: bytes) -> float:
    tip = kept(scene, speech)
    return len(tip.pcm) / 16000 - sounds.place(speech[: 3 * 16000], tip.pcm)


def test_asterisk_killed_in_a_call_leaves_a_whole_tip(scene):
    assert scene.after_kill == (True, 200)
    tip = kept(scene, KILLED)
    assert not tip.truncated
    assert not tip.envelope["partial"]
    assert seconds_kept(scene, KILLED) > SPOKEN - 1.5


def test_a_disk_that_fills_up_keeps_what_was_committed_and_the_caller_is_told(scene):
    said = hearing.names_said(scene.prompts, scene.told.heard)
    assert scene.told.ended == "gateway"
    assert {"part-lost", "cannot-take-now"} & set(said), said
    assert "your-code" not in said
    tip = kept(scene, FULL)
    assert tip.envelope["partial"]
    assert len(tip.pcm) / 16000 > CHUNK_SECONDS - 0.1


def test_with_room_again_the_next_call_is_taken_whole(scene):
    assert scene.later.ended == "caller"
    tip = kept(scene, LATER)
    assert not tip.truncated
    assert not tip.envelope["partial"]


def test_told_to_stop_the_daemon_finishes_what_is_being_said(scene):
    tip = kept(scene, STOPPED)
    assert scene.code == 0
    assert scene.took < DRAIN + 5.0
    assert not tip.truncated
    assert not tip.envelope["partial"]
    assert seconds_kept(scene, STOPPED) > SPOKEN + DRAIN - 1.5


def test_who_was_cut_off_by_the_end_hears_an_apology(scene):
    assert scene.apologised.ended == "gateway"
    assert "cannot-take-now" in hearing.names_said(scene.prompts, scene.apologised.heard)


def test_nothing_else_went_wrong(scene):
    assert len(scene.tips) == 4
    assert '"level":"error"' not in scene.log.replace(" ", "")
