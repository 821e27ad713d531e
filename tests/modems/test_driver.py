"""One modem's verbs and errors: the driver at virtual modems, with the real boundary between."""

import queue
import threading
import time

import pytest

from tests.boundary.scripted_modem import ScriptedModem
from tests.modems.golden import dialect_file
from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import until
from tipline_gw.domain.sms import Part, Pushed, Ringing, Slot, Stored
from tipline_gw.errors import ConfigError, ModemError, ModemSilentError
from tipline_gw.modems import identify, profiles
from tipline_gw.modems.driver import Driver

SENDER = "+526561234567"
GENERIC = profiles.load(profiles.GENERIC)
SOUND = {
    b"AT+CPIN?": b"\r\n+CPIN: READY\r\n\r\nOK\r\n",
    b"AT+CFUN?": b"\r\n+CFUN: 1\r\n\r\nOK\r\n",
}


def with_sms(**fields):
    """The generic profile with other values in its [sms] table."""
    return GENERIC.model_copy(update={"sms": GENERIC.sms.model_copy(update=fields)})


class Desk:
    """A virtual modem, its control, and drivers for it."""

    def __init__(self, directory):
        self.link = directory / "gsm"
        self.vault = Vault(600)
        self.notices = queue.Queue()
        self.gone = threading.Event()
        self.modem = None
        self.drivers = []
        self._directory = directory

    def plug(self, *options, dialect=""):
        if dialect:
            file = self._directory / "dialect.toml"
            file.write_text(dialect)
            options = (*options, "--dialect", str(file))
        self.modem = VirtualModem(self.link, self._directory / "control", *options).start()
        return self.modem.control

    def port(self, pin=None):
        return BoundaryPort(str(self.link), self.vault, on_notice=self.notices.put, pin=pin)

    def driver(self, profile=GENERIC, *, pin=None):
        driver = Driver(lambda: self.port(pin), profile, self.gone.set)
        self.drivers.append(driver)
        return driver

    def started(self, profile=GENERIC):
        driver = self.driver(profile)
        driver.start(has_pin=False)
        driver.arm()
        return driver

    def notice(self):
        return self.notices.get(timeout=10)

    def close(self):
        for driver in self.drivers:
            driver.stop()
        if self.modem:
            self.modem.stop()


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def scripted(tmp_path):
    """A modem that answers by a script, and a driver for it."""
    opened = []

    def make(script, pin=None):
        modem = ScriptedModem({**SOUND, **script})
        driver = Driver(
            lambda: BoundaryPort(modem.device, Vault(600), on_notice=lambda _: None, pin=pin),
            GENERIC,
        )
        opened.append((modem, driver))
        return modem, driver

    yield make
    for modem, driver in opened:
        driver.stop()
        modem.unplug()


# -- its start -------------------------------------------------------------------------------------


def test_the_library_is_not_let_choose_storages_or_ask_for_reports_or_callers(desk):
    control = desk.plug()
    desk.driver().start(has_pin=False)
    given = control.transcript()
    assert not [line for line in given if line.startswith("AT+CNMI")]
    assert next(line for line in given if "CPMS" in line) == 'AT+CPMS="SM","SM","SM"'
    assert "AT+CLIP=0" in given
    assert "AT+CLIP=1" not in given
    assert not [line for line in given if "ZPAS" in line or "DDET" in line or "CLAC" in line]


def test_storages_that_it_has_not_are_left_out(desk):
    desk.plug("--storages", "SM=20,SR=5")
    driver = desk.started()
    assert driver.storages == ("SM", "SR")
    assert driver.slots() == {"SM": (0, 20), "SR": (0, 5)}


def test_without_its_first_storage_it_does_not_start(desk):
    desk.plug("--storages", "ME=20")
    with pytest.raises(ModemError, match=r"not ready: an error is the answer to AT\+CPMS"):
        desk.driver().start(has_pin=False)


@pytest.mark.parametrize(
    ("refused", "chosen"),
    [(('"SM","SM","SM"',), '"ME","SM"'), (('"SM","SM","SM"', '"SM","SM"'), '"ME"')],
)
def test_a_modem_that_knows_fewer_members_of_cpms_is_asked_with_fewer(desk, refused, chosen):
    answers = "".join(f"'AT+CPMS={line}' = \"+CMS ERROR: 302\"\n" for line in refused)
    control = desk.plug(dialect=f"[at.answers]\n{answers}")
    driver = desk.started()
    assert driver.storages == ("SM", "ME", "SR")
    assert f"AT+CPMS={chosen}" in control.transcript()


def test_what_comes_is_received_into_the_first_storage_whichever_is_swept(desk):
    control = desk.plug()
    driver = desk.started()
    assert driver.listed("ME") == []
    control.receive(SENDER, "Hola")
    assert desk.notice() == Stored(Slot("SM", 1))


def test_a_sim_that_is_busy_is_waited_for(scripted):
    answers = iter([b"\r\n+CME ERROR: 14\r\n", b"\r\n+CMS ERROR: 314\r\n"])
    storages = b"\r\n+CPMS: 0,20,0,20,0,20\r\n\r\nOK\r\n"
    modem, driver = scripted({b"AT+CPMS=": lambda _line: next(answers, storages)})
    driver.start(has_pin=False)
    assert modem.wire.count(b'AT+CPMS="SM","SM","SM"') == 4
    assert driver.slots()["SM"] == (0, 20)


def test_a_modem_that_never_ceases_to_be_busy_is_given_up(scripted, monkeypatch):
    monkeypatch.setattr("tipline_gw.modems.fence._BUSY_PAUSE", 0.0)
    _, driver = scripted({b"AT+CPMS=": b"\r\n+CME ERROR: 14\r\n"})
    with pytest.raises(ModemError, match=r"an error is the answer to AT\+CPMS"):
        driver.start(has_pin=False)


def test_an_answer_without_sense_is_an_error_of_ours(scripted):
    _, driver = scripted({b"AT+CFUN?": b"\r\n+CFUN: what\r\n\r\nOK\r\n"})
    with pytest.raises(ModemError, match=r"no sense in the answer to AT\+CFUN"):
        driver.start(has_pin=False)


# -- its SIM ---------------------------------------------------------------------------------------


def test_a_right_pin_unlocks_it(desk):
    control = desk.plug("--pin", "4711")
    driver = desk.driver(pin=bytearray(b"4711"))
    driver.start(has_pin=True)
    assert (driver.pin_sent, driver.pin_accepted, driver.pin_refused) == (True, True, False)
    assert control.state()["pin"] == "READY"
    assert driver.sim() == "ready"


def test_a_wrong_pin_is_tried_once(desk):
    control = desk.plug("--pin", "4711")
    driver = desk.driver(pin=bytearray(b"1234"))
    with pytest.raises(ModemError) as caught:
        driver.start(has_pin=True)
    assert caught.value.what == "its SIM refused the PIN"
    assert (driver.pin_sent, driver.pin_accepted, driver.pin_refused) == (True, False, True)
    assert sum(line.startswith("AT+CPIN=") for line in control.transcript()) == 1


def test_a_sim_that_is_too_busy_for_its_pin_has_refused_none(scripted, monkeypatch):
    monkeypatch.setattr("tipline_gw.modems.fence._BUSY_PAUSE", 0.0)
    script = {b"AT+CPIN?": b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"}
    script[b"AT+CPIN="] = b"\r\n+CME ERROR: 14\r\n"
    _, driver = scripted(script, bytearray(b"4711"))
    with pytest.raises(ModemError) as caught:
        driver.start(has_pin=True)
    assert caught.value.what == "its SIM is busy all the time"
    assert (driver.pin_sent, driver.pin_accepted, driver.pin_refused) == (False, False, False)


def test_what_is_to_be_done_before_and_after_a_pin_is_done_then(desk):
    control = desk.plug("--pin", "4711")
    driver = desk.driver(pin=bytearray(b"4711"))
    states = []
    driver.before_pin = lambda: states.append(control.state()["pin"]) or True
    driver.after_pin = lambda: states.append(control.state()["pin"])
    driver.start(has_pin=True)
    assert states == ["SIM PIN", "READY"]


def test_a_pin_that_may_not_be_sent_now_is_not(desk):
    control = desk.plug("--pin", "4711")
    driver = desk.driver(pin=bytearray(b"4711"))
    driver.before_pin = lambda: False
    with pytest.raises(ModemError, match="its SIM wants a PIN"):
        driver.start(has_pin=True)
    assert not any(line.startswith("AT+CPIN=") for line in control.transcript())


@pytest.mark.parametrize(
    ("options", "what", "sim"),
    [
        (("--pin", "4711"), "its SIM wants a PIN", "pin"),
        (("--blocked",), "its SIM is blocked", "puk"),
        (("--sim-missing",), "its SIM is missing", "missing"),
    ],
)
def test_what_is_wrong_with_a_sim_is_told_apart(desk, options, what, sim):
    desk.plug(*options)
    driver = desk.driver()
    with pytest.raises(ModemError) as caught:
        driver.start(has_pin=False)
    assert caught.value.what == what
    assert not driver.pin_sent
    assert driver.sim() == sim


# -- delivery --------------------------------------------------------------------------------------


def test_direct_delivery_waits_for_its_acknowledgement(desk):
    control = desk.plug()
    driver = desk.started(with_sms(delivery="direct"))
    assert driver.direct
    assert driver.armed()
    control.receive(SENDER, "Hola {n}", count=2)
    for number in range(2):
        notice = desk.notice()
        assert isinstance(notice, Pushed)
        assert notice.part.text == f"Hola {number}"
        driver.acknowledge(True)
    control.wait_empty()


def test_a_refused_message_comes_again(desk):
    control = desk.plug()
    driver = desk.started(with_sms(delivery="direct", refuse="AT+CNMA=2"))
    control.receive(SENDER, "Hola")
    first = desk.notice()
    driver.acknowledge(False)
    assert desk.notice() == first
    driver.acknowledge(True)
    control.wait_empty()


def test_what_an_earlier_session_never_acknowledged_comes_again_at_once(desk):
    control = desk.plug()
    profile = with_sms(delivery="direct", refuse="AT+CNMA=2")
    earlier = desk.started(profile)
    control.receive(SENDER, "Hola")
    desk.notice()
    earlier.stop()
    later = desk.started(profile)
    assert desk.notice().part.text == "Hola"
    later.acknowledge(True)
    control.wait_empty()
    assert control.state()["counts"]["unacknowledged"] == 0


def test_where_there_is_no_way_to_refuse_nothing_is_said(desk):
    control = desk.plug()
    driver = desk.started(with_sms(delivery="direct"))
    control.receive(SENDER, "Hola")
    desk.notice()
    driver.acknowledge(False)
    assert control.state()["waiting_ack"]


def test_an_acknowledgement_that_nothing_waits_for_is_an_error(desk):
    desk.plug()
    driver = desk.started(with_sms(delivery="direct"))
    with pytest.raises(ModemError, match="message not acknowledged"):
        driver.acknowledge(True)


def test_a_modem_that_stopped_delivering_is_seen_and_armed_again(desk):
    control = desk.plug("--cnma-seconds", "0.2")
    driver = desk.started(with_sms(delivery="direct"))
    control.receive(SENDER, "Hola")
    desk.notice()
    assert until(lambda: not driver.armed(), 10)
    driver.arm()
    assert driver.armed()
    ((_, pdu),) = driver.listed("SM")
    assert driver.part(pdu).text == "Hola"
    control.receive(SENDER, "Otra vez")
    assert isinstance(desk.notice(), Pushed)


@pytest.mark.parametrize("lacks", ["csms = [0]", "mt = [0, 1]"])
def test_a_modem_that_refuses_direct_delivery_stores(desk, lacks):
    control = desk.plug(dialect=f"[sms]\nstorages = {{SM = 20}}\n{lacks}\n")
    driver = desk.started(with_sms(delivery="direct"))
    assert not driver.direct
    control.receive(SENDER, "Hola")
    assert desk.notice() == Stored(Slot("SM", 1))


def test_direct_delivery_can_be_given_up(desk):
    control = desk.plug()
    driver = desk.started(with_sms(delivery="direct"))
    driver.deliver_stored()
    driver.arm()
    assert driver.armed()
    control.receive(SENDER, "Hola")
    assert desk.notice() == Stored(Slot("SM", 1))


def test_a_modem_that_cannot_say_how_it_delivers_counts_as_armed(desk):
    desk.plug(dialect='[at.answers]\n"AT+CNMI?" = "ERROR"\n')
    driver = desk.started()
    driver.command("AT+CNMI=0,0,0,0,0")
    assert driver.armed()


def test_a_modem_that_takes_no_cnmi_at_all_is_an_error(desk):
    desk.plug(dialect='[at]\nunsupported = ["+CNMI"]\n')
    with pytest.raises(ModemError, match=r"delivery not armed.*AT\+CNMI"):
        desk.started()


# -- messages --------------------------------------------------------------------------------------


def test_what_lies_there_is_listed_read_and_deleted(desk):
    control = desk.plug()
    driver = desk.started()
    control.receive(SENDER, "Hola {n}", count=3)
    listed = driver.listed("SM")
    assert [driver.part(pdu).text for _, pdu in listed] == ["Hola 0", "Hola 1", "Hola 2"]
    slot, pdu = listed[1]
    assert driver.read_slot(slot) == pdu
    driver.delete_slot(slot)
    assert driver.read_slot(slot) is None
    assert [found for found, _ in driver.listed("SM")] == [Slot("SM", 1), Slot("SM", 3)]


STORAGES = b"\r\n+CPMS: 1,20,1,20,1,20\r\n\r\nOK\r\n"


def test_a_listing_waits_for_a_sim_that_is_busy_and_takes_no_error_for_an_empty_storage(
    scripted, monkeypatch
):
    monkeypatch.setattr("tipline_gw.modems.fence._BUSY_PAUSE", 0.0)
    answers = [b"\r\n+CMS ERROR: 314\r\n", b"\r\nOK\r\n", b"\r\n+CMS ERROR: 302\r\n"]
    said = iter([*answers, b"\r\n+CMS ERROR: 321\r\n"])
    modem, driver = scripted({b"AT+CPMS=": STORAGES, b"AT+CMGL=": lambda _line: next(said)})
    driver.start(has_pin=False)
    assert driver.listed("SM") == []
    assert modem.wire.count(b"AT+CMGL=4") == 2
    with pytest.raises(ModemError, match=r"messages not listed: .* the answer to AT\+CMGL"):
        driver.listed("SM")
    assert driver.listed("SM") == [], "this is how some list an empty storage"


def test_a_sim_that_never_ceases_to_be_busy_is_not_empty(scripted, monkeypatch):
    monkeypatch.setattr("tipline_gw.modems.fence._BUSY_PAUSE", 0.0)
    _, driver = scripted({b"AT+CPMS=": STORAGES, b"AT+CMGL=": b"\r\n+CMS ERROR: 314\r\n"})
    driver.start(has_pin=False)
    with pytest.raises(ModemError, match="messages not listed"):
        driver.listed("SM")


@pytest.mark.parametrize("text", [b"Hola", b"486F6C61486F6C61486F6C61", b"Hola\r\nOK, digo"])
def test_a_text_is_never_taken_for_a_pdu(scripted, text):
    """It lost its settings: another session sets them."""
    told = b'"REC UNREAD","+526561234567",,"26/11/12,10:00:00+04"\r\n' + text
    _, driver = scripted(
        {
            b"AT+CPMS=": STORAGES,
            b"AT+CMGR=": b"\r\n+CMGR: " + told + b"\r\n\r\nOK\r\n",
            b"AT+CMGL=": b"\r\n+CMGL: 3," + told + b"\r\n\r\nOK\r\n",
        }
    )
    driver.start(has_pin=False)
    with pytest.raises(ModemError, match="it gives messages as texts"):
        driver.read_slot(Slot("SM", 3))
    with pytest.raises(ModemError, match="it gives messages as texts"):
        driver.listed("SM")
    assert driver.lives


def test_what_cannot_be_deleted_is_an_error(desk):
    desk.plug("--fail-cmgd", "320")
    with pytest.raises(ModemError, match="message not deleted"):
        desk.started().delete_slot(Slot("SM", 1))


def test_a_reply_goes_to_who_wrote_in_as_many_parts_as_it_takes(desk):
    control = desk.plug()
    driver = desk.started()
    control.receive(SENDER, "Hola")
    part = driver.part(driver.read_slot(desk.notice().slot))
    assert isinstance(part, Part)
    assert driver.send(part.sender, "Corto") == 1
    long = "Una respuesta que no cabe en un solo mensaje. " * 6
    assert driver.send(part.sender, long) > 1
    short, split = control.wait_sent(2)
    assert (short["to"], short["text"]) == (SENDER, "Corto")
    assert (split["to"], split["text"], split["complete"]) == (SENDER, long, True)


def test_without_credit_nothing_is_sent_until_there_is_some(desk):
    control = desk.plug("--no-credit", "38")
    driver = desk.started()
    control.receive(SENDER, "Hola")
    token = driver.part(driver.read_slot(desk.notice().slot)).sender
    for _ in range(2):
        with pytest.raises(ModemError, match=r"not sent: an error is the answer to AT\+CMGS"):
            driver.send(token, "Gracias")
    control.set(no_credit=0)
    assert driver.send(token, "Gracias") == 1


# -- calls, USSD, console --------------------------------------------------------------------------


def test_a_call_is_refused_and_its_list_emptied(desk):
    control = desk.plug(dialect='[calls]\nlist = "purgeable"\npurge = ["AT^XCALLS"]\n')
    calls = GENERIC.calls.model_copy(update={"list": "purgeable", "purge": ["AT^XCALLS"]})
    driver = desk.started(GENERIC.model_copy(update={"calls": calls}))
    control.ring(SENDER)
    assert isinstance(desk.notice(), Ringing)
    driver.refuse_call()
    assert control.state()["missed_calls"] == 1
    driver.purge_calls()
    assert control.state()["missed_calls"] == 0


def with_ussd(dialect):
    return GENERIC.model_copy(update={"ussd": GENERIC.ussd.model_copy(update={"dialect": dialect})})


@pytest.mark.parametrize("dialect", ["plain", "hex", "ucs2"])
@pytest.mark.parametrize("early", ["true", "false"])
def test_a_code_is_asked_in_the_modems_dialect(desk, dialect, early):
    desk.plug(dialect=f'[ussd]\ndialect = "{dialect}"\nbefore_ok = {early}\n')
    driver = desk.started(with_ussd(dialect))
    assert driver.ussd("*133#", 10) == "Saldo: 50.00 MXN"
    assert driver.ussd("*100*1#", 10) == "Saldo: 50.00 MXN"


def test_a_message_that_comes_meanwhile_is_not_lost(desk):
    control = desk.plug("--interleave")
    driver = desk.started()
    control.receive(SENDER, "Hola")
    assert driver.ussd("*133#", 10) == "Saldo: 50.00 MXN"
    notice = desk.notice()
    assert driver.part(driver.read_slot(notice.slot)).text == "Hola"


def test_an_answer_may_have_lines_and_another_answer_between(scripted):
    said = b'\r\nOK\r\n\r\n+CUSD: 1,"Su saldo:\r\nQuedan 50.00 MXN\r\n1. Mas",15\r\n'
    modem, driver = scripted({b"AT+CUSD=1": said})
    driver.start(has_pin=False)
    assert driver.ussd("*133#", 10) == "Su saldo:\nQuedan 50.00 MXN\n1. Mas"
    assert bytes(modem.wire).endswith(b"AT+CUSD=2\r")


def test_an_old_answer_is_not_taken_for_a_new_one(scripted):
    modem, driver = scripted(
        {b"AT+CUSD=1": b'\r\nOK\r\n\r\n+CUSD: 0,"nuevo",15\r\n', b"ATI": b"\r\nAcme\r\n\r\nOK\r\n"}
    )
    driver.start(has_pin=False)
    modem.say(b'\r\n+CUSD: 0,"viejo",15\r\n')
    driver.ping()
    assert driver.ussd("*133#", 10) == "nuevo"


@pytest.mark.parametrize(
    "said",
    [b"\r\nOK\r\n\r\n+CUSD: 4\r\n", b"\r\nOK\r\n\r\n+CUSD: 2\r\n", b"\r\n+CME ERROR: 100\r\n"],
)
def test_a_code_that_the_network_refuses_is_an_error(scripted, said):
    _, driver = scripted({b"AT+CUSD=1": said})
    driver.start(has_pin=False)
    with pytest.raises(ModemError):
        driver.ussd("*133#", 10)


def test_a_network_that_says_nothing_is_not_waited_for_longer_than_said(scripted):
    _, driver = scripted({})
    driver.start(has_pin=False)
    began = time.monotonic()
    with pytest.raises(ModemError, match="the network gave no answer"):
        driver.ussd("*133#", 0.3)
    assert time.monotonic() - began < 3


def test_what_is_no_code_is_not_sent(desk):
    control = desk.plug()
    driver = desk.started()
    for code in ("", "saldo", '*1"#', "1" * 33, "*133#\rATD1"):
        with pytest.raises(ModemError, match="no USSD code"):
            driver.ussd(code)
    assert not [line for line in control.transcript() if "CUSD" in line]


def test_an_engineers_command_is_answered_with_all_its_lines(desk):
    desk.plug()
    driver = desk.started()
    assert driver.command("AT+CSQ") == ["+CSQ: 24,99", "OK"]
    assert driver.command("at+csq;+creg?") == ["+CSQ: 24,99", "+CREG: 0,1", "OK"]
    assert driver.command("AT&D2") == ["OK"]
    assert driver.command("AT+NOSUCH") == ["+CME ERROR: 4"]
    assert driver.command("AT+CMGS=?") == ["OK"]


def test_an_engineer_who_chose_a_storage_does_not_mislead_the_driver(desk):
    control = desk.plug()
    driver = desk.started()
    driver.command('AT+CPMS="ME"')
    control.receive(SENDER, "Hola")
    desk.notice()
    assert len(driver.listed("SM")) == 1


@pytest.mark.parametrize(
    "line",
    [
        *("", "hello", "ATÁ", "AT+CSQ\x1a", "AT+CSQ\rATD1", "AT" + "X" * 511),
        *("AT+CMGS=20", "at+csq;+cmgw=20", "ATD123;", "ATE0D123", "AT&D2D1", "AT+CSQ;D1"),
    ],
)
def test_lines_that_are_no_command_or_need_more_are_refused(desk, line):
    control = desk.plug()
    driver = desk.started()
    before = control.transcript()
    with pytest.raises(ModemError):
        driver.command(line)
    assert control.transcript() == before


class Kept(Recorder):
    """What a recorder is told."""

    def __init__(self):
        super().__init__(lambda _piece: None)
        self.told = []

    def said(self, data):
        self.told.append(bytes(data))

    def heard(self, line):
        self.told.append(bytes(line))


def test_the_dialogue_is_recorded_while_it_is_wanted(desk):
    desk.plug()
    driver = desk.started()
    driver.ping()
    kept = Kept()
    driver.record(kept)
    driver.command("AT+CSQ")
    driver.record(None)
    driver.ping()
    assert [line.strip() for line in kept.told] == [b"AT+CSQ", b"+CSQ: 24,99", b"OK"]


# -- how it fares ----------------------------------------------------------------------------------


def test_modems_of_one_kind_are_told_apart_by_a_tag_that_is_no_imei(desk):
    control = desk.plug("--imei", "490154203237518")
    tag = desk.started().imei_tag()
    assert len(tag) == 4
    assert tag not in "490154203237518"
    desk.close()
    control = desk.plug("--imei", "490154203237526")
    other = desk.started()
    assert other.imei_tag() not in ("", tag)
    assert other.imei_tag() == other.imei_tag()
    assert control.state()["port_open"]


@pytest.mark.parametrize(
    ("stat", "name"),
    [(0, "none"), (1, "home"), (2, "searching"), (3, "denied"), (4, "unknown"), (5, "roaming")],
)
def test_its_registration_is_told_in_a_word(desk, stat, name):
    desk.plug("--registration", str(stat))
    assert desk.started().reception().registration == name


def test_a_modem_that_is_registered_with_lte_alone_is_registered(desk):
    desk.plug(dialect='[at.answers]\n"AT+CREG?" = ["+CREG: 0,0"]\n"AT+CEREG?" = ["+CEREG: 0,5"]\n')
    assert desk.started().reception().registration == "roaming"


@pytest.mark.parametrize(("rssi", "dbm"), [(0, -113), (31, -51), (99, None)])
def test_its_signal_is_told_in_dbm(desk, rssi, dbm):
    desk.plug("--signal", str(rssi))
    reception = desk.started().reception()
    assert (reception.operator, reception.dbm) == ("Red Virtual", dbm)


def test_a_full_storage_shows(desk):
    control = desk.plug("--storages", "SM=2,ME=5")
    driver = desk.started()
    control.receive(SENDER, "Hola {n}", count=3)
    assert driver.slots() == {"SM": (2, 2), "ME": (0, 5)}


# -- when it fails ---------------------------------------------------------------------------------


def test_a_modem_that_hangs_is_an_error_of_its_own(desk, monkeypatch):
    control = desk.plug()
    driver = desk.started()
    control.set(hang=True)
    monkeypatch.setattr(driver.ping.__globals__["Driver"], "ask", _soon)
    with pytest.raises(ModemSilentError, match="not ready: no answer to AT in time"):
        driver.ping()
    assert driver.lives


def _soon(driver, command, timeout=0.2):
    return driver.write(command, timeout=0.2, parseError=False)


def test_a_modem_that_is_unplugged_ends_what_is_in_flight_at_once(desk):
    control = desk.plug()
    driver = desk.started()
    control.set(hang=True)
    threading.Timer(0.3, control.vanish).start()
    began = time.monotonic()
    with pytest.raises(ModemError) as caught:
        driver.ping()
    assert caught.value.what == "its port is gone"
    assert time.monotonic() - began < 5
    assert desk.gone.wait(5)
    assert until(lambda: not driver.lives, 5)
    with pytest.raises(ModemError):
        driver.ping()


def test_a_driver_that_was_never_started_is_an_error_and_stops(desk):
    driver = desk.driver()
    with pytest.raises(ModemError, match="its port is gone"):
        driver.start(has_pin=False)
    with pytest.raises(ModemError, match="its port is gone"):
        driver.ping()
    with pytest.raises(ModemError, match="its port is gone"):
        driver.part("00")
    assert not driver.lives
    driver.stop()


def test_a_reset_makes_it_go_and_come_back(desk):
    control = desk.plug(dialect='[reset]\nsoft = ["AT+CFUN=1,1"]\nseconds = 0.2\n')
    driver = desk.started()
    assert driver.soft_reset()
    assert desk.gone.wait(5)
    driver.stop()
    assert until(desk.link.exists, 5)
    assert desk.started().armed()
    assert control.state()["port_open"]


def test_a_modem_without_a_way_to_reset_says_so(desk):
    control = desk.plug()
    without = GENERIC.reset.model_copy(update={"soft": None})
    driver = desk.started(GENERIC.model_copy(update={"reset": without}))
    before = control.transcript()
    assert not driver.soft_reset()
    assert not driver.power_cycle()
    assert control.transcript() == before


# -- firmware --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "needs"),
    [("11.604.05.00.00", False), ("11.608.12.04.21", True), ("11.126.85.00.209", True)],
)
def test_a_command_that_only_some_firmware_needs_goes_to_that_alone(desk, revision, needs):
    dialect = dialect_file("huawei/e173").read_text()
    dialect = dialect.replace("11.126.85.00.209", revision)
    if not needs:
        dialect = dialect.replace('"AT^CURC=0" = []\n', "")
    control = desk.plug(dialect=dialect)
    desk.driver(profiles.load("huawei/e173")).start(has_pin=False)
    given = control.transcript()
    assert ("AT^CURC=0" in given) == needs
    assert "AT^USSDMODE=1" in given


def test_a_modem_is_not_asked_for_its_firmware_where_nothing_depends_on_it(desk):
    control = desk.plug()
    desk.driver().start(has_pin=False)
    assert "AT+CGMR" not in control.transcript()


# -- identified ------------------------------------------------------------------------------------


def test_what_nothing_matches_is_driven_as_generic_and_said(desk):
    desk.plug()
    profile, why = identify.choose("auto", lambda _way: desk.port())
    assert profile.name == profiles.GENERIC
    assert why == "nothing matches +CGMI 'Virtual' and +CGMM 'VM-1': generic/generic"


def test_a_modem_is_known_by_what_it_says(desk):
    desk.plug("--manufacturer", "huawei", "--model", "E173")
    profile, why = identify.choose("auto", lambda _way: desk.port())
    assert profile.name == "huawei/e173"
    assert why == "+CGMI 'huawei' and +CGMM 'E173' match huawei/e173"


def test_a_profile_that_is_named_is_taken_and_compared(desk):
    desk.plug()
    assert (
        identify.choose(profiles.GENERIC, lambda _way: desk.port())[1]
        == "named in the configuration"
    )
    profile, why = identify.choose("huawei/e173", lambda _way: desk.port())
    assert profile.name == "huawei/e173"
    assert why == "named in the configuration, but the modem says it is Virtual VM-1"


def test_a_profile_that_is_not_there_is_refused_before_the_port_is_opened(desk):
    with pytest.raises(ConfigError, match="there is no modem profile no/such"):
        identify.choose("no/such", lambda _way: desk.port())


def test_a_modem_that_tells_its_names_in_another_way_is_understood(desk):
    desk.plug(
        dialect='[at.answers]\n"AT+CGMI" = "ERROR"\n"AT+GMI" = ["Acme"]\n'
        '"AT+CGMM" = [\'+CGMM: "X1"\']\n"AT+CGMR" = "+CME ERROR: 4"\n"AT+GMR" = "ERROR"\n'
    )
    identity = identify.identify(desk.port)
    assert (identity.manufacturer, identity.model, identity.revision) == ("Acme", "X1", "")
    assert identity.information == "Manufacturer: Virtual Model: VM-1 Revision: 1.0"


@pytest.mark.parametrize(
    "notice",
    ["Call Ready", "SMS Ready", "RDY", "PB DONE", "NO CARRIER", "NORMAL POWER DOWN", "^SYSSTART"],
)
def test_a_notice_before_the_answer_is_no_name(notice):
    said = {"AT+CGMI": ["SIMCOM_Ltd", "OK"], "AT+CGMM": ["SIM800L", "OK"]}
    said |= {"AT+CGMR": ["R14", "OK"], "ATI": ["SIM800 R14", "OK"]}
    plain = identify.asked(said.__getitem__)
    assert (plain.manufacturer, plain.model, plain.information) == (
        "SIMCOM_Ltd", "SIM800L", "SIM800 R14",
    )  # fmt: skip
    assert identify.asked(lambda command: [notice, *said[command]]) == plain


def test_a_notice_that_is_alone_in_an_answer_is_no_name_either():
    said = {"AT+CGMI": ["Call Ready", "OK"], "AT+GMI": ["Acme", "OK"]}
    assert identify.asked(lambda command: said.get(command, ["ERROR"])).manufacturer == "Acme"


def test_what_it_says_unasked_does_not_make_it_generic(scripted):
    """One that no notice is known of, and one that took the place of an answer."""
    names = iter([b"Guten Tag", b"Guten Tag\r\n\r\nhuawei"])
    modem, _ = scripted(
        {
            b"AT+CGMI": lambda _line: b"\r\n" + next(names) + b"\r\n\r\nOK\r\n",
            b"AT+CGMM": b"\r\nE173\r\n\r\nOK\r\n",
        }
    )
    profile, _ = identify.choose(
        "auto", lambda _way: BoundaryPort(modem.device, Vault(600), on_notice=lambda _: None)
    )
    assert profile.name == "huawei/e173"


def test_a_modem_that_just_started_is_waited_for(desk):
    control = desk.plug()
    control.set(hang=True)
    threading.Timer(1.5, lambda: control.set(hang=False)).start()
    assert identify.identify(desk.port).model == "VM-1"


def test_a_message_that_nobody_will_finish_is_cancelled(desk):
    control = desk.plug()
    with desk.link.open("wb", buffering=0) as killed:
        killed.write(b"AT+CMGS=20\r")
        assert until(lambda: "AT+CMGS=20" in control.transcript(), 5)
        assert identify.identify(desk.port).model == "VM-1"
    assert control.sent() == []


def test_a_modem_that_never_answers_is_an_error(desk, monkeypatch):
    monkeypatch.setattr(identify, "PATIENCE", 0.2)
    control = desk.plug()
    control.set(hang=True)
    with pytest.raises(ModemSilentError, match="not identified"):
        identify.identify(desk.port)
    assert until(lambda: not control.state()["port_open"], 5)


def test_a_modem_that_loses_what_comes_too_soon_is_asked_with_pauses(desk):
    desk.plug("--deaf-ms", "60", "--manufacturer", "Cinterion", "--model", "BGS2-W")
    profile, _ = identify.choose("auto", lambda _way: desk.port())
    assert (profile.name, profile.serial.pause_ms) == ("cinterion/bgs2", 100)
    driver = desk.started(profile)
    assert driver.identity().model == "BGS2-W"


def test_a_modem_that_never_answers_is_tried_at_every_speed_once(desk, monkeypatch):
    monkeypatch.setattr(identify, "PATIENCE", 0.2)
    slow = GENERIC.serial.model_copy(update={"baudrate": 9600, "pause_ms": 50})
    ways = (*profiles.ways(), GENERIC.model_copy(update={"serial": slow}))
    monkeypatch.setattr(profiles, "ways", lambda: ways)
    desk.plug("--hang")
    tried = []

    def opened(way):
        tried.append((way.serial.baudrate, way.serial.pause_ms))
        return desk.port()

    with pytest.raises(ModemSilentError, match="no answer to AT in time"):
        identify.choose("auto", opened)
    assert tried == [(115200, 0), (9600, 50)]


def test_what_no_profile_is_for_keeps_the_line_it_was_found_on(desk):
    desk.plug("--deaf-ms", "60")
    profile, _ = identify.choose("auto", lambda _way: desk.port())
    assert (profile.name, profile.serial.pause_ms) == (profiles.GENERIC, 100)
    assert desk.started(profile).identity().model == "VM-1"


def test_a_named_profile_s_pauses_are_kept_from_the_first_command_on(desk):
    desk.plug("--deaf-ms", "60", "--manufacturer", "Cinterion", "--model", "BGS2-W")
    _, why = identify.choose("cinterion/bgs2", lambda _way: desk.port())
    assert why == "named in the configuration"


def test_a_port_that_is_not_there_is_an_error(desk):
    with pytest.raises(ModemError, match="its port is gone"):
        identify.identify(desk.port)
