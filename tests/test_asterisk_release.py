from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.asterisk_release import SERIES, Release, installed, parse


@pytest.mark.parametrize(
    ("version", "does"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", True),
        ("Asterisk 22.4.0", True),
        ("Asterisk 22.3.0", False),
        ("Asterisk 20.14.0", True),
        ("Asterisk 20.6.0~dfsg", False),
        ("Asterisk 21.9.0", False),
        ("Asterisk 18.26.4", False),
        ("Asterisk 23.0.0", True),
        ("Asterisk certified/20.7-cert4", False),
        ("22.10", True),
        ("Asterisk 22.10.1 built by nobody @ buildd on a unknown running Linux", True),
    ],
)
def test_releases_whose_audiosocket_passes_keys_on(version, does):
    release = parse(version)
    assert release is not None
    assert release.passes_keys_on is does


@pytest.mark.parametrize("text", ["", "No such command", "Asterisk GIT-master", "x22.4"])
def test_what_is_no_version_is_none(text):
    assert parse(text) is None


@pytest.mark.parametrize("series", SERIES)
def test_what_a_release_lacks_is_said_in_words(series):
    assert Release(series, 99).lacks == ("" if series != 18 else Release(18, 99).lacks)
    assert "# does not end a recording" in Release(series, 0).lacks
    assert str(Release(series, 4)) == f"{series}.4"


def test_before_audiosocket_it_is_too_old():
    assert "too old" in Release(16, 28).lacks


def test_an_asterisk_is_asked_and_none_is_none(tmp_path, monkeypatch):
    program = tmp_path / "asterisk"
    program.write_text("#!/bin/sh\necho Asterisk 20.15.0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert installed(Path("/")) == Release(20, 15)
    program.write_text("#!/bin/sh\necho Asterisk 20.15.0\nexit 1\n")
    assert installed(Path("/")) is None
    assert installed(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert installed(Path("/")) is None


@given(st.text(max_size=60))
def test_any_text_is_a_release_or_none(text):
    assert parse(text) is None or isinstance(parse(text), Release)
