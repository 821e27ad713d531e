"""Real SIP calls through a real Asterisk into the real daemon: what is spoken is kept, what is
kept can be asked for, and no caller is stuck. Opened by the stock age."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.system import sounds, world
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.stage import opened, tipline, until
from tipline_gw.domain import case_code
from tipline_gw.domain.wav import HEADER_OCTETS

LONGEST = 20
KEY, HANG_UP, AGAIN_1, AGAIN_2, MORE_1, MORE_2, REVIEW, SILENT, LIMIT = range(9)
SPEECH = {which: sounds.babble(4.0 + which / 8, seed=which) for which in range(9)}


def number(which: int) -> str:
    return f"+5265644102{which:02}"


def wrong_codes() -> list[str]:
    """One that is mistyped, and four that nobody was given."""
    mistyped = case_code.draw()
    return [
        mistyped[:-1] + str((int(mistyped[-1]) + 1) % 10),
        *(case_code.draw() for _ in range(4)),
    ]


def speak(which: int) -> sip.Speak:
    return sip.Speak(pcm=SPEECH[which])


def scripts() -> dict[str, tuple[sip.Step, ...]]:
    leave, menu = world.LEAVE_A_TIP, sip.Hear()
    asked = [step for code in wrong_codes() for step in (menu, sip.Press(code))]
    return {
        "key": (
            *leave, speak(KEY), sip.Press("#"), menu, sip.Press("1"), sip.Quiet(2.0), sip.HangUp(),
        ),
        "hang-up": (*leave, speak(HANG_UP), sip.HangUp()),
        "again": (
            *leave, speak(AGAIN_1), sip.Press("#"), menu, sip.Press("3"), sip.Quiet(1.0),
            speak(AGAIN_2), sip.Press("#"), menu, sip.Press("1"), menu, sip.HangUp(),
        ),
        "more": (
            *leave, speak(MORE_1), sip.Press("#"), menu, sip.Press("4"), sip.Quiet(1.0),
            speak(MORE_2), sip.Press("#"), menu, sip.Press("1"), menu, sip.HangUp(),
        ),
        "review": (*leave, speak(REVIEW), sip.Press("#"), menu, sip.HangUp()),
        "limit": (
            *leave, sip.Speak(pcm=SPEECH[LIMIT] * 6), sip.Quiet(2.0), sip.HangUp(),
        ),
        # The menus wait four seconds for a key; only the tone is followed by a longer silence.
        "silent": (sip.Quiet(5.5, within=120), speak(SILENT), sip.Wait(0.2), sip.HangUp()),
        "wrong-codes": (*world.CHOOSE_SPANISH, menu, sip.Press("2"), *asked, sip.AwaitBye()),
    }  # fmt: skip


@pytest.fixture(scope="module")
def calls(host, tmp_path_factory):
    """All calls at once; then, one after the other, those that ask for what they left."""
    directory = tmp_path_factory.mktemp("calls")
    changes = {"max_recording_seconds": str(LONGEST)}
    with world.home(directory, {"gsm0": ()}, changes) as home:
        home.gateway.start()
        home.modems["gsm0"].control.receive(number(50), "Hay un coche sin placas en la esquina")
        texted = world.code_in(home.modems["gsm0"].control.wait_sent(1, 30)[0]["text"])
        with world.exchange(host, home.config) as exchange:
            prompts = home.directory / "prompts" / "es"
            under_way = {
                name: exchange.call(number(at), *steps)
                for at, (name, steps) in enumerate(scripts().items())
            }
            asking = exchange.call(number(60), *ask_for(texted))
            spoken = sounds.digits_heard(prompts, under_way["key"].result().heard)
            asked_spoken = exchange.call(number(61), *ask_for(spoken[:12]))
            reports = {name: future.result() for name, future in under_way.items()}
            asked = {"texted": asking.result(), "spoken": asked_spoken.result()}
            until(lambda: home.gateway.count("calls_now") == 0, 20)
            complaints = exchange.complaints
            booted_with = exchange.booted_with
        stopped = home.gateway.stop()
        yield SimpleNamespace(
            reports=reports, asked=asked, spoken=spoken, prompts=prompts, complaints=complaints,
            booted_with=booted_with, stopped=stopped, log=home.gateway.log.read_text(),
            recordings=recordings(host, home.config), tips=world.opened_tips(home.config),
            rows=world.voice_rows(home.config),
        )  # fmt: skip


def ask_for(code: str) -> tuple[sip.Step, ...]:
    return (
        *world.CHOOSE_SPANISH,
        sip.Hear(), sip.Press("2"),
        sip.Hear(), sip.Press(code),
        sip.Quiet(1.5), sip.HangUp(),
    )  # fmt: skip


def recordings(host, config: Path) -> list[bytes]:
    """By the stock age, in the root where it stands."""
    with host.workspace() as folder:
        tipline(config, "tips", "export", folder / "out")
        key = folder / "key"
        key.write_bytes((config.parent / "reviewer.key").read_bytes())
        files = sorted((folder / "out").glob("*.wav.age"))
        inside = [Path(host.inside(file)) for file in files]
        plain = opened(inside, Path(host.inside(key)), host.command("age"))
    assert len(plain) == len(files)
    return [pcm[HEADER_OCTETS:].rstrip(b"\0") for pcm in plain.values()]


def kept(calls, which: int) -> bytes:
    """The recording that sounds like what was spoken."""
    return max(calls.recordings, key=lambda pcm: sounds.likeness(SPEECH[which], pcm))


def test_the_comparison_tells_one_speech_from_another():
    for one in SPEECH:
        for other in SPEECH:
            alike = sounds.likeness(SPEECH[one], bytes(16000) + SPEECH[other])
            assert alike > 0.99 if one == other else alike < 0.7, (one, other)


def test_every_call_was_answered_and_ended_as_it_should(calls):
    ended = {name: report.ended for name, report in calls.reports.items()}
    assert ended.pop("wrong-codes") == "gateway"
    assert set(ended.values()) == {"caller"}, ended
    done = {name: report.done for name, report in calls.reports.items()}
    expected = {name: len(steps) for name, steps in scripts().items()}
    # The step in which a call ends is not counted as done.
    assert {name: expected[name] - done[name] for name in done} == dict.fromkeys(done, 1)


@pytest.mark.parametrize("which", [KEY, HANG_UP, AGAIN_2, MORE_1, MORE_2, REVIEW, SILENT, LIMIT])
def test_what_was_spoken_comes_out_of_the_stock_age(calls, which):
    assert sounds.likeness(SPEECH[which], kept(calls, which)) > 0.8


def test_each_caller_left_one_tip_and_the_one_who_only_asked_none(calls):
    assert len(calls.recordings) == len(calls.rows) == 7
    assert all(row.whole for row in calls.rows)


def test_recorded_again_the_first_recording_is_gone(calls):
    assert all(sounds.likeness(SPEECH[AGAIN_1], pcm) < 0.8 for pcm in calls.recordings)


def test_what_was_added_follows_what_was_there(calls):
    pcm = kept(calls, MORE_1)
    assert pcm is kept(calls, MORE_2)
    assert sounds.place(SPEECH[MORE_1], pcm) < sounds.place(SPEECH[MORE_2], pcm)


def test_the_longest_time_ends_a_recording_and_keeps_it(calls):
    seconds = len(kept(calls, LIMIT)) / 16000
    assert LONGEST - 1 < seconds <= LONGEST
    assert sounds.heard(calls.prompts, "limit-reached", calls.reports["limit"].heard)


def test_no_tip_is_marked_partial_because_its_caller_hung_up(calls):
    spoken = [tip for tip in calls.tips if tip.pcm]
    assert len(spoken) == 7
    assert not any(tip.envelope["partial"] or tip.truncated for tip in spoken)
    for tip in spoken:
        # The quiet that confirms a hash is recorded; what of it is digital silence at the very
        # end is taken off with the padding.
        assert -0.1 < tip.envelope["seconds"] - len(tip.pcm) / 16000 < 1.3
        assert tip.envelope["language"] == "es"


def test_the_code_said_at_the_end_is_a_code_and_leads_to_the_case(calls):
    assert case_code.parse(calls.spoken[:12]) is not None, calls.spoken
    assert sounds.heard(calls.prompts, "state-received", calls.asked["spoken"].heard)


def test_the_code_of_a_text_can_be_asked_for_by_telephone(calls):
    assert sounds.heard(calls.prompts, "state-received", calls.asked["texted"].heard)


def test_five_wrong_codes_end_the_call(calls):
    heard = calls.reports["wrong-codes"].heard
    assert sounds.heard(calls.prompts, "too-many-tries", heard)
    assert not sounds.heard(calls.prompts, "state-received", heard)


def test_asterisk_had_nothing_to_complain_of(calls):
    assert calls.booted_with == []
    assert calls.complaints == []


def test_the_daemon_had_nothing_to_complain_of_and_ended_on_sigterm(calls):
    assert calls.stopped == 0
    assert '"level":"error"' not in calls.log.replace(" ", "")


def test_stock_age_is_new_enough_for_hybrid_keys(host):
    done = subprocess.run(host.command("age", "--version"), capture_output=True, text=True)
    major, minor = map(int, done.stdout.strip().lstrip("v").split(".")[:2])
    assert (major, minor) >= (1, 3)
