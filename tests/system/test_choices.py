"""What callers meet where the operator chose it: a key to press first, while others call; a voice
that is changed unless they want their own; an answer that was written, and is read aloud."""

import re
from types import SimpleNamespace

import pytest

from tests.system import hearing, sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.intake.case_answers import Reader
from tipline_gw.intake.codes import derive
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import open_engine

CHANGED, OWN = sounds.babble(4.0, seed=61), sounds.babble(3.5, seed=62)
ANSWER = "Fuimos a la calle. Ya no hay nadie."


@pytest.fixture(scope="module")
def calls(host, tmp_path_factory):
    changes = {"challenge_calls": "1", "disguise": '"default"'}
    with (
        world.home(tmp_path_factory.mktemp("choices"), {}, changes) as home,
        world.exchange(host, home.config) as exchange,
    ):
        prompts = home.directory / "prompts" / "es"

        def asked(heard: bytes) -> str:
            return sounds.digits_heard(prompts, heard)[-1]

        def wrong(heard: bytes) -> str:
            return str(int(asked(heard)) % 9 + 1)

        def code(report: sip.Report) -> str:
            return sounds.digits_heard(prompts, report.heard)[-12:]

        told = sip.Quiet(1.0)
        kept = (sip.Press("#"), sip.Hear(), sip.Press("1"), sip.Quiet(3.0), sip.HangUp())
        home.gateway.start()
        first = exchange.call(
            "+526565655001", *world.CHOOSE_SPANISH, sip.Hear(), sip.Press("1"), told,
            sip.Speak(pcm=CHANGED), *kept,
        )  # fmt: skip
        assert until(lambda: home.gateway.count("calls_now") == 1, 30)
        others = {
            "passes": exchange.call(
                "+526565655002", sip.Quiet(0.3), sip.Press(asked), sip.Hear(1.0), sip.Press("1"),
                sip.Hear(), sip.Press("3"), told, sip.Speak(pcm=OWN), *kept,
            ),
            "fails": exchange.call(
                "+526565655003", sip.Quiet(0.3), sip.Press(wrong), sip.Hear(2.5), sip.Quiet(0.3),
                sip.Press(wrong), sip.AwaitBye(),
            ),
        }  # fmt: skip
        reports = {name: call.result() for name, call in others.items()} | {"first": first.result()}
        assert until(lambda: home.gateway.count("calls_now") == 0, 20)
        answer(home, code(reports["passes"]))
        reports["asks"] = exchange.call(
            "+526565655004", *world.CHOOSE_SPANISH, sip.Hear(), sip.Press("2"), sip.Hear(),
            sip.Press(code(reports["passes"])), sip.Quiet(2.0), sip.HangUp(),
        ).result()  # fmt: skip
        metrics = home.gateway.page("/metrics")[1]
        stopped = home.gateway.stop()
        yield SimpleNamespace(
            reports=reports, metrics=metrics, stopped=stopped, complaints=exchange.complaints,
            said={name: hearing.names_said(prompts, each.heard) for name, each in reports.items()},
            tips={tip.envelope.get("disguised"): tip for tip in world.opened_tips(home.config)},
        )  # fmt: skip


def answer(home: world.Home, code: str) -> None:
    """What a reviewer writes."""
    engine = open_engine(re.search(r'(?m)^url = "([^"]*)"', home.config.read_text())[1])
    try:
        with engine.begin() as connection:
            found = derive(CaseCode(code), repo.code_salt(connection))
            case = repo.case_of(engine, found.hash)
            assert case is not None, code
            sealed = seal(Recipients((found.identity.recipient,)), ANSWER.encode())
            repo.put_answer(connection, case.tip, repo.Role.ANSWER_TEXT, *sealed)
    finally:
        engine.dispose()


def likeness(spoken: bytes, kept: bytes) -> float:
    """Sample by sample."""
    return float(sounds.found(sounds.samples(spoken), sounds.samples(kept)).max())


def test_who_presses_the_digit_that_was_said_goes_on_to_the_menu(calls):
    said = calls.said["passes"]
    assert said[0] == "challenge"
    assert {"language-es", "welcome", "your-code"} <= set(said), said
    assert calls.reports["passes"].ended == "caller"


def test_who_presses_another_twice_is_told_so_and_the_call_ends(calls):
    said = calls.said["fails"]
    assert [name for name in said if name.startswith("challenge")] == [
        "challenge", "challenge", "challenge-failed",
    ]  # fmt: skip
    assert calls.reports["fails"].ended == "gateway"


def test_nobody_is_asked_while_nobody_else_calls(calls):
    assert "challenge" not in calls.said["first"] + calls.said["asks"]
    assert "tipline_calls_challenged_total 2.0" in calls.metrics


def test_a_voice_is_changed_by_default_and_the_words_are_still_there(calls):
    tip = calls.tips[True]
    assert likeness(CHANGED, tip.pcm) < 0.5
    assert sounds.likeness(CHANGED, tip.pcm) > 0.6


def test_who_wants_their_own_voice_keeps_it(calls):
    assert likeness(OWN, calls.tips[None].pcm) > 0.95


def test_a_written_answer_is_read_aloud(calls):
    aloud = Reader([Catalogue.load("es")])(ANSWER, "es")
    assert likeness(aloud, calls.reports["asks"].heard) > 0.9
    assert "answer-follows" in calls.said["asks"]


def test_nobody_had_anything_to_complain_of(calls):
    assert calls.complaints == []
    assert calls.stopped == 0
