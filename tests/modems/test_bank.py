"""The bank against virtual modems: real pseudo-terminals, the real library, the real boundary.

Only the intake is played: a list, or a store that refuses.
"""

import contextlib
import time

import pytest

from tipline_gw.boundary.pdu import join
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import until as wait_until
from tipline_gw.errors import ConfigError, NotYetError, StoreError
from tipline_gw.modems.bank import Bank, read_pin
from tipline_gw.settings.schema import Modem as ModemSettings
from tipline_gw.telemetry.metrics import Metrics

SENDER = "+526561234567"


def until(holds, seconds: float = 20.0) -> bool:
    return wait_until(holds, seconds)


class Desk:
    """Takes messages into a list; ``refuses`` plays a full disk."""

    def __init__(self) -> None:
        self.messages = []
        self.refuses = False
        self.reply = "Clave: 1234"

    def accept(self, message):
        if self.refuses:
            raise StoreError("the disk of the store is full")
        self.messages.append(message)
        return self.reply if callable(self.reply) else lambda: self.reply

    @property
    def texts(self):
        return [join(m.parts) for m in self.messages if m.undecodable is None]


class Site:
    """One virtual modem and a bank on it."""

    def __init__(self, tmp_path, *options, pin_file=None, reassembly_seconds=600):
        self.modem = VirtualModem(tmp_path / "tty", tmp_path / "control", *options)
        self.settings = ModemSettings(
            name="gsm0", port=str(tmp_path / "tty"), profile="auto", pin_file=pin_file
        )
        self.desk, self.metrics = Desk(), Metrics()
        self.vault = Vault(3600)
        self.reassembly_seconds = reassembly_seconds

    def __enter__(self):
        self.modem.start()
        self.control = self.modem.control
        self.bank = Bank(
            [self.settings], self.desk.accept, self.vault, self.metrics, self.reassembly_seconds
        )
        return self

    def __exit__(self, *_):
        self.bank.close()
        self.modem.stop()

    def start(self, *, ready: bool = True):
        self.bank.start()
        if ready:
            assert until(lambda: not self.bank.away())
        return self

    @contextlib.contextmanager
    def start_in(self, *, ready: bool = True):
        with self:
            yield self.start(ready=ready)

    def count(self, name: str) -> float:
        return sum(
            sample.value
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == f"tipline_{name}"
        )


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path) as made:
        yield made


def test_a_text_is_taken_in_deleted_answered_and_its_number_forgotten(site):
    site.start()
    site.control.receive(SENDER, "hola")
    (sent,) = site.control.wait_sent(1, timeout=20)
    assert (sent["to"], sent["text"]) == (SENDER, "Clave: 1234")
    assert site.desk.texts == ["hola"]
    site.control.wait_empty()
    assert until(lambda: site.vault.count == 0)


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
    assert sorted(site.desk.texts) == ["one of 0", "one of 1", "one of 2"]


def test_a_long_text_in_any_order_is_one_message(site):
    site.start()
    text = "Ñandú, ¡qué cosa! " * 20
    assert site.control.receive(SENDER, text, shuffle=True, ref_bits=16) > 3
    site.control.wait_sent(1, timeout=20)
    assert site.desk.texts == [text]
    site.control.wait_empty()


def test_a_store_that_refuses_leaves_the_text_on_the_modem(site):
    site.desk.refuses = True
    site.start()
    site.control.receive(SENDER, "hola")
    assert until(lambda: sum(len(s) for s in site.control.stored().values()) == 1)
    assert until(lambda: site.count("sms_parts_total") == 1)
    assert site.control.sent() == []
    site.desk.refuses = False
    site.control.vanish()
    assert until(site.bank.away)
    site.control.come_back()
    site.control.wait_sent(1, timeout=30)
    assert site.desk.texts == ["hola"]


def test_an_unplugged_modem_comes_back_and_nothing_is_doubled(site):
    site.start()
    site.control.receive(SENDER, "before")
    site.control.wait_sent(1, timeout=20)
    site.control.vanish()
    assert until(site.bank.away)
    site.control.receive(SENDER, "meanwhile")
    site.control.come_back()
    site.control.wait_sent(2, timeout=30)
    assert site.desk.texts == ["before", "meanwhile"]
    assert site.count("modem_restarts_total") >= 1


def test_parts_that_never_come_are_given_up_as_partial(tmp_path):
    with Site(tmp_path, reassembly_seconds=1).start_in() as site:
        site.control.receive(SENDER, "x" * 300, omit=[2])
        site.control.wait_sent(1, timeout=20)
        (message,) = site.desk.messages
        assert message.partial
        site.control.wait_empty()


def test_the_same_delivery_twice_is_taken_in_once(site):
    site.start()
    site.control.receive(SENDER, "hola", twice=True)
    assert until(lambda: site.count("sms_doubled_total") == 1)
    site.control.wait_empty()
    site.control.wait_sent(1, timeout=20)
    assert site.desk.texts == ["hola"]


def test_a_deletion_that_fails_doubles_nothing_and_the_answer_comes(site):
    site.start()
    site.control.set(fail_cmgd=[500])
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.count("sms_doubled_total") == 1, 30)
    site.control.wait_sent(1, timeout=20)
    site.control.wait_empty()
    assert site.desk.texts == ["hola"]
    assert until(lambda: site.vault.count == 0)
    assert site.count("modem_restarts_total") == 0


def test_a_message_that_cannot_be_deleted_keeps_no_other_from_being_read(site):
    site.control.receive(SENDER, "aviso {n}", count=5)
    site.control.set(fail_cmgd=[500] * 3)
    site.start()
    site.control.wait_sent(5, timeout=20)
    assert sorted(site.desk.texts) == [f"aviso {n}" for n in range(5)]
    site.control.wait_empty(30)


def test_an_alphanumeric_sender_is_taken_in_and_not_answered(site):
    site.start()
    site.control.receive("TELCEL", "oferta")
    assert until(lambda: site.desk.texts == ["oferta"])
    site.control.wait_empty()
    assert site.control.sent() == []


def test_what_does_not_decode_is_taken_in_and_deleted(site):
    site.start()
    site.control.receive_pdu("07911326040000F0040B911346610089F60000208062917314080CC8F7")
    assert until(lambda: len(site.desk.messages) == 1)
    assert site.desk.messages[0].undecodable is not None
    site.control.wait_empty()


def test_no_reply_is_sent_where_none_is_wanted(site):
    site.desk.reply = None
    site.start()
    site.control.receive(SENDER, "hola")
    assert until(lambda: site.count("sms_replies_total") == 1)
    assert site.control.sent() == []
    assert until(lambda: site.vault.count == 0)


def test_a_reply_that_fails_is_tried_again(site):
    site.start()
    site.control.set(fail_cmgs=[38])
    site.control.receive(SENDER, "hola")
    site.control.wait_sent(1, timeout=20)
    assert site.desk.texts == ["hola"]


def test_an_answer_that_is_not_ready_holds_up_no_other_text(site):
    waits = iter([True] * 5)

    def reply():
        if next(waits, False):
            raise NotYetError("no case code is ready")
        return "Clave: 1234"

    site.desk.reply = reply
    site.start()
    site.control.receive(SENDER, "aviso {n}", count=3)
    assert until(lambda: len(site.desk.texts) == 3)
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
    assert until(lambda: len(site.desk.texts) == 4, 60)
    assert len(set(site.desk.texts)) == 4


def test_a_full_sim_is_emptied_and_all_that_waits_comes_through(tmp_path):
    with Site(tmp_path, "--storages", "SM=3,ME=3").start_in() as site:
        site.control.receive(SENDER, "aviso {n}", count=25)
        assert until(lambda: len(set(site.desk.texts)) == 25, 60)
        site.control.wait_empty(20)


def test_the_pin_unlocks_the_sim_and_stands_nowhere_else(tmp_path):
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("4321\n")
    pin_file.chmod(0o600)
    with Site(tmp_path, "--pin", "4321", pin_file=pin_file).start_in() as site:
        site.control.receive(SENDER, "hola")
        site.control.wait_sent(1, timeout=20)


def test_a_wrong_pin_is_tried_once(tmp_path):
    pin_file = tmp_path / "gsm0.pin"
    pin_file.write_text("1111")
    pin_file.chmod(0o600)
    with Site(tmp_path, "--pin", "4321", pin_file=pin_file).start_in(ready=False) as site:
        assert until(lambda: site.count("modem_restarts_total") >= 2, 30)
        tried = [line for line in site.control.transcript() if line.startswith("AT+CPIN=")]
        assert len(tried) == 1
        assert site.bank.away() == ["gsm0"]
        assert site.bank.dead() == []


def test_a_port_that_is_not_there_harms_nothing_else(tmp_path, site):
    missing = ModemSettings(name="gsm1", port=str(tmp_path / "none"))
    bank = Bank([missing], site.desk.accept, site.vault, site.metrics, 600)
    bank.start()
    with contextlib.closing(bank):
        site.start()
        site.control.receive(SENDER, "hola")
        site.control.wait_sent(1, timeout=20)
        assert bank.away() == ["gsm1"]
        assert bank.dead() == []


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
    assert until(site.bank.away, 5)
    site.control.set(delay_ms=0.0)
    site.control.come_back()
    site.control.wait_sent(1, timeout=30)
    assert site.desk.texts == ["hola"]
