import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.errors import ModemSilentError
from tipline_gw.modems.identify import Identity
from tipline_gw.modems.probe import QUESTIONS, Answer, Probe
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.proposal import proposal

WHO = Identity("Acme", "X(1) LTE", "Acme X(1)", "1.0")

GOOD = {
    "AT+CMGF=?": "+CMGF: (0,1)",
    "AT+CPIN?": "+CPIN: READY",
    "AT+CPMS=?": '+CPMS: ("ME","MT","SM","SR"),("ME","SM"),("ME","SM")',
    "AT+CSMS=?": "+CSMS: (0,1)",
    "AT+CNMI=?": "+CNMI: (0-2),(0-3),(0,2,3),(0-2),(0,1)",
    "AT+CLIP?": "+CLIP: 0,1",
    "AT+CPBS=?": '+CPBS: ("SM","ON")',
}


def probed(answers, refused=()):
    """A probe that has asked a modem with these answers; to the rest it says OK alone."""

    def ask(command):
        if command in refused:
            return ["ERROR"]
        return ([answers[command]] if command in answers else []) + ["OK"]

    probe = Probe(ask)
    return probe, {finding.command: finding for finding in probe.findings()}


def profile_of(probe, **options):
    text = proposal(probe, WHO, **options)
    return Profile.model_validate({**tomllib.loads(text), "name": "acme/x1"})


def test_a_modem_that_can_is_proposed_for_direct_delivery():
    probe, findings = probed(GOOD)
    profile = profile_of(probe)
    assert probe.direct
    assert profile.sms.delivery == "direct"
    assert (profile.sms.csms, profile.sms.cnmi) == (1, "2,1,0,0,0")
    assert profile.sms.storages == ["SM", "ME", "SR"]
    assert profile.calls.list == "no list"
    assert profile.matches("Acme", "X(1) LTE")
    assert not profile.matches("Acme", "XX1 LTE")
    assert findings["AT+CNMI=?"].said == "mt 0, 1, 2, 3: direct too"


@pytest.mark.parametrize("lacking", ["AT+CSMS=?", "AT+CNMI=?", "AT+CNMA=?"])
def test_one_thing_lacking_and_delivery_is_stored(lacking):
    probe, findings = probed(GOOD, refused=(lacking,))
    assert not probe.direct
    assert profile_of(probe).sms.delivery == "stored"
    assert findings[lacking].good is not True


def test_values_that_the_modem_has_not_are_not_proposed():
    probe, _ = probed(GOOD | {"AT+CNMI=?": "+CNMI: (1),(0,1),(2),(0),(1)"})
    assert profile_of(probe).sms.cnmi == "1,1,2,0,1"


def test_call_lists_are_purgeable_only_where_a_command_for_all_is_known():
    lists = GOOD | {"AT+CPBS=?": '+CPBS: ("SM","MC","RC")'}
    probe, findings = probed(lists)
    assert profile_of(probe).calls.purge == ['AT^SPBD="MC"', 'AT^SPBD="RC"']
    assert findings["AT+CPBS=?"].said == "MC RC"
    probe, _ = probed(lists, refused=("AT^SPBD=?",))
    assert profile_of(probe).calls.purge == ['AT+WDCP="MC"', 'AT+WDCP="RC"']
    probe, _ = probed(lists, refused=("AT^SPBD=?", "AT+WDCP=?"))
    assert profile_of(probe).calls.list == "unsafe"
    probe, _ = probed(lists | {"AT+CPBS=?": '+CPBS: ("MC","DC")'})
    assert profile_of(probe).calls.list == "unsafe"


def test_a_reset_of_the_hardware_is_proposed_where_its_test_form_is_known():
    assert profile_of(probed(GOOD, refused=("AT+CRESET=?",))[0]).reset.power == "AT#ENHRST=1,0"
    neither = ("AT+CRESET=?", "AT#ENHRST=?")
    assert profile_of(probed(GOOD, refused=neither)[0]).reset.power is None


def test_the_usb_device_is_written_down():
    probe, _ = probed(GOOD)
    (usb,) = profile_of(probe, usb=("12d1:1001", 2)).usb
    assert (usb.id, usb.at_interface) == ("12d1:1001", 2)


def test_a_modem_that_says_nothing_of_itself_is_told_by_ati():
    probe, _ = probed(GOOD)
    text = proposal(probe, Identity("", "", "No Name 3G", ""))
    profile = Profile.model_validate({**tomllib.loads(text), "name": "no/name"})
    assert profile.matches("", "", "No Name 3G")
    assert not profile.matches("Acme", "X1", "Acme X1")


def test_questions_without_an_answer_are_findings_too():
    def ask(_command):
        raise ModemSilentError("no answer")

    probe = Probe(ask)
    findings = list(probe.findings())
    assert len(findings) == len(QUESTIONS)
    assert {finding.said for finding in findings} >= {"no answer"}
    assert profile_of(probe).sms.storages == ["SM"]


def test_only_the_echo_is_set_and_nothing_is_sent_or_reset():
    asked = []

    def ask(command):
        asked.append(command)
        return ["OK"]

    list(Probe(ask).findings())
    plain = [command for command in asked if not command.endswith("?")]
    assert plain == ["ATE0", "AT+CSQ"]


def test_a_profile_that_asks_for_more_than_there_is_is_told_so():
    probe, _ = probed(
        GOOD
        | {
            "AT+CPMS=?": '+CPMS: ("SM"),("SM"),("SM")',
            "AT+CNMI=?": "+CNMI: (0-1),(0-1),(0),(0),(0)",
        }
    )
    wanted = profile_of(probed(GOOD)[0])
    told = " / ".join(probe.disagreements(wanted))
    assert "ME SR, which the modem lacks" in told
    assert "direct delivery" in told
    assert "2 as value 1" in told
    assert probed(GOOD)[0].disagreements(wanted) == []


@given(st.lists(st.text(max_size=60), min_size=len(QUESTIONS), max_size=len(QUESTIONS)), st.data())
def test_whatever_a_modem_answers_the_proposed_profile_loads(texts, data):
    commands = [command for _title, command, _read in QUESTIONS]
    answers = dict(zip(commands, texts, strict=True))
    errors = data.draw(st.sets(st.sampled_from(commands)))
    said = st.text(st.characters(codec="ascii"), max_size=30)
    who = Identity(*(data.draw(said) for _ in range(4)))
    probe, _ = probed(answers, refused=errors)
    text = proposal(probe, who)
    profile = Profile.model_validate({**tomllib.loads(text), "name": "a/b"})
    assert profile.matches(who.manufacturer, who.model, who.information)


@given(st.from_regex(r"\A(\(\d{0,3}(-\d{0,3})?(,\d{1,3}){0,4}\),?){0,6}\Z"))
def test_spans_are_values(said):
    for group in Answer(said).groups():
        assert all(value >= 0 for value in group)
        assert len(group) <= 5 * 256
