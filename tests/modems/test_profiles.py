"""The profiles that ship, and what becomes of one that is broken."""

import re
import tomllib
from collections import defaultdict

import pytest

from tests.modems.golden import dialect_file
from tipline_gw import resources
from tipline_gw.demo import virtual_dialect
from tipline_gw.errors import ConfigError
from tipline_gw.modems import profiles

ALL = profiles.names()
SOUND = """
source = "manual"
[identify]
manufacturer = "acme"
model = "X1"
[sms]
storages = ["SM"]
cnmi = "2,1,0,0,0"
[calls]
list = "no list"
reason = "it keeps none"
"""
WITH_FIXED_TABLES = ("serial", "sms", "ussd", "reset")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of profiles for this test alone; ``known`` reads it anew."""
    monkeypatch.setattr(resources, "folder", lambda _name: tmp_path)
    profiles.known.cache_clear()
    (tmp_path / "acme").mkdir()
    (tmp_path / "generic").mkdir()
    generic = SOUND.replace('"acme"', '""').replace('"X1"', '""')
    (tmp_path / "generic" / "generic.toml").write_text(generic)
    yield tmp_path / "acme"
    profiles.known.cache_clear()


def said_by(name: str) -> tuple[str, str, str]:
    """What the modem of a dialect says it is."""
    names = virtual_dialect.load(dialect_file(name)).identity
    return names.manufacturer, names.model, " ".join(names.information)


@pytest.mark.parametrize("name", ALL)
def test_every_profile_that_ships_is_sound_and_names_its_source(name):
    profile = profiles.load(name)
    assert profile.name == name
    assert len(profile.source) > 10
    assert virtual_dialect.load(dialect_file(name)).source


@pytest.mark.parametrize("name", ALL)
def test_every_table_that_departs_from_the_standard_gives_its_reason(name):
    file = resources.folder("modem_profiles") / f"{name}.toml"
    tables = tomllib.loads(file.read_text("utf-8"))
    for key in WITH_FIXED_TABLES:
        if set(tables.get(key, {})) - {"dialect"}:
            assert len(tables[key]["reason"]) > 5, f"{file}: [{key}] without a reason"


@pytest.mark.parametrize("name", ALL)
def test_exactly_its_own_profile_matches_what_a_modem_says(name):
    matching = [profile.name for profile in profiles.known() if profile.matches(*said_by(name))]
    assert matching == ([] if name == profiles.GENERIC else [name])
    assert profiles.select(*said_by(name)).name == name


@pytest.mark.parametrize(
    ("manufacturer", "model", "name"),
    [
        ("huawei", "E1550", "huawei/e173"),
        ("huawei", "K3765", "huawei/e173"),
        ("huawei", "E3372", "huawei/e3131"),
        ("Huawei Technologies Co., Ltd.", "ME909s-120", "huawei/me909"),
        ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom/sim800"),
        ("SIMCOM_Ltd", "SIMCOM_SIM900A", "simcom/sim900"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "simcom/sim7600"),
        ("SIMCOM INCORPORATED", "SIM7600G-H", "simcom/sim7600"),
        ("Quectel_Ltd", "Quectel_M95", "quectel/m95"),
        ("Quectel", "UC20", "quectel/uc20"),
        ("Quectel", "EG25", "quectel/ec25"),
        ("Quectel", "EC21", "quectel/ec25"),
        ("Sierra Wireless, Incorporated", "MC7455", "sierra/mc"),
        ("SIEMENS", "MC55", "cinterion/mc55"),
        ("Cinterion", "MC55i", "cinterion/mc55"),
        ("Cinterion", "BGS2-W", "cinterion/bgs2"),
        ("Telit", "GE864-QUAD", "telit/ge864"),
        ("Telit", "LE910-EUG", "telit/le910"),
        ("u-blox", "SARA-G350", "ublox/sara"),
        ("u-blox", "LISA-U200", "ublox/lisa"),
        ("WAVECOM MODEM", "MULTIBAND  900E  1800", "wavecom/fastrack"),
        ("ZTE INCORPORATED", "MF190", "zte/mf"),
        ("ZTE CORPORATION", "MF180", "zte/mf"),
        ("Quectel", "BG96", profiles.GENERIC),
        ("Telit", "LE910C1-EU", profiles.GENERIC),
        ("u-blox", "SARA-R410M-02B", profiles.GENERIC),
        ("huawei", "MU609", profiles.GENERIC),
    ],
)
def test_models_of_a_family_and_its_strangers_are_told_apart(manufacturer, model, name):
    assert profiles.select(manufacturer, model).name == name


@pytest.mark.parametrize("name", ALL)
def test_no_profile_asks_for_status_reports(name):
    sms = profiles.load(name).sms
    for cnmi in (sms.cnmi, sms.cnmi_direct):
        fields = cnmi.split(",")
        assert len(fields) < 4 or fields[3] == "0"


def test_there_are_at_least_fourteen_families_and_the_generic_one():
    assert len(ALL) >= 15
    assert profiles.GENERIC in ALL


def test_no_usb_id_is_claimed_with_two_interfaces():
    claims = defaultdict(set)
    for profile in profiles.known():
        for usb in profile.usb:
            claims[usb.id].add(usb.at_interface)
    assert {usb_id: faces for usb_id, faces in claims.items() if len(faces) > 1} == {}


def test_what_nothing_matches_is_served_by_the_generic_profile():
    assert profiles.select("Nobody", "N1").name == profiles.GENERIC
    assert profiles.select("", "").name == profiles.GENERIC


def test_a_profile_that_is_not_there_names_those_that_are():
    with pytest.raises(ConfigError, match="choose one of: auto, cinterion/bgs2"):
        profiles.load("no/such")


def test_two_profiles_that_match_are_an_error_that_names_both(folder):
    (folder / "x1.toml").write_text(SOUND)
    (folder / "x.toml").write_text(SOUND.replace('"X1"', '"X"'))
    assert profiles.select("Acme Ltd", "X2").name == "acme/x"
    with pytest.raises(ConfigError, match="acme/x and acme/x1"):
        profiles.select("Acme Ltd", "X1")


def test_what_ati_says_can_tell_models_apart(folder):
    (folder / "x1.toml").write_text(SOUND)
    (folder / "x.toml").write_text(
        SOUND.replace('model = "X1"', 'model = "X"\ninformation = "second generation"')
    )
    assert profiles.select("Acme", "X1", "X1 first generation").name == "acme/x1"
    assert profiles.select("Acme", "X9", "X9 Second Generation").name == "acme/x"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("source = ", "source = ["), "x1.toml"),
        (('[identify]\nmanufacturer = "acme"\nmodel = "X1"', ""), "identify: Field required"),
        (('source = "manual"', 'source = "manual"\ntypo = 1'), "typo: Extra inputs"),
        (('model = "X1"', 'model = "("'), r"identify\.model"),
        (('"2,1,0,0,0"', '"2;1"'), r"sms\.cnmi"),
        (('"2,1,0,0,0"', '"2,1,0,1,0"'), "status reports"),
        (('"2,1,0,0,0"', '"2,2,0,0,0"'), "mt 1"),
        (('cnmi = "2', 'cnmi_direct = "2,1,0,0,0"\ncnmi = "2'), "mt 2"),
        (('"no list"', '"purgeable"'), "purge"),
        (('"no list"', '"no list"\npurge = ["AT^SPBD"]'), "purge"),
        (('["SM"]', "[]"), r"sms\.storages"),
        (('["SM"]', '["SM", "memory"]'), r"sms\.storages"),
        (('reason = "it keeps none"', ""), r"calls\.reason"),
        (('"it keeps none"', '"x"\nrefuse = "HANGUP"'), r"calls\.refuse"),
    ],
)
def test_a_broken_profile_is_refused_by_file_and_key(folder, change, said):
    text = SOUND.replace(*change)
    assert text != SOUND
    (folder / "x1.toml").write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        profiles.load("acme/x1")
    assert re.search(r"x1\.toml", str(caught.value))
