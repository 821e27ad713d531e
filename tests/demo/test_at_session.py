"""The dialect without its port: order of speech, routing, and anything that can be typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_device import Device
from tipline_gw.demo.at_session import COMMANDS, MAX_INBOX, MAX_LINE, Session
from tipline_gw.demo.virtual_modes import Identity, Modes
from tipline_gw.demo.virtual_network import Network
from tipline_gw.demo.virtual_sim import Sim, Storage
from tipline_gw.demo.virtual_wire import Wire


class Bench:
    """A modem on the table, with a clock that is turned by hand."""

    def __init__(self, pin: str = "", **modes: object) -> None:
        self.time = 100.0
        chosen = Modes(echo=False)
        chosen.change(dict(modes))
        sim = Sim([Storage("SM", 3), Storage("ME", 5), Storage("SR", 2)], pin)
        self.device = Device(sim, Network(), chosen, Identity(), lambda: self.time)
        self.wire = Wire(chosen)
        self.session = Session(self.device, self.wire)

    def type(self, data: bytes) -> bytes:
        self.session.feed(data, self.time)
        return self.hear()

    def hear(self) -> bytes:
        self.session.step(self.time)
        said = b""
        while data := self.wire.due(self.time):
            said += bytes(data)
            self.wire.gone(len(data), self.time)
        return said

    def ask(self, command: str) -> list[str]:
        said = self.type(command.encode() + b"\r").decode()
        return [line for line in said.split("\r\n") if line]

    def post(self, text: str = "Hola", **fields: object) -> None:
        letter = tpdu.Letter("+5265611112222", text, **fields)  # type: ignore[arg-type]
        self.device.network.queue(self.device.network.post(letter))

    def used(self, name: str) -> int:
        return self.device.sim.storages[name].used


# -- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("AT", ["OK"]),
        ("at", ["OK"]),
        ("\x00\xffAT", ["OK"]),
        ("ATE0V1", ["OK"]),
        ("AT&F&D2S0=0X4", ["OK"]),
        ("AT+CMGF=0;+CMGF?", ["+CMGF: 0", "OK"]),
        ("AT+CMGF=9", ["ERROR"]),
        ("AT+CPIN?;+CMGF?", ["+CPIN: READY", "+CMGF: 0", "OK"]),
        ("AT+NOSUCH", ["ERROR"]),
        ("AT+CMGF?;+NOSUCH;+CMGF?", ["+CMGF: 0", "ERROR"]),
        ("AT+CLAC", ["ERROR"]),
        ('AT+CSCA="+1;2,3"', ["OK"]),
        ("hello", []),
        ("", []),
    ],
)
def test_a_line_is_answered(typed: str, answer: list[str]) -> None:
    assert Bench().ask(typed) == answer


def test_a_slash_repeats_the_last_line() -> None:
    bench = Bench()
    bench.ask("AT+CMGF?")
    assert bench.ask("A/") == ["+CMGF: 0", "OK"]


def test_echo_gives_back_what_is_typed_while_it_is_on() -> None:
    assert Bench(echo=True).type(b"ATE0\rAT\r") == b"ATE0\r\r\nOK\r\n\r\nOK\r\n"


def test_numeric_and_quiet_results() -> None:
    bench = Bench()
    assert bench.type(b"ATV0\r") == b"0\r"
    assert bench.type(b"AT+CMGF?\r") == b"+CMGF: 0\r\n0\r"
    assert bench.type(b"ATV1Q1\r") == b""


@pytest.mark.parametrize(
    ("cmee", "expected"),
    [(0, "ERROR"), (1, "+CME ERROR: 4"), (2, "+CME ERROR: operation not supported")],
)
def test_errors_are_told_as_cmee_says(cmee: int, expected: str) -> None:
    bench = Bench()
    bench.ask(f"AT+CMEE={cmee}")
    assert bench.ask("AT+NOSUCH") == [expected]


def test_clac_lists_the_commands_where_told_to() -> None:
    assert "AT+CMGS" in Bench(clac=True).ask("AT+CLAC")


def test_a_line_without_end_is_refused_and_forgotten() -> None:
    bench = Bench()
    assert bench.type(b"AT" + b"x" * (MAX_LINE + 10) + b"\r") == b"\r\nERROR\r\n"
    assert bench.ask("AT") == ["OK"]


def test_input_is_bounded() -> None:
    bench = Bench(delay_ms=1000)
    bench.type(b"AT\r" * MAX_INBOX)
    bench.time += 1
    assert bench.hear() == b"\r\nOK\r\n"


# -- PIN -----------------------------------------------------------------------------------------


def test_a_locked_sim_refuses_messages_until_its_pin_came() -> None:
    bench = Bench(pin="1234")
    bench.post()
    bench.ask("AT+CMEE=1")
    assert bench.ask("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert bench.ask("AT+CMGL=4") == ["+CMS ERROR: 311"]
    assert bench.ask("AT+CIMI") == ["+CME ERROR: 11"]
    assert bench.ask("AT+CREG?") == ["+CREG: 0,0", "OK"]
    assert bench.ask('AT+CPIN="1234"') == ["OK"]
    assert len(bench.ask("AT+CMGL=4")) == 3


def test_three_wrong_pins_want_the_puk() -> None:
    bench = Bench(pin="1234")
    bench.ask("AT+CMEE=1")
    assert [bench.ask("AT+CPIN=0000") for _ in range(3)] == [["+CME ERROR: 16"]] * 3
    assert bench.ask("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
    assert bench.ask("AT+CPIN=1234") == ["+CME ERROR: 12"]
    assert bench.ask('AT+CPIN="12345678","4321"') == ["OK"]
    assert bench.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]


# -- routing -------------------------------------------------------------------------------------


def test_without_cnmi_a_message_is_stored_in_silence() -> None:
    bench = Bench()
    bench.post()
    assert bench.hear() == b""
    assert bench.used("SM") == 1


def test_a_notice_waits_for_the_answer_before_it() -> None:
    bench = Bench(delay_ms=100)
    bench.device.registers["+CNMI"][:2] = [2, 1]
    bench.type(b"AT\r")
    bench.post()
    assert bench.hear() == b""
    bench.time += 0.2
    assert bench.hear() == b'\r\nOK\r\n\r\n+CMTI: "SM",1\r\n'


def test_no_notice_comes_between_prompt_and_body() -> None:
    bench = Bench()
    bench.ask("AT+CNMI=2,1")
    assert bench.type(b"AT+CMGS=10\r") == b"\r\n> "
    bench.post()
    assert bench.hear() == b""
    assert bench.type(b"\x1b") == b'\r\nOK\r\n\r\n+CMTI: "SM",1\r\n'


def test_a_faulty_modem_puts_its_notice_inside_the_answer() -> None:
    bench = Bench(interleave=True)
    bench.post()
    bench.hear()
    bench.ask("AT+CNMI=2,1")
    bench.post("Dos")
    assert bench.hear() == b""
    lines = bench.ask("AT+CMGL=4")
    assert lines[0].startswith("+CMGL: 1")
    assert lines[1] == '+CMTI: "SM",2'
    assert lines[-1] == "OK"


def test_a_faulty_modem_without_an_answer_to_spoil_tells_it_all_the_same() -> None:
    bench = Bench(interleave=True)
    bench.ask("AT+CNMI=2,1")
    bench.post()
    bench.hear()
    bench.time += 1
    assert bench.hear() == b'\r\n+CMTI: "SM",1\r\n'


def test_mode_0_keeps_notices_in_the_modem() -> None:
    bench = Bench()
    bench.ask("AT+CNMI=0,1")
    bench.post()
    assert bench.hear() == b""
    assert bench.ask("AT+CNMI=2,1") == ["OK", '+CMTI: "SM",1']


def test_a_lost_notice_leaves_the_message() -> None:
    bench = Bench(drop_notices=1)
    bench.ask("AT+CNMI=2,1")
    bench.post()
    assert bench.hear() == b""
    bench.post()
    assert bench.hear() == b'\r\n+CMTI: "SM",2\r\n'


def test_a_full_sim_leaves_the_rest_to_the_network_until_a_slot_is_free() -> None:
    bench = Bench()
    for _ in range(5):
        bench.post()
    bench.hear()
    assert (bench.used("SM"), len(bench.device.network.waiting)) == (3, 2)
    bench.ask("AT+CMGD=2")
    assert (bench.used("SM"), len(bench.device.network.waiting)) == (3, 1)
    bench.ask("AT+CMGD=1,4")
    assert (bench.used("SM"), len(bench.device.network.waiting)) == (1, 0)


def test_class_2_goes_to_the_sim_even_with_direct_delivery() -> None:
    bench = Bench()
    bench.ask("AT+CNMI=2,2")
    bench.post(sms_class=2)
    bench.hear()
    assert bench.used("SM") == 1


def test_direct_delivery_waits_for_each_acknowledgement() -> None:
    bench = Bench()
    assert bench.ask("AT+CSMS=1") == ["+CSMS: 1,1,1", "OK"]
    bench.post("Uno")
    bench.post("Dos")
    first = bench.ask("AT+CNMI=2,2")
    assert [line[:6] for line in first[:2]] == ["OK", "+CMT: "]
    assert len(first) == 3
    assert [line[:6] for line in bench.ask("AT+CNMA")[:2]] == ["OK", "+CMT: "]
    assert bench.ask("AT+CNMA=0") == ["OK"]
    assert bench.ask("AT+CNMA") == ["+CMS ERROR: 340"]
    assert bench.used("SM") == 0


def test_a_missed_acknowledgement_ends_direct_delivery_and_the_message_comes_again() -> None:
    bench = Bench(cnma_seconds=5)
    bench.ask("AT+CSMS=1;+CNMI=2,2,0,1,0")
    bench.post()
    assert b"+CMT:" in bench.hear()
    bench.time += 6
    assert bench.hear() == b""
    assert bench.ask("AT+CNMI?") == ["+CNMI: 2,0,0,0,0", "OK"]
    assert bench.used("SM") == 1


def test_without_csms_1_direct_delivery_wants_no_acknowledgement() -> None:
    bench = Bench()
    bench.ask("AT+CNMI=2,2")
    bench.post("Uno")
    bench.post("Dos")
    assert bench.hear().count(b"+CMT: ,") == 2


def test_text_mode_delivers_directly_as_text() -> None:
    bench = Bench()
    bench.ask("AT+CMGF=1;+CNMI=2,2")
    bench.post("Hola")
    assert bench.hear().decode().split("\r\n")[2] == "Hola"


# -- storages ------------------------------------------------------------------------------------


def test_cpms_in_every_form() -> None:
    bench = Bench()
    names = '("SM","ME","SR"),("SM","ME"),("SM","ME")'
    assert bench.ask("AT+CPMS=?") == [f"+CPMS: {names}", "OK"]
    assert bench.ask('AT+CPMS="ME","ME","ME"') == ["+CPMS: 0,5,0,5,0,5", "OK"]
    assert bench.ask('AT+CPMS="SR"') == ["+CPMS: 0,2,0,5,0,5", "OK"]
    assert bench.ask("AT+CPMS?") == ['+CPMS: "SR",0,2,"ME",0,5,"ME",0,5', "OK"]
    assert bench.ask('AT+CPMS="XX"') == ["+CMS ERROR: 303"]


def test_a_message_is_unread_until_it_was_listed() -> None:
    bench = Bench()
    bench.post()
    bench.hear()
    assert bench.ask("AT+CMGL=1") == ["OK"]
    assert bench.ask("AT+CMGL=0")[0].startswith("+CMGL: 1,0,,")
    assert bench.ask("AT+CMGL=0") == ["OK"]
    assert bench.ask("AT+CMGL=4")[0].startswith("+CMGL: 1,1,,")
    assert bench.ask("AT+CMGR=1")[0].startswith("+CMGR: 1,,")
    assert bench.ask("AT+CMGR=2") == ["+CMS ERROR: 321"]


def test_deletion_of_an_empty_slot_succeeds_and_of_no_slot_does_not() -> None:
    bench = Bench(fail_cmgd=[500])
    assert bench.ask("AT+CMGD=1") == ["+CMS ERROR: 500"]
    assert bench.ask("AT+CMGD=1") == ["OK"]
    assert bench.ask("AT+CMGD=4") == ["+CMS ERROR: 321"]


def test_deletion_by_flag_spares_what_is_unread() -> None:
    bench = Bench()
    bench.post()
    bench.hear()
    bench.ask("AT+CMGR=1")
    bench.post()
    bench.hear()
    bench.ask("AT+CMGD=1,1")
    assert bench.ask("AT+CMGD=?") == ["+CMGD: (2),(0-4)", "OK"]


# -- sending -------------------------------------------------------------------------------------

SUBMIT = "0011000A9165162222330000AA04C8373B0C"
LENGTH = len(SUBMIT) // 2 - 1


def test_a_sent_message_reaches_the_network() -> None:
    bench = Bench()
    bench.ask(f"AT+CMGS={LENGTH}")
    assert bench.type(SUBMIT.encode() + b"\x1a") == b"\r\n+CMGS: 1\r\n\r\nOK\r\n"
    (sent,) = bench.device.network.outbox.messages
    assert (sent.number, sent.text) == ("+5661222233", "Hola")


@pytest.mark.parametrize(
    ("length", "body"),
    [
        (LENGTH + 1, SUBMIT),
        (LENGTH, "zz"),
        (LENGTH, ""),
        (1, "0000"),
        (LENGTH, SUBMIT[:-2] + "0C0C"),
    ],
)
def test_a_body_of_another_length_than_was_said_is_refused(length: int, body: str) -> None:
    bench = Bench()
    bench.ask(f"AT+CMGS={length}")
    assert bench.type(body.encode() + b"\x1a") == b"\r\n+CMS ERROR: 304\r\n"
    assert bench.device.network.outbox.messages == []


def test_a_failure_asked_for_happens_once() -> None:
    bench = Bench(fail_cmgs=38)
    answers = []
    for _ in range(2):
        bench.ask(f"AT+CMGS={LENGTH}")
        answers.append(bench.type(SUBMIT.encode() + b"\x1a"))
    assert answers == [b"\r\n+CMS ERROR: 38\r\n", b"\r\n+CMGS: 1\r\n\r\nOK\r\n"]


def test_nothing_is_sent_without_a_network() -> None:
    bench = Bench(registration=3)
    bench.ask(f"AT+CMGS={LENGTH}")
    assert bench.type(SUBMIT.encode() + b"\x1a") == b"\r\n+CMS ERROR: 331\r\n"


def test_text_mode_sends_too() -> None:
    bench = Bench()
    bench.ask("AT+CMGF=1")
    bench.ask('AT+CMGS="+5265611112222"')
    bench.type(b"Hola\rmundo\x1a")
    assert bench.device.network.outbox.messages[0].text == "Hola\nmundo"


def test_a_stored_message_can_be_sent() -> None:
    bench = Bench()
    bench.ask(f"AT+CMGW={LENGTH}")
    assert bench.type(SUBMIT.encode() + b"\x1a") == b"\r\n+CMGW: 1\r\n\r\nOK\r\n"
    assert bench.ask("AT+CMSS=1") == ["+CMSS: 1", "OK"]


def test_a_report_that_was_asked_for_comes_later_into_its_own_storage() -> None:
    bench = Bench()
    bench.ask("AT+CNMI=2,1,0,2,0")
    wanted = SUBMIT.replace("0011", "0031", 1)
    bench.ask(f"AT+CMGS={LENGTH}")
    assert b"+CDSI" not in bench.type(wanted.encode() + b"\x1a")
    bench.time += 2
    assert bench.hear() == b'\r\n+CDSI: "SR",1\r\n'


# -- calls, USSD ---------------------------------------------------------------------------------


def test_a_call_rings_with_its_number_only_where_clip_says_so() -> None:
    bench = Bench()
    bench.device.ring("+5265611112222", 2, 3.0)
    assert bench.hear() == b"\r\nRING\r\n"
    bench.ask("AT+CLIP=1;+CRC=1")
    bench.time += 3
    assert bench.hear().startswith(b'\r\n+CRING: VOICE\r\n+CLIP: "+5265611112222",145,')
    bench.time += 3
    assert bench.hear() == b""
    bench.ask('AT+CPBS="MC"')
    assert "+5265611112222" in bench.ask("AT+CPBR=1,10")[0]
    bench.ask('AT^SPBD="MC"')
    assert bench.ask("AT+CPBR=1,10") == ["OK"]


def test_ussd_is_answered_after_the_ok() -> None:
    answer = Bench().ask('AT+CUSD=1,"*133#",15')
    assert answer == ["OK", '+CUSD: 0,"Saldo: 50.00 MXN",15']


# -- anything ------------------------------------------------------------------------------------

_ARGUMENT = st.one_of(
    st.integers(-2, 300).map(str),
    st.sampled_from(['"SM"', '"ME"', '"SR"', '"UCS2"', '"HEX"', '"00410"', '"+52"', "", '"']),
    st.text(max_size=8),
)
_COMMAND = st.builds(
    lambda name, form, values: f"{name}{form}{','.join(values) if form == '=' else ''}",
    st.sampled_from(sorted(COMMANDS)),
    st.sampled_from(["", "?", "=?", "="]),
    st.lists(_ARGUMENT, max_size=5),
)
_TYPED = st.one_of(
    _COMMAND.map(lambda command: f"AT{command}\r".encode("utf-8", "surrogatepass")),
    st.binary(max_size=30),
    st.sampled_from([b"\x1a", b"\x1b", b"\r", SUBMIT.encode() + b"\x1a", b"AT+CMGF=1\r"]),
)


@settings(max_examples=4000, deadline=None, database=None)
@given(st.lists(st.tuples(_TYPED, st.booleans()), max_size=12))
def test_whatever_is_typed_the_modem_answers_afterwards(typed: list[tuple[bytes, bool]]) -> None:
    bench = Bench()
    for data, message_comes in typed:
        bench.type(data)
        bench.time += 1
        if message_comes:
            bench.post("Hóla")
    bench.type(b"\r\x1b\rATE0V1Q0\r")
    assert bench.ask("AT")[0] == "OK"
