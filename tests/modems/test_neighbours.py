"""A sick modem beside a healthy one: the healthy one's texts are all taken in and answered."""

import contextlib

import pytest

from tests.modems.test_bank import Core, until
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.modems.bank import Bank
from tipline_gw.settings.schema import Modem as ModemSettings
from tipline_gw.settings.schema import Sms

SENDER = "+52656123{:04}"
TEXTS = 6
ABSENT = "absent"

SICKNESSES = {
    "hangs from the start": (("--hang",), None, {"away", "starting"}),
    "hangs in service": ((), lambda sick: sick.set(hang=True), {"away", "starting", "ready"}),
    "speaks garbage": (("--noise", "1.0"), None, {"ready"}),
    "has no SIM": (("--sim-missing",), None, {"sim-missing", "starting"}),
    "has a blocked SIM": (("--blocked",), None, {"sim-blocked", "starting"}),
    "wants a PIN": (("--pin", "4321"), None, {"sim-pin", "starting"}),
    "has no credit": (("--no-credit", "38"), None, {"ready", "cannot-send"}),
    "has no network": (("--registration", "2"), None, {"not-registered"}),
    "is unplugged": ((), lambda sick: sick.vanish(), {"away", "starting"}),
    "is not there": (ABSENT, None, {"away", "starting"}),
}
"""Options at its start, what befalls it in service, and what it may then be said to be."""


class Ward:
    """Both modems and their bank, the sick one first."""

    def __init__(self, directory, options):
        self.core = Core()
        self._stack = contextlib.ExitStack()
        self.sick = None if options == ABSENT else self._plug(directory, "sick", *options)
        self.well = self._plug(directory, "well")
        named = [
            ModemSettings(name=name, port=str(directory / f"tty-{name}"), profile="auto")
            for name in ("sick", "well")
        ]
        self.bank = self.core.bank = Bank(named, Sms(), self.core.settled, self.core.send)
        self._stack.callback(self.bank.abandon)
        self.bank.start()

    def _plug(self, directory, name, *options):
        modem = VirtualModem(directory / f"tty-{name}", directory / f"control-{name}", *options)
        return self._stack.enter_context(modem).control

    def state(self, name):
        return next(view.state for view in self.bank.views() if view.name == name)

    def taken(self, name):
        return {
            text
            for m, text in zip(self.core.messages, self.core.texts, strict=True)
            if m.modem == name
        }

    def close(self):
        self._stack.close()


@pytest.mark.parametrize("sickness", SICKNESSES)
def test_its_neighbour_does_not_notice(tmp_path, sickness):
    options, befalls, states = SICKNESSES[sickness]
    ward = Ward(tmp_path, options)
    with contextlib.closing(ward):
        assert until(lambda: ward.state("well") == "ready")
        if befalls:
            assert until(lambda: ward.state("sick") == "ready")
            befalls(ward.sick)
        if ward.sick:
            ward.sick.receive(SENDER.format(9), "del enfermo {n}", count=3)
        for n in range(TEXTS):
            ward.well.receive(SENDER.format(n), f"aviso {n} " + "largo " * 30 * (n % 2))
        sent = ward.well.wait_sent(TEXTS, timeout=20)
        assert {one["to"] for one in sent} == {SENDER.format(n) for n in range(TEXTS)}
        assert len(ward.taken("well")) == TEXTS
        ward.well.wait_empty()
        assert ward.state("well") == "ready"
        assert until(lambda: ward.state("sick") in states)
        assert next(v for v in ward.bank.views() if v.name == "well").restarts == 0
