"""When a failing modem is reset: by a clock that is told the time, and at virtual modems."""

import contextlib

import pytest

from tests.modems.test_bank import Site, until
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.errors import ConfigError, ModemSilentError
from tipline_gw.modems import identify, modem, profiles
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.revival import CLEAN_SECONDS, STUBBORN, BarePort, Failures

E3131 = profiles.load("huawei/e3131")


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def failures(clock):
    return Failures(clock)


def fail(failures, count):
    for _ in range(count):
        failures.add()


def test_so_many_failures_in_a_row_and_a_reset_is_due_first_a_soft_one(failures):
    fail(failures, STUBBORN - 1)
    assert not failures.due
    failures.add()
    assert failures.due
    assert not failures.hard
    failures.was_reset()
    assert not failures.due
    fail(failures, STUBBORN)
    assert failures.due
    assert failures.hard


def test_a_modem_that_fails_every_few_minutes_is_stubborn_too(failures, clock):
    for _ in range(STUBBORN):
        failures.ready()
        assert failures.session
        clock.time += CLEAN_SECONDS - 1
        failures.add()
        assert not failures.session
    assert failures.due


def test_a_long_session_makes_good_what_was_before_it(failures, clock):
    fail(failures, STUBBORN - 1)
    failures.was_reset()
    failures.ready()
    clock.time += CLEAN_SECONDS
    failures.add()
    assert not failures.hard
    fail(failures, STUBBORN - 2)
    assert not failures.due
    failures.add()
    assert failures.due


def test_time_without_a_session_makes_nothing_good(failures, clock):
    for _ in range(STUBBORN):
        clock.time += CLEAN_SECONDS
        failures.add()
    assert failures.due


# A port alone.


@pytest.fixture
def plugged(tmp_path):
    with contextlib.ExitStack() as stack:

        def plug(*options):
            virtual = VirtualModem(tmp_path / "tty", tmp_path / "control", *options)
            return stack.enter_context(virtual).control

        yield plug


def port_of(tmp_path, profile):
    link, vault = str(tmp_path / "tty"), Vault(600)
    return BarePort(lambda: BoundaryPort(link, vault, on_notice=lambda _notice: None), profile)


def test_a_reset_needs_no_more_than_an_answer_to_at(plugged, tmp_path):
    control = plugged()
    assert port_of(tmp_path, E3131).soft_reset()
    assert port_of(tmp_path, E3131).power_cycle()
    given = control.transcript()
    assert [line for line in given if line not in ("AT", "ATE0")] == [
        E3131.reset.soft, E3131.reset.power,
    ]  # fmt: skip


def test_what_does_not_listen_is_not_said_to_be_reset(plugged, tmp_path, monkeypatch):
    monkeypatch.setattr(identify, "PATIENCE", 0.2)
    assert not port_of(tmp_path, E3131).soft_reset()
    plugged("--hang")
    assert not port_of(tmp_path, E3131).soft_reset()


def test_a_port_that_the_boundary_does_not_open_is_no_fault_of_the_thread():
    def refused():
        raise ConfigError("the PIN file cannot be read")

    assert not BarePort(refused, E3131).soft_reset()


def test_what_the_profile_does_not_know_is_not_tried(plugged, tmp_path):
    control = plugged()
    assert not port_of(tmp_path, profiles.load(profiles.GENERIC)).power_cycle()
    assert control.transcript() == []


# In service.


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(modem, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(modem, "FIRST_PAUSE", 0.1)
    with Site(tmp_path) as made:
        made.settings = made.settings.model_copy(update={"profile": "huawei/e3131"})
        made.bank = made.new_bank()
        yield made


def resets(site):
    return [
        line for line in site.control.transcript() if line in (E3131.reset.soft, E3131.reset.power)
    ]


def both(site):
    return until(lambda: len(resets(site)) >= 2, 40) and resets(site)[:2] == [
        E3131.reset.soft, E3131.reset.power,
    ]  # fmt: skip


def test_a_modem_that_cannot_be_identified_is_reset_its_software_then_its_hardware(
    site, monkeypatch
):
    def mute(_ask):
        raise ModemSilentError("not identified: no answer to AT+CGMI in time")

    monkeypatch.setattr(identify, "asked", mute)
    site.bank.start()
    assert both(site)
    assert until(lambda: site.count("modem_resets_total") >= 2)


def test_a_modem_that_breaks_the_driver_is_reset(site, monkeypatch):
    monkeypatch.setattr(Driver, "reception", lambda _self: 1 // 0)
    site.bank.start()
    assert both(site)


def test_a_modem_that_keeps_failing_although_registered_is_reset_to_its_hardware(site, monkeypatch):
    def fails(_self, _storage):
        raise ModemSilentError("messages not listed: no answer to AT+CMGL in time")

    monkeypatch.setattr(Driver, "listed", fails)
    site.bank.start()
    assert both(site)
    assert site.bank.views()[0].registration == "home"


def test_a_sim_that_wants_its_puk_is_nothing_that_a_reset_mends(tmp_path, monkeypatch):
    monkeypatch.setattr(modem, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(modem, "FIRST_PAUSE", 0.1)
    with Site(tmp_path, "--blocked").start_in(ready=False) as site:
        assert until(lambda: site.bank.views()[0].restarts > 2 * STUBBORN, 40)
        assert until(lambda: site.bank.views()[0].state == "sim-blocked")
        assert site.bank.views()[0].resets == 0
