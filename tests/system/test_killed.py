"""A daemon that is killed at any moment: what was acknowledged is there, the rest comes again."""

import random
import sqlite3
import time
from collections import Counter

import pytest

from tests.system import sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

SEED = 20260305
KILLS = 3
COUNT = 40
LONG = "Otra vez los mismos hombres en la misma esquina, y nadie dice nada por miedo. " * 4
CHUNK = 1 << 16
SPEAKING = 10.0
"""Seconds into a recording: two chunks are full after 8.2, the third after 12.3."""


@pytest.fixture
def home(tmp_path):
    with world.home(tmp_path, {"gsm0": ()}, {"reassembly_seconds": "15"}) as made:
        made.gateway.start()
        yield made


def healthy(home: world.Home) -> bool:
    """By SQLite's own check of a file that nobody has open."""
    with sqlite3.connect(home.directory / "tips.db") as database:
        sound = database.execute("PRAGMA integrity_check").fetchall()
        stray = database.execute("PRAGMA foreign_key_check").fetchall()
    database.close()
    return sound == [("ok",)] and stray == []


def letters() -> list[tuple[str, str]]:
    return [
        (f"+5265653830{n:02}", f"{n}: {LONG}" if n % 4 == 0 else f"{n}: un aviso breve")
        for n in range(COUNT)
    ]


def test_killed_between_texts_none_is_lost(home):
    rng = random.Random(SEED)
    # A wire as slow as a real one's, so that every moment is one in the middle of something.
    home.modems["gsm0"].control.set(baud=57600)
    crier = world.Crier(home.modems["gsm0"].control, letters(), pause=0.05)
    crier.start()
    stored_then = []
    for kill in range(KILLS):
        wanted = COUNT * (kill + 1) // (KILLS + 2)
        assert until(lambda least=wanted: len(world.rows(home.config)) >= least, 60)
        time.sleep(rng.uniform(0, 0.3))
        home.gateway.kill()
        stored_then.append(len(world.rows(home.config)))
        home.gateway.start()
    assert stored_then[0] < COUNT  # or it was killed at its ease
    crier.join()
    assert crier.failure is None
    assert until(home.idle, 90), home.modems["gsm0"].control.state()
    assert home.gateway.stop() == 0
    tips = world.opened_tips(home.config)
    # Killed between the first and the last of a long text's deletions, its rest comes again.
    whole = Counter(tip.text for tip in tips if not tip.envelope["partial"])
    assert set(whole) == {text for _, text in letters()}
    assert len(tips) - COUNT <= KILLS
    assert home.stored("gsm0") == 0
    assert healthy(home)


def test_killed_in_a_call_what_was_spoken_until_then_opens(home, host):
    speech = sounds.babble(20.0, seed=5)
    with world.exchange(host, home.config) as exchange:
        call = exchange.call(
            "+526565383099", *world.LEAVE_A_TIP, sip.Speak(pcm=speech), sip.AwaitBye()
        )
        assert until(lambda: world.voice_rows(home.config), 60)
        time.sleep(SPEAKING)
        home.gateway.kill()
        report = call.result()
    assert report.answered
    assert sounds.heard(home.directory / "prompts" / "es", "cannot-take-now", report.heard)
    assert report.ended == "gateway"  # the line does not stay open with nobody at its other end
    (tip,) = world.opened_tips(home.config)
    assert tip.truncated
    assert tip.envelope["partial"]
    assert len(tip.pcm) >= 2 * CHUNK - 44 - 2
    # What is in front of the speech is the second in which the caller waits for the tone's end.
    assert sounds.likeness(speech[: 6 * 16000], tip.pcm) > 0.8
    assert healthy(home)
    home.gateway.start()
    assert home.gateway.page("/readyz")[0] == 200
    home.modems["gsm0"].control.receive("+526565383098", "y sigue tomando avisos")
    home.modems["gsm0"].control.wait_sent(1, 30)
    assert len(world.opened_tips(home.config)) == 2
    assert home.gateway.stop() == 0
