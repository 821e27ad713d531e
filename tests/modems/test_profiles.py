import pytest

from tipline_gw import resources
from tipline_gw.errors import ConfigError
from tipline_gw.modems import profiles


@pytest.mark.parametrize("name", profiles.names())
def test_every_profile_that_ships_is_sound_and_names_its_source(name):
    profile = profiles.load(name)
    assert profile.name == name
    assert profile.source
    assert all(init.reason for init in profile.init)


def test_auto_begins_with_the_generic_profile():
    profile = profiles.load("auto")
    assert profile.name == "generic/generic"
    assert profile.matches("SIMCOM INCORPORATED", "SIM800")


def test_no_profile_asks_for_status_reports():
    for name in profiles.names():
        fields = profiles.load(name).sms.cnmi.split(",")
        assert len(fields) < 4 or fields[3] == "0"


def test_a_profile_that_is_not_there_names_those_that_are():
    with pytest.raises(ConfigError, match="choose one of: generic/generic"):
        profiles.load("no/such")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source = ", "Invalid value"),
        ('source = "x"\n[sms]\nstorages = []\ncnmi = "2,1"', "identify: Field required"),
        (
            'source = "x"\ntypo = 1\n[identify]\nmanufacturer = "a"\nmodel = "b"\n'
            '[sms]\nstorages = ["SM"]\ncnmi = "2,1"',
            "typo: Extra inputs",
        ),
        (
            'source = "x"\n[identify]\nmanufacturer = "a"\nmodel = "b"\n'
            '[sms]\nstorages = ["SM"]\ncnmi = "2;1"',
            r"sms\.cnmi",
        ),
    ],
)
def test_a_broken_profile_is_refused_by_file_and_key(tmp_path, monkeypatch, text, said):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "x1.toml").write_text(text)
    monkeypatch.setattr(resources, "folder", lambda _name: tmp_path)
    with pytest.raises(ConfigError, match=said) as caught:
        profiles.load("acme/x1")
    assert "x1.toml" in str(caught.value)
