"""A modem's whole life, by its profile, at a virtual modem that plays its dialect; written down.

    python -m tests.modems.golden [PROFILE ...]

writes ``golden/<vendor>/<model>.txt``: every command line that the modem was given, from the first
AT to after its reset. ``test_golden`` lives the same life and compares. What the modem answered is
in the dialect; that each step had the effect it should is asserted here.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo.modem_control import ModemControl, VirtualModem
from tipline_gw.demo.stage import until
from tipline_gw.domain.sms import Notice, Part, Pushed, ReplyToken, Ringing, Stored
from tipline_gw.modems import identify, profiles
from tipline_gw.modems.driver import Driver

HERE = Path(__file__).parent
SENDER = "+526561234567"
FIRST, SECOND, THIRD = "Robo en la esquina", "¿Sirve el número?", "Otra vez"
LONG = "Gracias. Su clave es 1234-5678-901. " * 10
SECONDS = 10.0
CNMA_SECONDS = 1.0
"""How long these modems wait for +CNMA; real ones some fifteen."""


def dialect_file(name: str) -> Path:
    return HERE / "dialects" / f"{name}.toml"


def golden_file(name: str) -> Path:
    return HERE / "golden" / f"{name}.txt"


class Life:
    """One profile and the modem it is for. ``dialogue``: what the modem was given, by step."""

    def __init__(self, name: str, link: Path, control: ModemControl) -> None:
        self.profile = profiles.load(name)
        self.dialogue: list[str] = []
        self._link = link
        self._control = control
        self._vault = Vault(600)
        self._notices: queue.Queue[Notice] = queue.Queue()
        self._gone = threading.Event()
        self._seen = 0
        self.driver: Driver

    def live(self) -> list[str]:
        with self._step("identified before anything is known"):
            self._choose()
        with self._step("started"):
            self._start()
        with contextlib.closing(_Stopping(lambda: self.driver.stop())):
            self._serve()
        return self.dialogue

    def _serve(self) -> None:
        for title, step in (
            ("asked who it is", self._who),
            ("what its profile has it do first", self._initialised),
            ("armed", self._arm),
            ("a message", lambda: self._take(FIRST)),
            ("another, in the midst of other answers", self._while_busy),
            ("one that is not taken at first", self._not_taken),
            ("answered", lambda: self._answer("Gracias")),
            ("answered at length", lambda: self._answer(LONG)),
            ("a voice call is refused", self._call),
            ("asked for its balance", self._ussd),
            ("how it fares", self._fares),
            ("it has stopped delivering", self._rearmed),
            ("its software restarted", lambda: self._reset(self.driver.soft_reset)),
            ("its hardware restarted", lambda: self._reset(self.driver.power_cycle)),
        ):
            with self._step(title):
                step()

    @contextlib.contextmanager
    def _step(self, title: str) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{self.profile.name}, {title}: {error}") from error
        lines = self._control.transcript()
        self.dialogue += [f"# {title}", *lines[self._seen :]]
        self._seen = len(lines)

    # -- steps ------------------------------------------------------------------------------------

    def _open(self) -> BoundaryPort:
        return BoundaryPort(str(self._link), self._vault, on_notice=self._notices.put)

    def _choose(self) -> None:
        profile, why = identify.choose("auto", lambda _way: self._open())
        assert profile.name == self.profile.name, why

    def _start(self) -> None:
        self._gone.clear()
        self.driver = Driver(self._open, self.profile, self._gone.set)
        self.driver.start(has_pin=False)
        assert self.driver.lives

    def _who(self) -> None:
        identity = self.driver.identity()
        assert self.profile.matches(identity.manufacturer, identity.model, identity.information)
        assert len(self.driver.imei_tag()) in (0, 4)

    def _initialised(self) -> None:
        """Each has its effect; here it must at least be known."""
        for init in self.profile.init:
            result = self.driver.command(init.command)[-1]
            assert result == "OK", f"{init.command} is answered {result}"

    def _arm(self) -> None:
        self.driver.arm()
        assert self.driver.direct == (self.profile.sms.delivery == "direct")
        assert self.driver.armed()

    def _take(self, text: str) -> None:
        self._control.receive(SENDER, text)
        self._let_go(text)

    def _let_go(self, text: str) -> None:
        """What came is read, and deleted or acknowledged: nothing is left of it."""
        notice = self._notice()
        assert isinstance(notice, Pushed) == self.driver.direct, notice
        assert self._text(notice) == text
        if isinstance(notice, Stored):
            self.driver.delete_slot(notice.slot)
        else:
            self.driver.acknowledge(True)
        self._control.wait_empty()

    def _text(self, notice: Notice) -> str:
        part: Any = None
        if isinstance(notice, Pushed):
            part = notice.part
        elif isinstance(notice, Stored):
            pdu = self.driver.read_slot(notice.slot)
            assert pdu is not None
            part = self.driver.part(pdu)
        assert isinstance(part, Part) and part.sender is not None
        self.token: ReplyToken = part.sender
        return part.text

    def _while_busy(self) -> None:
        """The notice stands inside the answer to something else, which comes through whole."""
        identity = self.driver.identity()
        self._control.set(interleave=True)
        self._control.receive(SENDER, SECOND)
        assert self.driver.identity() == identity
        self._control.set(interleave=False)
        self._let_go(SECOND)

    def _not_taken(self) -> None:
        """The store refused. It lies there, or comes again."""
        self._control.receive(SENDER, THIRD)
        notice = self._notice()
        assert self._text(notice) == THIRD
        if isinstance(notice, Stored):
            ((slot, _),) = self.driver.listed(notice.slot.storage)
            assert slot == notice.slot
            self.driver.delete_slot(slot)
        elif self.profile.sms.refuse:
            self.driver.acknowledge(False)
            self._let_go(THIRD)
        else:
            self.driver.acknowledge(True)
        self._control.wait_empty()

    def _answer(self, text: str) -> None:
        self._control.forget_sent()
        parts = self.driver.send(self.token, text)
        (sent,) = self._control.wait_sent()
        assert (sent["to"], sent["text"], sent["parts"]) == (SENDER, text, parts)

    def _call(self) -> None:
        self._control.ring(SENDER)
        assert isinstance(self._notice(), Ringing)
        self.driver.refuse_call()
        assert until(lambda: not self._control.state()["in_call"], SECONDS), "it still rings"
        kept = self.profile.calls.list
        assert self._control.state()["missed_calls"] == (0 if kept == "no list" else 1)
        self.driver.purge_calls()
        assert self._control.state()["missed_calls"] == (1 if kept == "unsafe" else 0)

    def _ussd(self) -> None:
        assert self.driver.ussd("*133#", SECONDS) == self._control.set()["ussd"]

    def _fares(self) -> None:
        reception = self.driver.reception()
        assert (reception.registration, reception.dbm) == ("home", -65), reception
        slots = self.driver.slots()
        assert tuple(slots) == self.driver.storages
        assert slots[self.driver.storages[0]][1] > 0
        assert self.driver.sim() == "ready"

    def _rearmed(self) -> None:
        """By a +CNMA that did not come in time, or by whoever turned notices off."""
        if self.driver.direct:
            self._control.receive(SENDER, FIRST)
            self._notice()
            assert until(lambda: self._control.state()["cnmi"][1] == 0, SECONDS)
        else:
            mode = self.profile.sms.cnmi.split(",")[0]
            assert self.driver.command(f"AT+CNMI={mode},0")[-1] == "OK"
        assert not self.driver.armed()
        self.driver.arm()
        assert self.driver.armed()
        if self.driver.direct:
            self._swept(FIRST)

    def _swept(self, text: str) -> None:
        """What came while nothing was delivered lies there, unannounced."""
        ((slot, pdu),) = self.driver.listed(self.driver.storages[0])
        part = self.driver.part(pdu)
        assert isinstance(part, Part)
        assert part.text == text
        self.driver.delete_slot(slot)
        self._control.wait_empty()

    def _reset(self, reset: Callable[[], bool]) -> None:
        known = self._knows(reset)
        assert reset() == known
        if known:
            assert self._gone.wait(SECONDS), "it does not restart"
            self.driver.stop()
            assert until(self._link.exists, SECONDS), "it does not come back"
            self._choose()
            self._start()
            self._arm()

    def _knows(self, reset: Callable[[], bool]) -> bool:
        own = self.profile.reset
        return (own.soft if reset == self.driver.soft_reset else own.power) is not None

    def _notice(self) -> Notice:
        try:
            return self._notices.get(timeout=SECONDS)
        except queue.Empty:
            raise AssertionError("no notice came") from None


class _Stopping:
    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


def lived(name: str, directory: Path) -> str:
    """The dialogue of a whole life, as the golden file has it. Raises AssertionError."""
    link, control = directory / "gsm", directory / "control"
    options = ("--dialect", str(dialect_file(name)), "--cnma-seconds", str(CNMA_SECONDS))
    with VirtualModem(link, control, *options) as modem:
        return "\n".join(Life(name, link, modem.control).live()) + "\n"


def main(names: list[str]) -> None:
    for name in names or profiles.names():
        with tempfile.TemporaryDirectory() as directory:
            text = lived(name, Path(directory))
        golden_file(name).parent.mkdir(parents=True, exist_ok=True)
        golden_file(name).write_text(text, "utf-8")
        print(golden_file(name).relative_to(HERE.parents[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
