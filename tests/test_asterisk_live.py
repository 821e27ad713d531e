"""Where the control socket is, and what is asked; the answers have tests of their own, and a real
Asterisk is asked in tests/voice/test_live_check.py."""

import pytest

from tests.test_asterisk_answers import DIALPLAN, ENDPOINT, LOGGER, MAPPINGS, SETTINGS
from tipline_gw.asterisk_live import faults, live_faults, runs, socket_of
from tipline_gw.errors import VoiceError

ANSWERS = {
    "core show version": "Asterisk 22.10.1 built by nobody\n",
    "core show settings": SETTINGS,
    "cel show status": "CEL Logging: Disabled\n",
    "http show status": "HTTP Server Status:\nServer Disabled\n",
    "module show": "res_agi.so      AGI             0          Running              core\n",
    "logger show channels": LOGGER.format(""),
    "dialplan show": DIALPLAN,
    "core show hints": "There are no registered dialplan hints\n",
    "dialplan show globals": "    -- 0 variable(s)\n",
    "database show": "0 results found.\n",
    "pjproject show log mappings": MAPPINGS.format("", ""),
    "pjsip show endpoints": " Endpoint:  line      Unavailable   0 of inf\n",
    "pjsip show endpoint line": ENDPOINT,
}


def test_all_is_asked_and_nothing_is_found_where_there_is_nothing():
    asked = []
    assert list(faults(lambda c: asked.append(c) or ANSWERS[c], ["res_agi.so"])) == []
    assert asked == list(ANSWERS)


def test_a_driver_of_sticks_is_known_by_its_module():
    module = ANSWERS["module show"].replace("res_agi", "chan_quectel")
    console = "   Console  default    Enabled    - WARNING ERROR VERBOSE \n"
    changed = {**ANSWERS, "module show": module, "logger show channels": LOGGER.format(console)}
    (fault,) = faults(changed.__getitem__)
    assert "WARNING, ERROR" in fault.what


def test_one_that_is_still_starting_is_not_taken_for_a_clean_one():
    with pytest.raises(VoiceError, match="version"):
        list(faults(lambda _: "No such command 'core show version'"))


def test_the_socket_is_where_the_configuration_says(tmp_path):
    conf = tmp_path / "asterisk.conf"
    conf.write_text(f"[directories]\nastetcdir => {tmp_path}\nastrundir => /run/tl ; here\n")
    assert str(socket_of(tmp_path)) == str(socket_of(conf)) == "/run/tl/asterisk.ctl"


def test_in_a_root_of_its_own_the_socket_is_found_from_outside(tmp_path):
    directory = tmp_path / "root/etc/tl"
    directory.mkdir(parents=True)
    (directory / "asterisk.conf").write_text("astetcdir => /etc/tl\nastrundir => /etc/tl/run\n")
    assert socket_of(directory) == tmp_path / "root/etc/tl/run/asterisk.ctl"


def test_without_a_configuration_it_is_where_asterisk_has_it(tmp_path):
    assert str(socket_of(tmp_path)) == "/var/run/asterisk/asterisk.ctl"
    (tmp_path / "asterisk.conf").write_text(f"astrundir = {tmp_path}\n")
    assert not runs(tmp_path)
    with pytest.raises(VoiceError, match="does not answer"):
        live_faults(tmp_path)
