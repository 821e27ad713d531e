"""A modem's fare as it is looked at, with hardware and a clock that do what they are told."""

import pytest

from tipline_gw.errors import ModemError
from tipline_gw.modems.identify import Reception
from tipline_gw.modems.jobs import Restarting
from tipline_gw.modems.watch import BALANCE_SECONDS, LOST_SECONDS, Watch


class Hardware:
    """``can``: the resets its profile knows. ``done``: what it was told to do."""

    def __init__(self):
        self.registration = "home"
        self.operator = "TELCEL"
        self.dbm = -71
        self.fill = {"SM": (1, 20)}
        self.answer = "Saldo Amigo $43.50"
        self.can = {"soft", "power"}
        self.done = []

    def reception(self):
        return Reception(self.operator, self.registration, self.dbm)

    def slots(self):
        return self.fill

    def sim(self):
        return "ready"

    def ussd(self, code, timeout=30):
        self.done.append(code)
        if self.answer is None:
            raise ModemError("the network gave no answer to the code")
        return self.answer

    def soft_reset(self):
        return self._reset("soft")

    def power_cycle(self):
        return self._reset("power")

    def _reset(self, how):
        if how in self.can:
            self.done.append(how)
        return how in self.can


class Look:
    """A watch, its hardware, and what it told."""

    def __init__(self):
        self.time = 1000.0
        self.told = []
        self.hardware = Hardware()
        self.hardware.operator = "no such operator"
        self.watch = Watch(lambda what, count: self.told.append((what, count)), lambda: self.time)

    def __call__(self, after=0.0):
        """Look after so many seconds; whether the modem had to be reset."""
        self.time += after
        self.told.clear()
        try:
            self.watch.look(self.hardware)
        except Restarting:
            return True
        return False

    @property
    def done(self):
        return self.hardware.done


@pytest.fixture
def look():
    return Look()


def test_what_it_says_is_shown_and_told(look):
    assert not look()
    watch = look.watch
    assert (watch.sim, watch.slots, watch.registered) == ("ready", {"SM": (1, 20)}, True)
    assert watch.reception == look.hardware.reception()
    assert look.told == [("signal-dbm", -71), ("registered", 1)]


def test_a_signal_that_is_not_known_is_not_told(look):
    look.hardware.dbm = None
    look()
    assert look.told == [("registered", 1)]


def test_off_the_network_its_software_is_reset_after_five_minutes_then_its_hardware(look):
    look.hardware.registration = "searching"
    assert not look()
    assert look.told[-1] == ("registered", 0)
    assert not look(LOST_SECONDS)
    assert look.done == []
    assert look(1)
    assert look.done == ["soft"]
    assert look.told[-1] == ("reset", 1)
    assert not look(LOST_SECONDS)
    assert look(1)
    assert look.done == ["soft", "power"]
    assert look.watch.resets == 2


@pytest.mark.parametrize("registration", ["searching", "denied", "none"])
def test_back_on_the_network_all_is_forgotten(look, registration):
    look.hardware.registration = registration
    look()
    assert look(LOST_SECONDS + 1)
    look.hardware.registration = "roaming"
    assert not look(10)
    look.hardware.registration = registration
    assert not look(10)
    assert not look(LOST_SECONDS)
    assert look(1)
    assert look.done == ["soft", "soft"]


def test_a_modem_that_does_not_know_is_not_reset(look):
    look.hardware.registration = "unknown"
    assert not look()
    assert not look(2 * LOST_SECONDS)
    assert look.watch.registered


def test_where_the_hardware_cannot_be_reset_the_software_is_again(look):
    look.hardware.can = {"soft"}
    look.hardware.registration = "searching"
    look()
    assert look(LOST_SECONDS + 1)
    assert look(LOST_SECONDS + 1)
    assert look.done == ["soft", "soft"]


def test_where_nothing_can_be_reset_it_goes_on_as_it_is(look):
    look.hardware.can = set()
    look.hardware.registration = "searching"
    look()
    assert not look(LOST_SECONDS + 1)
    assert look.watch.resets == 0
    assert ("reset", 1) not in look.told


@pytest.mark.parametrize(("hard", "done"), [(False, ["soft"]), (True, ["power"])])
def test_it_is_reset_as_hard_as_asked(look, hard, done):
    assert look.watch.reset(look.hardware, hard=hard)
    assert look.done == done


def test_the_balance_is_asked_once_a_day(look):
    look.hardware.operator = "TELCEL"
    look()
    look(60)
    look(BALANCE_SECONDS - 61)
    assert look.done == ["*133#"]
    assert look.watch.balance == 43.5
    look(1)
    assert look.done == ["*133#", "*133#"]
    assert look.told[-2:] == [("balance", 43.5), ("balance-low", 0)]


def test_a_low_balance_is_told(look):
    look.hardware.operator, look.hardware.answer = "TELCEL", "Saldo Amigo $19.99"
    look()
    assert look.told[-2:] == [("balance", 19.99), ("balance-low", 1)]


@pytest.mark.parametrize("answer", [None, "Marque *111 para recargar"])
def test_a_balance_that_is_not_told_is_no_balance(look, answer):
    look.hardware.operator, look.hardware.answer = "TELCEL", answer
    assert not look()
    assert look.watch.balance is None
    assert look.told == [("signal-dbm", -71), ("registered", 1)]


def test_whose_code_is_not_known_is_not_asked_nor_who_is_off_the_network(look):
    look()
    look.hardware.operator, look.hardware.registration = "TELCEL", "searching"
    look(1)
    assert look.done == []


def test_a_full_storage_is_counted_and_one_without_slots_is_not_full(look):
    look.hardware.fill = {"SM": (20, 20), "ME": (0, 0), "SR": (3, 10)}
    look()
    assert look.told.count(("storage-full", 1)) == 1
    assert look.watch.slots == look.hardware.fill


@pytest.mark.parametrize(
    ("waiting", "total", "nearly"),
    [(17, 20, False), (18, 20, True), (3, 3, True), (2, 3, False), (0, 0, False)],
)
def test_a_storage_that_waiting_parts_nearly_fill_is_told(waiting, total, nearly):
    watch, modem = Watch(lambda _what, _count: None), Hardware()
    assert not watch.nearly_filled("SM", waiting)
    modem.fill = {"SM": (total, total)}
    watch.look(modem)
    assert watch.nearly_filled("SM", waiting) is nearly
    assert not watch.nearly_filled("ME", waiting)
