"""The core's side of the two processes: a real modem side, a virtual modem, an intake played."""

import os
import signal
from pathlib import Path

import pytest

from tipline_gw import settings
from tipline_gw.boundary.pdu import join
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import set_up, until
from tipline_gw.domain.bank import Answer, Settled, Taken
from tipline_gw.errors import ConfigError
from tipline_gw.modem_host import ModemHost
from tipline_gw.settings.schema import Modem
from tipline_gw.telemetry.metrics import Metrics

SENDER = "+526561234567"


class Intake:
    def __init__(self) -> None:
        self.texts, self.places, self.begun = [], set(), 0
        self.deaf = False
        self.fails = 0

    def begin(self):
        self.begun += 1
        return Settled(b"salt", (("gsm0", tuple(self.places)),))

    def take(self, offer, say):
        if self.deaf:
            return
        if self.fails:
            self.fails -= 1
            raise KeyError("a fault of ours")
        self.texts.append(join(offer.message.parts))
        self.places.update(offer.places)
        say(Taken(offer.serial, True))
        say(Answer(offer.serial, "Clave: 1234"))

    def cleared(self, cleared):
        self.places.difference_update(cleared.places)

    def note(self, note, say):
        raise AssertionError("there is no PIN")


class Scene:
    def __init__(self, tmp_path: Path) -> None:
        self.modem = VirtualModem(tmp_path / "tty", tmp_path / "control")
        config = set_up(tmp_path / "gw", {"gsm0": tmp_path / "tty"})
        self.intake, self.metrics = Intake(), Metrics()
        self.host = ModemHost(
            config, "debug", settings.load(config).modem, self.intake, self.metrics.take
        )

    def __enter__(self):
        self.modem.start()
        self.host.start()
        assert until(lambda: not self.host.away(), 30)
        return self

    def __exit__(self, *_):
        self.host.close()
        self.modem.stop()

    @property
    def pid(self) -> int:
        return self.host._process.pid


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path) as made:
        yield made


def test_a_fault_of_the_core_over_one_message_loses_nothing_and_the_modems_come_back(scene):
    scene.intake.fails = 1
    scene.modem.control.receive(SENDER, "hola")
    scene.modem.control.wait_sent(1, timeout=30)
    assert scene.intake.texts == ["hola"]
    assert scene.intake.begun == 2
    assert scene.host.faults() == []


def test_what_cannot_be_counted_stops_nothing(scene):
    def fails(_tally):
        raise KeyError("a fault of ours")

    scene.host._tally = fails
    os.kill(scene.pid, signal.SIGKILL)
    scene.modem.control.receive(SENDER, "hola")
    scene.modem.control.wait_sent(1, timeout=30)
    assert scene.intake.texts == ["hola"]
    assert scene.host.faults() == []


def test_a_text_crosses_and_its_answer_comes_back(scene):
    scene.modem.control.receive(SENDER, "hola")
    (sent,) = scene.modem.control.wait_sent(1, timeout=20)
    assert (sent["to"], sent["text"]) == (SENDER, "Clave: 1234")
    assert scene.intake.texts == ["hola"]
    assert until(lambda: not scene.intake.places, 10)
    assert b'tipline_modem_up{modem="gsm0"} 1.0' in scene.metrics.text()
    assert scene.host.faults() == []


def test_a_modem_side_that_is_killed_is_begun_anew_and_nothing_is_lost_or_doubled(scene):
    scene.modem.control.receive(SENDER, "uno")
    scene.modem.control.wait_sent(1, timeout=20)
    scene.intake.deaf = True
    scene.modem.control.receive(SENDER, "dos " * 80)
    before = scene.pid
    os.kill(before, signal.SIGKILL)
    scene.intake.deaf = False
    scene.modem.control.wait_sent(2, timeout=30)
    assert scene.pid != before
    assert scene.intake.texts == ["uno", "dos " * 80]
    assert scene.intake.begun == 2


def test_no_module_is_taken_from_where_the_daemon_was_started(tmp_path, monkeypatch):
    """A folder of scripts, perhaps of somebody else: the modem side has the numbers."""
    (tmp_path / "here").mkdir()
    for name in ("queue", "serial", "tipline_gw"):
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit(3)\n")
    scene = Scene(tmp_path)
    with scene.modem:
        monkeypatch.chdir(tmp_path / "here")
        scene.host.start()
        try:
            assert until(lambda: not scene.host.away(), 30)
        finally:
            scene.host.close()


def test_a_silent_modem_side_is_ended(scene):
    before = scene.pid
    os.kill(before, signal.SIGSTOP)
    scene.host._heard -= 3600
    scene.host.keep_house()
    assert until(lambda: scene.host._process is not None and scene.pid != before, 10)
    assert until(lambda: not scene.host.away(), 30)


def test_at_the_end_the_process_is_gone_and_the_port_free(scene):
    pid = scene.pid
    scene.host.close()
    assert not Path(f"/proc/{pid}").exists()
    assert until(lambda: not scene.modem.control.state()["port_open"], 5)


def test_the_modem_side_ends_with_the_core(scene):
    """The socket's end is all that it needs to see: nobody has to tell it."""
    pid = scene.pid
    with scene.host._guard:
        scene.host._stop.set()
        scene.host._link.close()
    assert until(lambda: not Path(f"/proc/{pid}").exists(), 10)


def test_without_modems_there_is_no_process(tmp_path):
    host = ModemHost(tmp_path / "tipline.toml", "info", [], Intake(), print)
    host.start()
    assert (host.faults(), host.away()) == ([], ())
    host.close()


def test_a_profile_or_a_pin_that_cannot_be_used_refuses_start(tmp_path):
    pin = tmp_path / "pin"
    for modem, said in (
        (Modem(name="gsm0", port="/dev/null", profile="no/such"), "no modem profile"),
        (Modem(name="gsm0", port="/dev/null", pin_file=pin), "PIN file"),
    ):
        with pytest.raises(ConfigError, match=said):
            ModemHost(tmp_path / "tipline.toml", "info", [modem], Intake(), print)
