"""SIP callers walk the dialog through a real Asterisk against the running daemon, many at once.

What each heard is told by the sounds themselves: the prompts that the line played, in order, also
those that a key cut short.
"""

import io
import re
import wave
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from tests.system import hearing, sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import until
from tipline_gw.domain import case_code
from tipline_gw.domain.tip import State
from tipline_gw.intake.codes import derive
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import open_engine
from tipline_gw.store.tables import tip
from tipline_gw.voice import warning

LONGEST = 20
FIRST, MORE, THEN, LONG, ADDED, CHANGED = range(6)
SPEECH = {which: sounds.babble(3.0 + which / 8, seed=50 + which) for which in range(6)}
ANSWER = sounds.babble(4.0, seed=77)

LISTEN = sip.Hear(1.0)
"""Long enough to know a prompt by."""
PLAYED_OUT = sip.Quiet(1.0)
ALONE = sip.Wait(1.5)
"""A caller who says nothing."""


def press(*keys: str) -> tuple[sip.Step, ...]:
    """Each after a second of what the line says then."""
    return tuple(step for key in keys for step in (LISTEN, sip.Press(key)))


def say(which: int) -> tuple[sip.Step, ...]:
    """After the tone, until the hash."""
    return (PLAYED_OUT, sip.Speak(pcm=SPEECH[which]), sip.Press("#"))


SILENT = (PLAYED_OUT, ALONE, sip.Press("#"))


def mistyped() -> str:
    code = case_code.draw()
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def scripts() -> dict[str, tuple[sip.Step, ...]]:
    """The first keys are a burst, ahead of what they answer; a hash after a key is out of habit."""
    unknown = case_code.draw
    return {
        "around": (
            *press("1#", "9", "0", "8", "*", "0", "*", "0"), sip.Quiet(1.0, within=120),
            sip.Press("2"), LISTEN, sip.HangUp(),
        ),
        "nothing": (
            *press("11#"), *SILENT, *SILENT, *press("1"), *SILENT, *SILENT, *press("0", "*"),
            LISTEN, sip.HangUp(),
        ),
        "thoughts": (
            *press("11"), *say(FIRST), *press("2#", "0", "*"), sip.Hear(0.5),
            sip.Press("*"), *press("3"), *SILENT, *SILENT, *press("8", "1#", "1"),
            sip.Quiet(2.0, within=120), sip.Press("1"), *press("0", "*"), LISTEN, sip.HangUp(),
        ),
        "more": (
            *press("11"), *say(MORE), *press("4"), PLAYED_OUT, sip.Speak(pcm=SPEECH[THEN]),
            sip.Press("#1"), sip.Quiet(2.0, within=120), sip.HangUp(),
        ),
        "limit": (*press("11"), PLAYED_OUT, sip.Speak(pcm=SPEECH[LONG] * 8), LISTEN, sip.HangUp()),
        "changed": (*press("13"), *say(CHANGED), LISTEN, sip.HangUp()),
        "wrong": (
            *press("1", "2", mistyped()), sip.Quiet(0.3), *press("12#", "12*", "0#", unknown()),
            *press("*", "2", unknown(), "*"), *press("2", unknown()), sip.AwaitBye(),
        ),
    }  # fmt: skip


HELD_UP = {"a wrong key": (*press("0", "0"), sip.AwaitBye()), "no key": (sip.AwaitBye(),)}


def asks(code: str) -> tuple[sip.Step, ...]:
    """Hears its case and the answer to it, adds to it, hears it again."""
    return (
        *press(f"12{code}#"), sip.Quiet(2.0), sip.Press("2#"),
        *say(ADDED), *press("2"), PLAYED_OUT, sip.Press("1"),
        LISTEN, sip.Press("1"), *press("7", "0", "1", "*"), LISTEN, sip.HangUp(),
    )  # fmt: skip


def asks_of_closed(code: str) -> tuple[sip.Step, ...]:
    return (*press(f"12{code}"), PLAYED_OUT, sip.Press("2"), LISTEN, *press("3"), sip.AwaitBye())


@pytest.fixture(scope="module")
def calls(host, tmp_path_factory):
    directory = tmp_path_factory.mktemp("dialog")
    changes = {"max_recording_seconds": str(LONGEST), "challenge_calls": str(len(scripts()))}
    with world.home(directory, {}, changes) as home:
        home.gateway.start()
        with world.exchange(host, home.config) as exchange:
            prompts = home.directory / "prompts"
            heard = _all_at_once(exchange, home.gateway, scripts())
            codes = {
                name: sounds.digits_heard(prompts / "es", heard[name].heard)
                for name in ("thoughts", "more")
            }
            _answer(home.config, codes)
            late = {
                "asks": exchange.call(number(20), *asks(codes["thoughts"][:12])),
                "closed": exchange.call(number(21), *asks_of_closed(codes["more"][:12])),
            }
            heard |= {name: future.result() for name, future in late.items()}
            until(lambda: home.gateway.count("calls_now") == 0, 20)
            counted = events(home.gateway.page("/metrics")[1])
            complaints = exchange.complaints
        stopped = home.gateway.stop()
        yield SimpleNamespace(
            reports=heard, codes=codes, counted=counted, complaints=complaints, stopped=stopped,
            said={name: said(prompts, report.heard) for name, report in heard.items()},
            prompts=prompts / "es", tips=world.opened_tips(home.config),
            log=home.gateway.log.read_text(),
        )  # fmt: skip


def _all_at_once(exchange, gateway, wanted) -> dict[str, sip.Report]:
    under_way = {
        name: exchange.call(number(at), *steps) for at, (name, steps) in enumerate(wanted.items())
    }
    assert until(lambda: gateway.count("calls_now") == len(wanted), 30)
    under_way |= {
        name: exchange.call(number(10 + at), *steps)
        for at, (name, steps) in enumerate(HELD_UP.items())
    }
    return {name: future.result() for name, future in under_way.items()}


def number(which: int) -> str:
    return f"+5265644188{which:02}"


def said(prompts, pcm: bytes) -> list[str]:
    """In both languages, by time; those of the second with its code in front."""
    told = [(each.at, each.name) for each in hearing.said(prompts / "es", pcm)]
    spanish = {name for _, name in told}
    told += [
        (each.at, f"en:{each.name}")
        for each in hearing.said(prompts / "en", pcm)
        if each.name not in ("tone", "pause") and f"language-{each.name}" not in spanish
    ]
    return [name for _, name in sorted(told)]


def events(page: str) -> dict[str, int]:
    found = re.findall(r'(?m)^tipline_call_events_total\{what="([^"]*)"\} (\S+)$', page)
    return {what: int(float(count)) for what, count in found}


def _answer(config, codes) -> None:
    """What reviewers do: one case is answered, the other closed."""
    url = re.search(r'(?m)^url = "([^"]*)"', config.read_text())[1]
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            salt = repo.code_salt(connection)
            answered, closed = (
                derive(case_code.CaseCode(code[:12]), salt) for code in codes.values()
            )
            case = repo.case_of(engine, answered.hash)
            assert case is not None, codes
            sealed_ = seal(Recipients((answered.identity.recipient,)), wav(ANSWER))
            repo.put_answer(connection, case.tip, repo.Role.ANSWER_SOUND, *sealed_)
            states = update(tip).where(tip.c.code_hash == closed.hash)
            connection.execute(states.values(state=State.CLOSED_DUPLICATE))
            ours = update(tip).where(tip.c.code_hash == answered.hash)
            connection.execute(ours.values(state=State.UNDER_REVIEW))
    finally:
        engine.dispose()


def wav(pcm: bytes) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sounds.RATE)
        file.writeframes(pcm)
    return out.getvalue()


def in_order(wanted: list[str], heard: list[str]) -> bool:
    rest = iter(heard)
    return all(name in rest for name in wanted)


def heard(calls, name: str, *wanted: str) -> None:
    assert in_order(list(wanted), calls.said[name]), f"{wanted}\n{calls.said[name]}"


def test_every_call_went_through_its_steps(calls):
    ended = {name: report.ended for name, report in calls.reports.items()}
    by_gateway = {"wrong", "closed", *HELD_UP}
    assert {name for name, end in ended.items() if end == "gateway"} == by_gateway, ended
    assert set(ended.values()) == {"gateway", "caller"}, ended


def test_keys_typed_ahead_and_the_ways_round_the_main_menu(calls):
    heard(
        calls, "around", "language-es", "welcome", "welcome", "advice", "menu-main-help",
        "language-es", "advice", "language-es", "advice", "en:advice", "language-es", "en:welcome",
    )  # fmt: skip


def test_a_recording_of_silence_is_asked_for_once_more_counted_and_not_stored(calls):
    heard(
        calls, "nothing", "tone", "nothing-heard", "tone", "nothing-recorded", "tone",
        "nothing-heard", "tone", "nothing-recorded", "advice", "menu-main",
    )  # fmt: skip
    assert calls.counted["silent-recording"] == 6


def test_second_thoughts_lose_nothing_and_the_code_is_said_as_often_as_asked_for(calls):
    heard(
        calls, "thoughts", "tone", "menu-review", "advice", "menu-review", "tone", "nothing-heard",
        "tone", "nothing-new", "menu-review", "your-code", "code-repeat", "code-again",
        "code-repeat", "advice", "menu-main",
    )  # fmt: skip
    code = calls.codes["thoughts"]
    assert case_code.parse(code[:12])
    assert code[12:24] == code[:12]
    assert kept(calls, FIRST)


def test_the_code_is_said_at_a_pace_to_write_it_down(calls):
    report = calls.reports["more"].heard
    code = calls.codes["more"][:12]
    digits = [f"digit-{digit}" for digit in code]
    told = [each for each in hearing.said(calls.prompts, report) if each.name in digits][:12]
    steps = [after.at - before.at for before, after in pairwise(told)]
    inside = [step for at, step in enumerate(steps, 1) if at % case_code.GROUP]
    between = [
        after.at - before.at - before.seconds
        for at, (before, after) in enumerate(pairwise(told), 1)
        if at % case_code.GROUP == 0
    ]
    assert 0.8 <= sum(inside) / len(inside) <= 1.1
    assert all(pause > 1.3 for pause in between), between


def test_what_was_added_follows_and_a_key_right_after_the_hash_keeps_it(calls):
    (pcm,) = {kept(calls, which).pcm for which in (MORE, THEN)}
    assert sounds.place(SPEECH[MORE], pcm) < sounds.place(SPEECH[THEN], pcm)
    heard(
        calls, "more", "menu-review", "tone", "your-code", "code-repeat", "code-care", "code-again"
    )
    assert "menu-review" not in calls.said["more"][calls.said["more"].index("your-code") :]


def test_a_tone_is_heard_before_the_time_is_over_and_is_not_recorded(calls):
    told = calls.reports["limit"].heard
    tone = warning.tone()
    assert sounds.found(sounds.samples(tone), sounds.samples(told)).max() > 0.9
    tip = kept(calls, LONG)
    assert LONGEST - 1 < len(tip.pcm) / 16000 <= LONGEST
    assert sounds.found(sounds.samples(tone), sounds.samples(tip.pcm)).max() < 0.5
    heard(calls, "limit", "tone", "limit-reached")


def test_a_changed_voice_is_told_of_and_its_envelope_is_that_of_the_speech(calls):
    heard(calls, "changed", "voice-will-change", "tone", "voice-changed")
    assert calls.counted["disguised"] == 1


def test_wrong_codes_of_every_kind_are_told_apart_and_five_end_the_call(calls):
    heard(
        calls, "wrong", "enter-code", "code-mistyped", "code-mistyped", "enter-code", "advice",
        "code-unknown", "menu-main", "enter-code", "code-unknown", "menu-main", "enter-code",
        "code-unknown", "too-many-tries", "goodbye",
    )  # fmt: skip
    assert calls.counted["code-wrong"] == 5
    assert calls.counted["too-many-tries"] == 1


def test_under_load_a_key_is_asked_for_twice_in_each_language(calls):
    heard(calls, "a wrong key", "challenge", "challenge", "challenge-failed", "en:challenge-failed")
    heard(
        calls, "no key", "challenge", "en:challenge", "challenge", "en:challenge",
        "challenge-failed", "en:challenge-failed",
    )  # fmt: skip
    assert calls.counted["challenge-failed"] == 2


def test_a_code_typed_ahead_tells_state_and_answer_and_takes_an_addition(calls):
    heard(
        calls, "asks", "state-under-review", "answer-follows", "menu-case", "menu-case-add",
        "menu-case-back", "tone", "menu-review", "addition-kept", "state-under-review", "menu-case",
        "advice", "state-under-review", "menu-main",
    )  # fmt: skip
    assert sounds.likeness(ANSWER, calls.reports["asks"].heard) > 0.8
    assert kept(calls, ADDED).envelope["adds_to"]
    assert calls.counted["addition"] == 1


def test_nothing_can_be_added_to_a_closed_case_and_silence_says_goodbye(calls):
    heard(calls, "closed", "state-closed-duplicate", "menu-case", "menu-case", "goodbye")
    assert "menu-case-add" not in calls.said["closed"]
    assert "tone" not in calls.said["closed"]


def test_five_tips_were_stored_and_nothing_else(calls):
    assert len(calls.tips) == 5
    assert [tip.envelope.get("adds_to") is not None for tip in calls.tips].count(True) == 1


def kept(calls, which: int) -> world.Tip:
    """The tip that sounds like what was spoken."""
    tip = max(calls.tips, key=lambda tip: sounds.likeness(SPEECH[which], tip.pcm))
    assert sounds.likeness(SPEECH[which], tip.pcm) > 0.8
    return tip


def test_nobody_had_anything_to_complain_of(calls):
    assert calls.complaints == []
    assert calls.stopped == 0
    assert '"level":"error"' not in calls.log.replace(" ", "")
