"""The bank against virtual modems: real pseudo-terminals, the real library, the real boundary.

Only the core is played: a list, or a store that refuses.
"""

import contextlib
import dataclasses
import threading
import time
from pathlib import Path

import pytest
import serial

from tipline_gw.boundary.pdu import join
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import until as wait_until
from tipline_gw.domain.bank import (
    Answer,
    Cleared,
    Note,
    Pulse,
    Refused,
    Said,
    Settled,
    Taken,
    Tally,
)
from tipline_gw.domain.sms import Slot, Stored
from tipline_gw.errors import ConfigError
from tipline_gw.modems import identify
from tipline_gw.modems.bank import Bank
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.pin import read_pin
from tipline_gw.settings.schema import Modem as ModemSettings
from tipline_gw.settings.schema import Sms
from tipline_gw.telemetry.metrics import Metrics

SENDER = "+526561234567"


def until(holds, seconds: float = 20.0) -> bool:
    return wait_until(holds, seconds)


class Core:
    """The other process: takes messages into a list; ``refuses`` plays a full disk.

    ``places``: what it would still tell a modem side that is begun anew.
    """

    def __init__(self) -> None:
        self.offers = []
        self.refuses = False
        self.reply = "Clave: 1234"
        self.deaf = False
        self.metrics = Metrics()
        self.pulse = Pulse((), ("gsm0",))
        self.places = set()
        self.notes = 0
        self.bank = None

    def send(self, message):
        if isinstance(message, Tally):
            self.metrics.take(message)
        elif isinstance(message, Pulse):
            self.pulse = message
        elif isinstance(message, Cleared):
            self.places.difference_update(message.places)
        elif isinstance(message, Note):
            self.notes += 1
            self.places.add(message.place)
            self.bank.heed(Taken(message.serial, False))
        elif not self.deaf:
            self.take(message)

    def take(self, offer):
        if self.refuses:
            self.bank.heed(Refused(offer.serial))
            return
        self.offers.append(offer)
        self.places.update(offer.places)
        answers = self.reply is not None and not offer.piece
        self.bank.heed(Taken(offer.serial, answers))
        if answers:
            self.bank.heed(Answer(offer.serial, self.reply))

    @property
    def settled(self):
        return Settled(b"salt", (("gsm0", tuple(self.places)),))

    @property
    def messages(self):
        replaced = {number for offer in self.offers for number in offer.replaces}
        return [offer.message for offer in self.offers if offer.serial not in replaced]

    @property
    def texts(self):
        return [join(m.parts) for m in self.messages if m.undecodable is None]


class Site:
    """One virtual modem and a bank on it."""

    def __init__(self, tmp_path, *options, pin_file=None, reassembly_seconds=600, limit=120):
        self.modem = VirtualModem(tmp_path / "tty", tmp_path / "control", *options)
        self.settings = ModemSettings(
            name="gsm0", port=str(tmp_path / "tty"), profile="auto", pin_file=pin_file
        )
        self.sms = Sms(reassembly_seconds=reassembly_seconds, sending_limit=limit)
        self.core = Core()
        self.bank = self.new_bank()

    def new_bank(self):
        self.core.bank = Bank([self.settings], self.sms, self.core.settled, self.core.send)
        return self.core.bank

    def __enter__(self):
        self.modem.start()
        self.control = self.modem.control
        return self

    def __exit__(self, *_):
        self.bank.abandon()
        self.modem.stop()

    def start(self, *, ready: bool = True):
        self.bank.start()
        if ready:
            assert until(lambda: not self.away)
        return self

    def begin_anew(self):
        """As if this process had been killed and started again."""
        self.bank.abandon()
        self.bank = self.new_bank()
        self.core.pulse = Pulse((), ("gsm0",))
        return self.start()

    @property
    def away(self):
        return [view.name for view in self.bank.views() if view.state != "ready"]

    @contextlib.contextmanager
    def start_in(self, *, ready: bool = True):
        with self:
            yield self.start(ready=ready)

    def count(self, name: str) -> float:
        return sum(
            sample.value
            for metric in self.core.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == f"tipline_{name}"
        )

    @property
    def held(self) -> int:
        return self.bank._vault.count


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as made:
        yield made


def test_a_text_is_taken_in_deleted_answered_and_its_number_forgotten(site):
    site.start()
    site.control.receive(SENDER, "hola")
    (sent,) = site.control.wait_sent(1, timeout=20)
    assert (sent["to"], sent["text"]) == (SENDER, "Clave: 1234")
    assert site.core.texts == ["hola"]
    site.control.wait_empty()
    assert until(lambda: site.held == 0)


def test_no_status_report_is_asked_for_and_no_caller_shown(site):
    site.start()
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)
    lines = site.control.transcript()
    assert any(line.startswith("AT+CLIP=0") for line in lines)
    assert not {"AT+CLIP=1", "AT+CNUM", "AT+CNUM?", "AT+CPBR=1"} & set(lines)
    assert any(line.startswith("AT+CNMI=2,1,0,0,0") for line in lines)


def test_what_waited_before_the_start_is_taken_in(site):
    site.control.receive(SENDER, "one of {n}", count=3)
    site.start()
    site.control.wait_sent(3, timeout=20)
    assert sorted(site.core.texts) == ["one of 0", "one of 1", "one of 2"]


def test_a_text_that_is_pushed_while_the_modem_is_identified_is_taken_in(site, monkeypatch):
    """As a modem does whose last user stored +CNMI=2,2: it wants no acknowledgement."""
    tty = serial.Serial(str(site.settings.port), timeout=10)
    for command in (b"AT+CMGF=0", b"AT+CSMS=0", b"AT+CNMI=2,2,0,0,0"):
        tty.write(command + b"\r")
        assert tty.read_until(b"OK\r\n").endswith(b"OK\r\n")
    tty.close()
    asked = identify.asked

    def while_it_comes(ask):
        if site.control.state()["counts"]["taken"] == 0:
            site.control.receive(SENDER, "hola")
            assert until(lambda: site.control.state()["counts"]["taken"])
        return asked(ask)

    monkeypatch.setattr(identify, "asked", while_it_comes)
    site.start()
    (sent,) = site.control.wait_sent(1, timeout=20)
    assert (sent["to"], site.core.texts) == (SENDER, ["hola"])


def test_a_long_text_in_any_order_is_one_message(site):
    site.start()
    text = "Ñandú, ¡qué cosa! " * 20
    assert site.control.receive(SENDER, text, shuffle=True, ref_bits=16) > 3
    site.control.wait_sent(1, timeout=20)
    assert site.core.texts == [text]
    site.control.wait_empty()


def test_a_store_that_refuses_leaves_the_text_on_the_modem(site):
    site.core.refuses = True
    site.start()
    site.control.receive(SENDER, "hola")
    assert until(lambda: sum(len(s) for s in site.control.stored().values()) == 1)
    assert until(lambda: site.count("sms_parts_total") == 1)
    assert site.control.sent() == []
    site.core.refuses = False
    site.control.wait_sent(1, timeout=30)
    assert site.core.texts == ["hola"]
    site.control.wait_empty()


def test_a_modem_that_falls_back_to_text_mode_loses_nothing(site):
    site.start()
    with Path(site.settings.port).open("wb", buffering=0) as line:
        line.write(b"AT+CMGF=1\r")
    assert until(lambda: "AT+CMGF=1" in site.control.transcript())
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=30)
    assert site.core.texts == ["hola"]
    assert [message.undecodable for message in site.core.messages] == [None]
    site.control.wait_empty()
    assert until(lambda: site.count("modem_restarts_total") == 1)


def test_an_unplugged_modem_comes_back_and_nothing_is_doubled(site):
    site.start()
    site.control.receive(SENDER, "before")
    site.control.wait_sent(1, timeout=20)
    site.control.vanish()
    assert until(lambda: site.away)
    site.control.receive(SENDER, "meanwhile")
    site.control.come_back()
    site.control.wait_sent(2, timeout=30)
    assert site.core.texts == ["before", "meanwhile"]
    assert until(lambda: site.count("modem_restarts_total") >= 1)


def test_parts_that_never_come_are_given_up_as_partial(tmp_path):
    with Site(tmp_path, reassembly_seconds=5).start_in() as site:
        site.control.receive(SENDER, "x" * 300, omit=[2])
        site.control.wait_sent(1, timeout=20)
        (message,) = site.core.messages
        assert message.partial
        site.control.wait_empty()


def test_the_same_delivery_twice_is_taken_in_once(site):
    site.start()
    site.control.receive(SENDER, "hola", twice=True)
    assert until(lambda: site.count("sms_doubled_total") == 1)
    site.control.wait_empty()
    site.control.wait_sent(1, timeout=20)
    assert site.core.texts == ["hola"]


def test_a_deletion_that_fails_doubles_nothing_and_the_answer_comes(site):
    site.start()
    site.control.set(fail_cmgd=[500])
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.count("sms_doubled_total") == 1, 30)
    site.control.wait_sent(1, timeout=20)
    site.control.wait_empty()
    assert site.core.texts == ["hola"]
    assert until(lambda: site.held == 0)
    assert site.count("modem_restarts_total") == 0


def test_a_message_that_cannot_be_deleted_keeps_no_other_from_being_read(site):
    site.control.receive(SENDER, "aviso {n}", count=5)
    site.control.set(fail_cmgd=[500] * 3)
    site.start()
    site.control.wait_sent(5, timeout=20)
    assert sorted(site.core.texts) == [f"aviso {n}" for n in range(5)]
    site.control.wait_empty(30)


@pytest.mark.parametrize("sender", ["TELCEL", "26262", "7373", "+52656", "*111", "656123"])
def test_who_is_no_subscriber_is_taken_in_and_not_answered_though_the_core_wants_it(site, sender):
    site.start()
    site.control.receive(sender, "oferta")
    assert until(lambda: site.core.texts == ["oferta"])
    site.control.wait_empty()
    site.control.receive(SENDER, "hola")
    assert [one["to"] for one in site.control.wait_sent(1, timeout=20)] == [SENDER]
    assert sum(line.startswith("AT+CMGS") for line in site.control.transcript()) == 1
    assert until(lambda: site.held == 0)


def test_what_does_not_decode_is_taken_in_and_deleted(site):
    site.start()
    site.control.receive_pdu("07911326040000F0040B911346610089F60000208062917314080CC8F7")
    assert until(lambda: len(site.core.messages) == 1)
    assert site.core.messages[0].undecodable is not None
    site.control.wait_empty()


def test_no_reply_is_sent_where_none_is_wanted(site):
    site.core.reply = None
    site.start()
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.core.texts == ["hola"])
    site.control.wait_empty()
    assert site.control.sent() == []
    assert until(lambda: site.held == 0)


def test_the_core_is_told_whether_an_answer_was_sent_where_it_wants_to_know(site):
    said = []
    heed, send = site.bank.heed, site.core.send

    def confirmed(word):
        heed(dataclasses.replace(word, confirm=True) if isinstance(word, Answer) else word)

    site.bank.heed = confirmed
    site.bank._send = lambda message: (
        said.append(message) if isinstance(message, Said) else send(message)
    )
    site.start()
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)
    assert until(lambda: [one.sent for one in said] == [True])
    assert said[0].serial == site.core.offers[0].serial


def test_a_reply_that_fails_is_tried_again(site):
    site.start()
    site.control.set(fail_cmgs=[38])
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)
    assert site.core.texts == ["hola"]


def test_an_answer_that_is_not_ready_holds_up_no_other_text(site):
    heed, late = site.bank.heed, []
    site.bank.heed = lambda word: late.append(word) if isinstance(word, Answer) else heed(word)
    site.start()
    site.control.receive(SENDER, "aviso {n}", count=3)
    assert until(lambda: len(site.core.texts) == 3)
    site.control.wait_empty()
    for word in late:
        heed(word)
    site.control.wait_sent(3, timeout=20)


def test_a_call_is_refused_without_asking_who_it_is(site):
    site.start()
    site.control.ring(SENDER, times=5, interval=0.2)
    assert until(lambda: any(line.startswith("ATH") for line in site.control.transcript()))
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)


@pytest.mark.parametrize("modes", [{"trickle_us": 20.0}, {"noise": 0.3}, {"interleave": True}])
def test_a_bad_line_loses_nothing(site, modes):
    site.start()
    site.control.set(**modes)
    site.control.receive(SENDER, "aviso {n} " + "largo " * 40, count=4, shuffle=True)
    assert until(lambda: len(site.core.texts) == 4, 60)
    assert len(set(site.core.texts)) == 4


def test_a_full_sim_is_emptied_and_all_that_waits_comes_through(tmp_path):
    with Site(tmp_path, "--storages", "SM=3,ME=3").start_in() as site:
        site.control.receive(SENDER, "aviso {n}", count=25)
        assert until(lambda: len(set(site.core.texts)) == 25, 60)
        site.control.wait_empty(20)


def test_a_text_of_more_parts_than_the_sim_has_slots_comes_through_whole(tmp_path):
    with Site(tmp_path, "--storages", "SM=4,ME=4").start_in() as site:
        text = "Uno que no cabe. " * 60
        assert site.control.receive(SENDER, text) > 4
        assert until(lambda: len(site.control.stored()["SM"]) == 4)
        modem = site.bank._modems["gsm0"]

        def comes() -> bool:
            modem._sweep_at = 0.0
            return site.core.texts == [text]

        assert until(comes, 60)
        site.control.wait_sent(1, timeout=20)
        site.control.wait_empty(20)


def test_the_pin_unlocks_the_sim_and_stands_nowhere_else(tmp_path):
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("4321\n")
    pin_file.chmod(0o600)
    with Site(tmp_path, "--pin", "4321", pin_file=pin_file).start_in() as site:
        site.control.receive(SENDER, "hola")
        site.control.wait_sent(1, timeout=20)


@pytest.mark.parametrize("locked", [True, False])
def test_a_pin_is_written_down_as_tried_for_no_longer_than_the_sim_takes(
    tmp_path, monkeypatch, locked
):
    """A power cut while the modem is started must not keep it away."""
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("4321\n")
    pin_file.chmod(0o600)
    options = ("--pin", "4321") if locked else ()
    site, seen = Site(tmp_path, *options, pin_file=pin_file), []
    purge = Driver.purge_calls
    monkeypatch.setattr(
        Driver, "purge_calls", lambda driver: (seen.append(set(site.core.places)), purge(driver))
    )
    with site.start_in():
        assert seen == [set()]
        assert site.core.notes == int(locked)


def test_a_wrong_pin_is_tried_once(tmp_path):
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("1111")
    pin_file.chmod(0o600)
    with Site(tmp_path, "--pin", "4321", pin_file=pin_file).start_in(ready=False) as site:
        assert until(lambda: site.count("modem_restarts_total") >= 2, 30)
        tried = [line for line in site.control.transcript() if line.startswith("AT+CPIN=")]
        assert len(tried) == 1
        assert until(lambda: site.bank.views()[0].state == "pin-refused")


def test_a_wrong_pin_is_not_tried_again_by_a_process_begun_anew_but_a_corrected_one_is(tmp_path):
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("1111")
    pin_file.chmod(0o600)
    with Site(tmp_path, "--pin", "4321", pin_file=pin_file).start_in(ready=False) as site:
        assert until(lambda: site.bank.views()[0].state == "pin-refused", 30)
        site.bank.abandon()
        site.bank = site.new_bank()
        site.bank.start()
        assert until(lambda: site.bank.views()[0].state == "pin-refused", 30)
        assert sum(line.startswith("AT+CPIN=") for line in site.control.transcript()) == 1
        pin_file.write_text("4321\n")
        assert until(lambda: not site.away, 30)
        assert until(lambda: not site.core.places)


def test_a_port_that_is_not_there_harms_nothing_else(tmp_path):
    site = Site(tmp_path)
    missing = ModemSettings(name="gsm1", port=str(tmp_path / "none"))
    with site:
        site.bank = site.core.bank = Bank(
            [missing, site.settings], site.sms, site.core.settled, site.core.send
        )
        site.bank.start()
        site.control.receive(SENDER, "hola")
        site.control.wait_sent(1, timeout=20)
        assert until(lambda: site.core.pulse == Pulse((), ("gsm1",)))


@pytest.mark.parametrize("pin", ["", "12", "123456789", "12a4", "+52656"])
def test_a_pin_file_that_holds_no_pin_is_refused(tmp_path, pin):
    path = tmp_path / "pin"
    path.write_text(pin)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="4 to 8 digits"):
        read_pin(path)


def test_a_pin_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "pin"
    path.write_text("1234")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_pin(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_pin(tmp_path / "none")


def test_an_unplugged_modem_is_noticed_although_a_command_is_in_flight(site):
    site.start()
    site.control.set(delay_ms=30000.0)
    site.control.receive(SENDER, "hola")
    assert until(lambda: sum(len(s) for s in site.control.stored().values()) == 1)
    time.sleep(0.5)  # the notice is heeded meanwhile, and the reading waits for its answer
    site.control.vanish()
    assert until(lambda: site.away, 5)
    site.control.set(delay_ms=0.0)
    site.control.come_back()
    site.control.wait_sent(1, timeout=30)
    assert site.core.texts == ["hola"]


def test_killed_before_the_core_s_word_came_it_is_offered_again(site):
    site.start()
    site.core.deaf = True
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.count("sms_parts_total") == 1)
    site.core.deaf = False
    site.begin_anew()
    site.control.wait_sent(1, timeout=20)
    assert site.core.texts == ["hola"]


def test_killed_between_commit_and_deletion_it_is_taken_once(site):
    site.start()
    heed = site.bank.heed
    site.bank.heed = lambda _word: None
    site.control.receive(SENDER, "corto")
    site.control.receive(SENDER, "largo " * 60, shuffle=True)
    assert until(lambda: len(site.core.texts) == 2)
    assert sum(len(lying) for lying in site.control.stored().values()) > 2
    site.bank.heed = heed
    site.begin_anew()
    site.control.wait_empty()
    assert sorted(site.core.texts) == ["corto", "largo " * 60]
    assert until(lambda: not site.core.places)


def test_what_it_says_of_itself(site):
    site.start()
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)
    (view,) = site.bank.views()
    assert (view.state, view.profile, view.sim, view.registration) == (
        "ready", "generic/generic", "ready", "home",
    )  # fmt: skip
    assert (view.dbm, view.operator, view.last_message) == (-65, "Red Virtual", "this hour")
    assert view.slots["SM"] == [0, 20]
    assert len(view.tag) == 4
    assert until(lambda: site.bank.views()[0].sent_this_hour == 1)


def test_a_job_runs_between_two_messages_and_the_modem_goes_on(site):
    site.start()
    assert site.bank.run("gsm0", lambda driver: driver.command("AT+CSQ"), 10)[-1] == "OK"
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)


def test_a_modem_without_a_network_says_so_and_comes_back(tmp_path):
    with Site(tmp_path).start_in() as site:
        site.control.set(registration=2)
        site.bank._modems["gsm0"]._sweep_at = 0.0
        site.bank._modems["gsm0"]._events.put(Stored(Slot("SM", 1)))
        assert until(lambda: site.bank.views()[0].state == "not-registered")
        site.control.set(registration=5)
        site.bank._modems["gsm0"]._sweep_at = 0.0
        assert until(lambda: site.bank.views()[0].state == "ready")
        assert site.bank.views()[0].registration == "roaming"


def test_the_end_waits_for_the_core_s_word(site):
    site.start()
    site.core.deaf = True
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.count("sms_parts_total") == 1)
    offer = next(iter(site.bank._modems["gsm0"]._taking._offers))
    ending = threading.Thread(target=site.bank.finish)
    ending.start()
    site.bank.heed(Taken(offer, False))
    ending.join(10)
    assert not ending.is_alive()
    site.control.wait_empty()
