"""Which tty speaks AT, from a tree as sysfs has it."""

import pytest

from tests.modems.golden import dialect_file
from tipline_gw.checking import findings
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.errors import ModemSilentError
from tipline_gw.modems import identify, probing, profiles
from tipline_gw.modems.usb import advice, tty_at
from tipline_gw.settings import loader
from tipline_gw.setup import prepare

E173 = "12d1:1001"


def device(sysfs, number, ttys, *, bus="1-1"):
    """A stick with ``ttys`` by interface."""
    place = sysfs / "devices" / "usb1" / bus
    vendor, product = number.split(":")
    for interface, tty in ttys.items():
        here = place / f"{bus}:1.{interface}"
        folder = here / "tty" / tty if tty.startswith("ttyACM") else here / tty
        folder.mkdir(parents=True)
        (here / "bInterfaceNumber").write_text(f"{interface:02x}\n")
        named = sysfs / "class" / "tty" / tty
        named.mkdir(parents=True)
        (named / "device").symlink_to(here if tty.startswith("ttyACM") else folder)
    (place / "idVendor").write_text(vendor.upper() + "\n")
    (place / "idProduct").write_text(product + "\n")


@pytest.fixture
def sysfs(tmp_path):
    root = tmp_path / "sys"
    device(root, E173, {0: "ttyUSB0", 1: "ttyUSB1", 2: "ttyUSB2"})
    return root


def test_a_tty_is_known_by_its_device_and_interface_and_so_are_the_others(sysfs):
    tty = tty_at("/dev/ttyUSB1", sysfs)
    assert (tty.id, tty.interface) == (E173, 1)
    assert tty.others == {0: "ttyUSB0", 1: "ttyUSB1", 2: "ttyUSB2"}


def test_an_acm_tty_is_found_too(tmp_path):
    device(tmp_path, "1546:1141", {2: "ttyACM0", 10: "ttyACM1"})
    tty = tty_at("/dev/ttyACM1", tmp_path)
    assert (tty.interface, tty.others) == (10, {2: "ttyACM0", 10: "ttyACM1"})


@pytest.mark.parametrize("port", ["/dev/pts/3", "/dev/ttyS0", "/dev/none"])
def test_what_is_no_usb_tty_is_none(sysfs, port):
    assert tty_at(port, sysfs) is None
    assert advice(port, sysfs) is None


def test_the_right_tty_needs_no_advice_and_a_wrong_one_is_told_the_right_one(sysfs):
    assert advice("/dev/ttyUSB2", sysfs) is None
    assert advice("/dev/ttyUSB0", sysfs) == (
        "huawei/e173 speaks AT at interface 2, which is /dev/ttyUSB2 now, and this is interface 0"
    )


def test_a_link_by_path_is_followed(sysfs, tmp_path):
    (tmp_path / "ttyUSB1").touch()
    link = tmp_path / "pci-0000:00:14.0-usb-0:1.2:1.1-port0"
    link.symlink_to(tmp_path / "ttyUSB1")
    assert "interface 2" in advice(str(link), sysfs)


def test_where_the_right_tty_has_no_driver_its_interface_is_told_at_least(tmp_path):
    device(tmp_path, E173, {0: "ttyUSB0"})
    told = "huawei/e173 speaks AT at interface 2, and this is interface 0"
    assert advice("/dev/ttyUSB0", tmp_path) == told


def test_a_stick_that_no_profile_knows_is_not_judged(tmp_path):
    device(tmp_path, "ffff:ffff", {0: "ttyUSB0"})
    assert advice("/dev/ttyUSB0", tmp_path) is None


def test_every_interface_of_every_profile_is_the_right_one(tmp_path):
    """Two profiles with one id must not send an engineer from one's tty to the other's."""
    usb = [(profile, one) for profile in profiles.known() for one in profile.usb]
    for number, (_, one) in enumerate(usb):
        root = tmp_path / str(number)
        device(root, one.id, {one.at_interface: "ttyUSB0"})
        assert advice("/dev/ttyUSB0", root) is None
    assert usb


@pytest.fixture
def stick(sysfs, tmp_path):
    """An E173 whose tty has, for sysfs, the name that its pseudo-terminal has."""
    with VirtualModem(
        tmp_path / "tty", tmp_path / "control", "--dialect", str(dialect_file("huawei/e173"))
    ) as modem:

        def be(interface):
            name = modem.link.resolve().name
            folder = sysfs / "class" / "tty" / name
            folder.mkdir()
            place = sysfs / "devices" / "usb1" / "1-1" / f"1-1:1.{interface}"
            (folder / "device").symlink_to(place / f"ttyUSB{interface}")
            return modem

        yield be


def test_a_probe_at_a_wrong_tty_that_answers_says_which_is_right(stick, sysfs):
    modem = stick(0)
    done = probing.probe(str(modem.link), "auto", None, lambda _finding: None, sysfs)
    assert done.profile == "huawei/e173"
    assert any("/dev/ttyUSB2" in line for line in done.disagreements)


def test_a_probe_at_the_right_tty_finds_nothing_to_say(stick, sysfs):
    modem = stick(2)
    done = probing.probe(str(modem.link), "auto", None, lambda _finding: None, sysfs)
    assert not any("interface" in line for line in done.disagreements)
    assert done.usb == (E173, 2)


def test_a_tty_that_does_not_answer_is_diagnosed(stick, sysfs, monkeypatch):
    monkeypatch.setattr(identify, "PATIENCE", 0.2)
    modem = stick(1)
    modem.control.set(hang=True)
    with pytest.raises(ModemSilentError) as caught:
        probing.probe(str(modem.link), "auto", None, lambda _finding: None, sysfs)
    assert "which is /dev/ttyUSB2 now, and this is interface 1" in caught.value.todo


def test_check_warns_of_a_wrong_tty(sysfs, tmp_path):
    list(prepare(tmp_path / "gw", demo_keys=True))
    config = tmp_path / "gw" / "tipline.toml"
    port = tmp_path / "ttyUSB0"
    port.touch()
    config.write_text(f'{config.read_text()}\n[[modem]]\nname = "gsm0"\nport = "{port}"\n')
    found = findings(config, loader.load(config), None, sysfs=sysfs)
    (wrong,) = [finding for finding in found if "interface" in finding.what]
    assert wrong.what.startswith("modem gsm0: huawei/e173 speaks AT at interface 2")
    assert not wrong.fatal
