"""The changing parts of the dialplan, as text; a real Asterisk runs them in other tests."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.settings.trunks import DongleTrunk, Number, SipTrunk
from tipline_gw.voice import dialplan
from tipline_gw.voice.dialplan import APOLOGISING, FORGET, Line

SIP = SipTrunk(name="provider", kind="sip", host="192.0.2.1", max_calls=30, number="sierra")
STICK = DongleTrunk(name="stick", kind="dongle", imei="1" * 15)
CENTRO = Number(name="centro", dialled=["6561110000", "+526561110000"], languages=["en", "es"])
SIERRA = Number(name="sierra", dialled="tips")
LINE = Line(("es", "en"), (SIP, STICK), (CENTRO, SIERRA), "6561234567")


def contexts(text: str) -> dict[str, list[str]]:
    parts = re.split(r"^\[([^\]]+)\]\n", text, flags=re.MULTILINE)[1:]
    return {name: body.split("\n") for name, body in zip(parts[::2], parts[1::2], strict=True)}


def reached(context: list[str], dialled: str) -> list[str]:
    """The applications of one extension."""
    start = context.index(f"exten => {dialled},1,{FORGET}")
    rest = context[start + 1 :]
    stop = next((n for n, line in enumerate(rest) if not line.startswith(" same")), len(rest))
    return [line.removeprefix(" same => n,") for line in rest[:stop]]


def test_every_extension_of_every_context_forgets_first() -> None:
    for text in (dialplan.entries(LINE), dialplan.apologies(LINE)):
        firsts = [line for line in text.splitlines() if line.startswith("exten")]
        assert len(firsts) > 2
        for line in firsts:
            assert line.endswith(f",1,{FORGET}") or line == "exten => T,1,Hangup()"


def test_what_was_dialled_leads_to_its_number_by_every_trunk() -> None:
    made = contexts(dialplan.entries(LINE))
    for context, trunk in (("from-line", "line"), ("from-line-provider", "provider"),
                           ("from-line-stick", "stick")):  # fmt: skip
        for dialled, number in (("6561110000", "centro"), ("+526561110000", "centro"),
                                ("tips", "sierra")):  # fmt: skip
            assert reached(made[context], dialled) == [
                f"Set(TIPLINE_TRUNK={trunk})", f"Goto(number-{number},s,1)",
            ]  # fmt: skip


def test_anything_else_leads_to_the_trunks_own_number_or_to_none() -> None:
    made = contexts(dialplan.entries(LINE))
    for anything in ("s", "_X!", "_+X!", "_[A-Za-z]!"):
        assert reached(made["from-line-provider"], anything)[-1] == "Goto(number-sierra,s,1)"
        assert reached(made["from-line"], anything)[-1] == "Goto(any-number,s,1)"


def test_a_number_says_its_name_language_and_apology() -> None:
    made = contexts(dialplan.entries(LINE))
    assert reached(made["number-centro"], "s") == [
        "Set(TIPLINE_NUMBER=centro)", "Set(CHANNEL(language)=en_ZZ)",
        "Set(TIPLINE_APOLOGY=apology-centro)", "Goto(tip-line,s,1)",
    ]  # fmt: skip
    assert "Set(TIPLINE_NUMBER=)" in reached(made["any-number"], "s")


def test_what_a_stick_sends_that_is_no_call_is_hung_up() -> None:
    made = contexts(dialplan.entries(LINE))
    for what in ("sms", "ussd", "report"):
        assert reached(made["from-line-stick"], what) == ["Hangup()"]
        assert f"exten => {what},1,{FORGET}" not in made["from-line"]


def test_only_a_trunk_with_a_limit_that_its_wires_do_not_set_is_counted() -> None:
    text = dialplan.limits(LINE)
    assert f'"provider" & ${{GROUP_COUNT(provider@trunk)}} > {30 + APOLOGISING}' in text
    assert "stick" not in text
    assert dialplan.limits(Line(("es",), (STICK,))).startswith(";")


def test_the_gateway_is_told_a_number_only_where_there_are_numbers() -> None:
    assert dialplan.arguments(LINE) == "${TIPLINE_TRUNK},${TIPLINE_NUMBER}"
    assert dialplan.arguments(Line(("es",))) == "${TIPLINE_TRUNK}"


def test_the_apology_says_the_number_for_texts_digit_by_digit() -> None:
    said = dialplan.apology("6561234567").replace("tipline/", "").split("&")
    assert said[:2] == ["cannot-take-now", "send-a-text"]
    digits = [name.removeprefix("digit-") for name in said[2:]]
    assert " ".join("".join(d if len(d) == 1 else " " for d in digits).split()) == "656 123 4567"
    assert dialplan.apology(None) == "tipline/cannot-take-now"


def test_each_number_apologises_in_its_own_order() -> None:
    made = contexts(dialplan.apologies(LINE))
    for context, order in (("any-apology", ["es", "en"]), ("apology-centro", ["en", "es"]),
                           ("apology-sierra", ["es", "en"])):  # fmt: skip
        assert re.findall(r"language\)=(\w+)\)", "\n".join(made[context])) == order


@pytest.mark.parametrize(
    ("number", "groups"),
    [("123", "123"), ("1234", "1234"), ("12345", "123 45"), ("12345678", "123 456 78")],
)
def test_digits_are_said_in_groups(number: str, groups: str) -> None:
    said = [name.removeprefix("digit-") for name in dialplan.spoken(number)]
    assert "".join(d if len(d) == 1 else " " for d in said).strip() == groups


@given(st.text("0123456789", min_size=1, max_size=15))
def test_every_digit_is_said_once_in_its_order(number: str) -> None:
    said = [n.removeprefix("digit-") for n in dialplan.spoken(number) if n.startswith("digit-")]
    assert "".join(said) == number
