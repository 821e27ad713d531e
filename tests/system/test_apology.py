"""The gateway is away, or dies in the middle of a call: the caller hears it in words, with the
number that texts can be sent to; and when it is back, the next call goes through."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.system import sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until

TEXTS_TO = "6561234567"
ENGLISH = (sip.Hear(), sip.Press("2"), sip.Hear(1.5), sip.Press("1"), sip.Quiet(1.0))
MENU = (sip.Hear(5.0), sip.HangUp())
SPEECH = sounds.babble(30.0, seed=11)


def caller(which: int) -> str:
    return f"+5265644188{which:02}"


@pytest.fixture(scope="module")
def calls(tmp_path_factory, host):
    """What callers heard, one after the other, with the daemon and Asterisk dying in between."""
    directory = tmp_path_factory.mktemp("apology")
    with world.home(directory, {}) as home:
        text = home.config.read_text()
        home.config.write_text(text.replace("[line]", f'[line]\nsms_number = "{TEXTS_TO}"', 1))
        home.gateway.start()
        with world.exchange(host, home.config) as exchange:
            clean = check(home.config, exchange.directory)
            exchange.asterisk.console("logger add channel x verbose")
            leaking = check(home.config, exchange.directory)
            exchange.asterisk.console("logger remove channel x")
            speaking = exchange.call(caller(0), *ENGLISH, sip.Speak(pcm=SPEECH), sip.AwaitBye())
            assert until(lambda: world.voice_rows(home.config), 60)
            undecided = exchange.call(caller(4), sip.AwaitBye())
            assert until(lambda: home.gateway.count("calls_now") == 2, 60)
            time.sleep(2.0)
            home.gateway.kill()
            unanswered = exchange.call(caller(1), sip.AwaitBye())
            killed, away = speaking.result(), unanswered.result()
            undecided = undecided.result()
            home.gateway.start()
            back = exchange.call(caller(2), *MENU).result()
            exchange.asterisk.stop()
            exchange.asterisk.start()
            again = exchange.call(caller(3), *MENU).result()
        yield SimpleNamespace(
            clean=clean,
            leaking=leaking,
            killed=killed,
            away=away,
            undecided=undecided,
            back=back,
            again=again,
            prompts=home.directory / "prompts",
        )  # fmt: skip


def check(config, asterisk) -> subprocess.CompletedProcess:
    """As an operator calls it; the Asterisk that runs with that directory is asked as well."""
    words = ["--config", config, "check", "--asterisk", asterisk]
    return subprocess.run(
        [sys.executable, "-m", "tipline_gw", *words], capture_output=True, text=True
    )


def first(calls, language: str, name: str, report) -> int:
    """Where a prompt begins, in samples."""
    heard = sounds.heard(calls.prompts / language, name, report.heard)
    assert len(heard) == 1, (language, name, heard)
    return heard[0]


def test_killed_in_a_call_the_caller_hears_where_to_text_in_the_language_chosen(calls):
    assert calls.killed.ended == "gateway"
    sorry = first(calls, "en", "cannot-take-now", calls.killed)
    assert sorry < first(calls, "en", "send-a-text", calls.killed)
    assert sounds.digits_heard(calls.prompts / "en", calls.killed.heard) == TEXTS_TO
    assert sounds.heard(calls.prompts / "es", "cannot-take-now", calls.killed.heard) == []


@pytest.mark.parametrize("when", ["away", "undecided"])
def test_where_no_language_was_chosen_every_one_says_it_in_its_order(calls, when):
    """With no gateway at all, and with one that dies while it asks for the language."""
    report = getattr(calls, when)
    assert report.ended == "gateway"
    spanish, english = (first(calls, language, "send-a-text", report) for language in ("es", "en"))
    assert spanish < english
    for language in ("es", "en"):
        assert sounds.digits_heard(calls.prompts / language, report.heard) == TEXTS_TO
    assert len(report.heard) / 16000 < 45


@pytest.mark.parametrize("when", ["back", "again"])
def test_the_next_call_goes_through(calls, when):
    report = getattr(calls, when)
    assert report.ended == "caller"
    assert sounds.heard(calls.prompts / "es", "language-es", report.heard)


def test_check_asks_the_running_asterisk_by_itself(calls):
    assert calls.clean.returncode == 0, calls.clean.stdout
    assert "running Asterisk" not in calls.clean.stdout
    assert calls.leaking.returncode == 1
    assert "the running Asterisk (logger show channels): " in calls.leaking.stdout
    assert "takes VERBOSE" in calls.leaking.stdout
