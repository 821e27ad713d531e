"""The engineer's tools, as a person calls them: at ports of their own, and at a running gateway.

Nothing they print or write may hold a number, nor what a tip says.
"""

import json
import re
import stat
import subprocess
import sys
import time
import tomllib

import pytest

from tests.cli.conftest import TIPLINE, tipline
from tipline_gw import resources
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.search import search_octets
from tipline_gw.demo.stage import running, until
from tipline_gw.modems import profiles
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.view import STATES

SENDER = "+526561234567"
OWN = "+526561000000"
IMEI = "490154203237518"
TEXT = "la casa azul de la esquina"


@pytest.fixture
def modem(tmp_path):
    with VirtualModem(tmp_path / "tty0", tmp_path / "ctl0") as made:
        yield made


def configured(gateway, **ports):
    tables = [f'\n[[modem]]\nname = "{name}"\nport = "{port}"\n' for name, port in ports.items()]
    gateway.write_text(gateway.read_text() + "".join(tables))
    return gateway


@pytest.fixture
def alone(gateway, modem):
    """A configuration with one modem, and no daemon."""
    return configured(gateway, gsm0=modem.link)


@pytest.fixture
def daemon(alone):
    with running(alone) as made:
        yield made


def modems(*args, config, stdin=None, code=0):
    done = tipline("modems", *args, config=config, stdin=stdin)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    clean(done.stdout + done.stderr)
    return done


def clean(said):
    """No number of anybody's, no text."""
    octets = said.encode() if isinstance(said, str) else said
    assert not list(search_octets(octets, [SENDER, OWN, IMEI]))
    for form in (TEXT, TEXT.encode().hex(), TEXT.encode("utf-16-be").hex()):
        assert form.lower() not in octets.decode(errors="replace").lower()


def failed(*args, config, stdin=None):
    """The one line that says what happened and what to do."""
    done = modems(*args, config=config, stdin=stdin, code=1)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("·")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("tipline-gw: ")
    return lines[0]


# Where no gateway runs.


def test_list_opens_the_ports_and_says_so(alone, modem):
    modem.control.receive(SENDER, TEXT)
    done = modems("list", config=alone)
    assert "the ports are opened from here" in done.stderr
    assert f"gsm0: opening {modem.link}" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 100
    flat = " ".join(done.stdout.split())
    for said in ("ready", "Virtual VM-1", "-65 dBm good", "Red Virtual", "home", "SM 1/20"):
        assert said in flat, said
    assert "profile generic/generic: nothing matches" in flat


def test_list_without_modems_says_which_table_to_add(gateway):
    said = "no modems in the configuration: add a [[modem]] table\n"
    assert modems("list", config=gateway).stdout == said


def test_a_path_in_brackets_is_told_as_it_is(tmp_path):
    done = modems("probe", tmp_path / "[/dim]", config=tmp_path / "none.toml", code=1)
    assert f"asking {tmp_path}/[/dim] what it is" in done.stderr


def test_list_as_json_has_every_field(alone, modem):
    modem.control.set(signal=3, registration=5)
    (view,) = json.loads(modems("list", "--json", config=alone).stdout)
    assert (view["name"], view["port"], view["state"]) == ("gsm0", str(modem.link), "ready")
    assert (view["dbm"], view["registration"]) == (-107, "roaming")
    assert (view["operator"], view["sim"]) == ("Red Virtual", "ready")
    assert view["slots"] == {"SM": [0, 20], "ME": [0, 100], "SR": [0, 10]}
    assert view["last_message"] == "none"
    assert re.fullmatch(r"[0-9a-f]{4}", view["tag"])


def test_one_modem_that_cannot_be_used_hides_no_other(gateway, modem, tmp_path):
    with VirtualModem(tmp_path / "tty1", tmp_path / "ctl1", "--pin", "1234") as locked:
        configured(gateway, gsm0=tmp_path / "none", gsm1=locked.link, gsm2=modem.link)
        views = json.loads(modems("list", "--json", config=gateway).stdout)
        shown = modems("list", config=gateway).stdout
        assert "AT+CPIN=" not in " ".join(locked.control.transcript())
    assert [view["state"] for view in views] == ["away", "sim-pin", "ready"]
    assert "see whether it is plugged in" in views[0]["why"]
    assert "name a pin_file" in shown


def test_a_modem_that_keeps_its_callers_shows_as_the_gateway_would_have_it(gateway, tmp_path):
    options = ("--manufacturer", "Quectel", "--model", "EC25")
    assert profiles.load("quectel/ec25").calls.list == "unsafe"
    with VirtualModem(tmp_path / "tty", tmp_path / "ctl", *options) as modem:
        configured(gateway, gsm0=modem.link)
        assert "have voice calls barred" in modems("list", config=gateway).stdout
        gateway.write_text(gateway.read_text() + 'profile = "quectel/ec25"\n')
        (view,) = json.loads(modems("list", "--json", config=gateway).stdout)
    assert (view["profile"], view["state"]) == ("quectel/ec25", "ready")


def test_list_without_modems_says_so(gateway):
    assert "no modems in the configuration" in modems("list", config=gateway).stdout
    assert json.loads(modems("list", "--json", config=gateway).stdout) == []


def test_ussd_prints_the_answer_masked_and_the_balance(alone, modem):
    modem.control.set(ussd="Tu numero es 6561000000. Tu saldo es de $ 7.50 vigencia 12/12/2026")
    done = modems("ussd", "gsm0", "*133#", config=alone)
    assert done.stdout.splitlines()[0].startswith("Tu numero es ******")
    assert done.stdout.splitlines()[1] == "balance: 7.50"
    answer = json.loads(modems("ussd", "gsm0", "*133#", "--json", config=alone).stdout)
    assert (answer["balance"], answer["operator"]) == (7.5, "Red Virtual")


def test_what_cannot_be_done_is_one_line(alone, modem):
    assert "there are: gsm0" in failed("ussd", "gsm9", "*133#", config=alone)
    assert "digits, * and #" in failed("ussd", "gsm0", "+5265", config=alone)
    assert "no power reset" in failed("reset", "gsm0", "--power", config=alone)
    modem.control.vanish()
    assert "see whether it is plugged in" in failed("console", "gsm0", config=alone, stdin="AT\n")
    file = alone.parent / "dialogue.txt"
    assert "plugged in" in failed("record", "gsm0", file, config=alone)
    assert not file.exists()


def test_the_console_answers_lines_of_a_pipe(alone, modem):
    modem.control.receive(SENDER, TEXT)
    done = modems("console", "gsm0", config=alone, stdin="AT+CSQ\n\n  .signal\n.list\n.quit\nATI\n")
    lines = done.stdout.splitlines()
    assert lines[:3] == ["+CSQ: 24,99", "OK", "Red Virtual, home, -65 dBm good"]
    (message,) = map(json.loads, lines[3:])
    assert (message["storage"], message["slot"], message["encoding"]) == ("SM", 1, "gsm7")
    assert message["characters"] == len(TEXT)
    assert re.fullmatch(r"T[0-9A-Za-z]{10}", message["from"])


def test_the_console_shows_messages_as_their_kind(alone, modem):
    modem.control.receive(SENDER, TEXT * 8, encoding="ucs2")
    done = modems("console", "gsm0", config=alone, stdin="AT+CMGL=4\nAT+CMGR=1\n")
    assert done.stdout.count("encoding ucs2, part 1 of 4") == 2
    assert done.stdout.splitlines()[-1] == "OK"


def test_the_console_refuses_what_would_lose_messages_and_goes_on(alone, modem):
    modem.control.receive(SENDER, TEXT)
    stdin = "AT+CMGD=1,4\nhello\nAT+CNUM\nAT+CPBR=1,9\nAT+CSQ\n"
    done = modems("console", "gsm0", config=alone, stdin=stdin, code=1)
    assert "would lose messages" in done.stderr
    assert "the console does not know that" in done.stderr
    for command in ("+CNUM", "+CPBR"):
        assert f"{command} is not for the console: it would show numbers" in done.stderr
    assert done.stdout.splitlines() == ["+CSQ: 24,99", "OK"]
    assert modem.control.state()["storages"]["SM"]["used"] == 1


def test_the_console_helps(alone):
    done = modems("console", "gsm0", config=alone, stdin=".help\n")
    for word in (".list", ".signal", ".ussd CODE", ".quit"):
        assert word in done.stdout


def test_a_recording_is_private_scrubbed_and_new(alone, modem, tmp_path):
    modem.control.receive(SENDER, TEXT)
    file = tmp_path / "dialogue.txt"
    done = modems("record", "gsm0", file, "--seconds", "1", config=alone)
    assert f"{file}: " in done.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "AT+CGMM" in text
    assert "AT+CMGL=4" in text
    clean(text)
    assert "name a new file" in failed("record", "gsm0", file, "--seconds", "1", config=alone)
    assert file.read_text() == text


def test_a_reset_restarts_the_modem(alone, modem):
    assert "gsm0 restarts" in modems("reset", "gsm0", config=alone).stdout
    assert "AT+CFUN=1,1" in modem.control.transcript()


# Probe.


def test_probe_finds_out_and_changes_nothing(modem, tmp_path):
    modem.control.receive(SENDER, TEXT)
    assert until(lambda: modem.control.state()["storages"]["SM"]["used"] == 1, 5)
    before = modem.control.state()
    done = modems("probe", modem.link, config=tmp_path / "none.toml")
    after = modem.control.state()
    before["registers"].pop("E"), after["registers"].pop("E")
    for what in ("registers", "memories", "storages", "missed_calls", "sent", "cnmi"):
        assert before[what] == after[what], what
    assert not re.search(r"AT\+CMG[SLRD]=\d", " ".join(modem.control.transcript()))
    for said in ("AT+CNMI=?", "direct too", "SM ME SR", "no profile is for this model"):
        assert said in done.stdout, said
    proposed = done.stdout[done.stdout.index("# Proposed by") :]
    profile = Profile.model_validate({**tomllib.loads(proposed), "name": "virtual/vm"})
    assert profile.matches("Virtual", "VM-1")
    assert profile.sms.delivery == "direct"


def test_probe_as_json_and_into_files(modem, tmp_path):
    none = tmp_path / "none.toml"
    files = ("--write", tmp_path / "vm.toml", "--record", tmp_path / "dialogue.txt")
    told = json.loads(modems("probe", modem.link, "--json", *files, config=none).stdout)
    assert told["identity"]["model"] == "VM-1"
    assert (told["profile"], told["usb"]) == (profiles.GENERIC, None)
    assert (tmp_path / "vm.toml").read_text() == told["proposal"]
    assert "AT+CPMS=?" in (tmp_path / "dialogue.txt").read_text()
    clean((tmp_path / "dialogue.txt").read_bytes())
    assert "is there already" in failed("probe", modem.link, *files, config=none)


def test_probe_names_the_profile_that_matches_and_proposes_none(tmp_path):
    options = ("--manufacturer", "huawei", "--model", "E173", "--revision", "11.126.16.04.00")
    with VirtualModem(tmp_path / "tty", tmp_path / "ctl", *options) as modem:
        done = modems("probe", modem.link, config=tmp_path / "none.toml")
        assert re.search(r"profile +huawei/e173: what it says of itself matches", done.stdout)
        assert "Proposed" not in done.stdout
        named = modems(
            "probe", modem.link, "--profile", "simcom/sim800", config=tmp_path / "none.toml"
        )
        assert "named, but it is not for what the modem says it is" in named.stdout


def test_probe_of_what_is_no_modem_is_one_line(modem, tmp_path):
    none = tmp_path / "none.toml"
    modem.control.set(hang=True)
    assert "no answer to AT" in failed("probe", modem.link, config=none)
    assert "plugged in" in failed("probe", tmp_path / "nothing", config=none)
    (tmp_path / "file").write_text("")
    assert "modem's tty" in failed("probe", tmp_path / "file", config=none)
    unknown = failed("probe", modem.link, "--profile", "no/such", config=none)
    assert "there is no modem profile no/such" in unknown


def test_probe_of_a_port_that_another_program_holds_names_it(modem, tmp_path):
    hold = "import serial, sys, time; p = serial.Serial(sys.argv[1], exclusive=True)\n"
    hold += "print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", hold, str(modem.link)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout.readline() == b"held\n"
            said = failed("probe", modem.link, config=tmp_path / "none.toml")
            assert f"held by process {holder.pid} (" in said
        finally:
            holder.kill()


# At a running gateway.


def test_list_asks_the_running_gateway(daemon, alone, modem):
    modem.control.receive(SENDER, TEXT)
    modem.control.wait_sent(1, timeout=20)
    done = modems("list", "--json", config=alone)
    assert "opened from here" not in done.stderr
    (view,) = json.loads(done.stdout)
    assert (view["state"], view["last_message"]) == ("ready", "this hour")
    assert view["sent_this_hour"] >= 1
    assert view["slots"]["SM"] == [0, 20]
    shown = modems("list", config=alone).stdout
    assert max(map(len, shown.splitlines())) <= 100
    assert f"answers: {view['sent_this_hour']} parts sent this hour, 0 wait" in shown
    assert daemon.stop() == 0


def test_the_control_socket_is_private_and_gone_at_the_end(daemon, alone):
    socket = alone.parent / "modems.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert daemon.stop() == 0
    assert not socket.exists()


def test_a_modem_that_went_away_shows_and_comes_back(daemon, alone, modem):
    def state():
        return json.loads(modems("list", "--json", config=alone).stdout)[0]["state"]

    modem.control.vanish()
    assert until(lambda: state() == "away", 20)
    assert "see modems list" in failed("ussd", "gsm0", "*133#", config=alone)
    modem.control.come_back()
    assert until(lambda: state() == "ready", 30)
    (view,) = json.loads(modems("list", "--json", config=alone).stdout)
    assert view["restarts"] >= 1


def test_probe_leaves_a_port_to_the_gateway_that_holds_it(daemon, alone, modem):
    said = failed("probe", modem.link, config=alone)
    assert "held by the running gateway, as gsm0" in said
    assert "stop the gateway" in said


def test_ussd_and_console_go_through_the_gateway_while_it_works(daemon, alone, modem):
    command = [TIPLINE, "--config", alone, "modems", "console", "gsm0"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as console:
        console.stdin.write("AT+CSQ\n")
        assert console.stdout.readline() == "+CSQ: 24,99\n"
        assert console.stdout.readline() == "OK\n"
        modem.control.receive(SENDER, TEXT)
        modem.control.wait_sent(1, timeout=20)
        console.stdin.write("ATI\n")
        assert console.stdout.readline() == "Manufacturer: Virtual\n"
        rest, _ = console.communicate("AT+CMGD=1\n", timeout=30)
        clean(rest)
        assert console.returncode == 1
    done = modems("ussd", "gsm0", "*133#", config=alone)
    assert done.stdout.splitlines() == ["Saldo: 50.00 MXN", "balance: 50.00 MXN"]
    assert daemon.count("tips_total") == 1


def test_a_recording_of_a_modem_in_service_is_scrubbed(daemon, alone, modem, tmp_path):
    file = tmp_path / "dialogue.txt"
    command = [TIPLINE, "--config", alone, "modems", "record", "gsm0", file, "--seconds", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as recording:
        assert until(lambda: file.exists(), 10)
        time.sleep(0.5)
        modem.control.receive(SENDER, TEXT)
        modem.control.receive(SENDER, TEXT * 10, encoding="ucs2")
        modem.control.wait_sent(2, timeout=20)
        assert recording.wait(30) == 0
    text = file.read_text()
    assert "AT+CMGS" in text
    clean(text)
    assert daemon.count("tips_total") == 2


def test_a_reset_through_the_gateway_loses_nothing(daemon, alone, modem):
    modems("reset", "gsm0", config=alone)
    modem.control.receive(SENDER, TEXT)
    modem.control.wait_sent(1, timeout=30)
    assert daemon.count("tips_total") == 1


def test_the_daemons_process_loads_nothing_that_drives_a_device():
    asked = "import sys, tipline_gw.cli.commands; print({'gsmmodem', 'serial'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


# The manual.


@pytest.fixture(scope="module")
def manual():
    return (resources.folder("docs") / "modems.md").read_text()


def test_the_manual_names_every_profile_and_what_it_says(manual):
    rows = dict(re.findall(r"(?m)^\| `([a-z0-9]+/[a-z0-9]+)` \| (.+) \|$", manual))
    assert sorted(rows) == profiles.names()
    for name, row in rows.items():
        profile = profiles.load(name)
        resets = [how for how in ("soft", "power") if getattr(profile.reset, how)]
        told = [profile.sms.delivery, profile.calls.list, ", ".join(resets)]
        assert row.split(" | ")[1:] == told, name


def test_the_manual_explains_every_state_key_and_limit(manual):
    told = set(re.findall(r"`([a-z_-]+)`", manual))
    assert not set(STATES) - told
    tables = [Profile, *(f.annotation for f in Profile.model_fields.values())]
    keys = {
        key
        for table in [*tables, profiles.Usb, profiles.Init]
        if hasattr(table, "model_fields")
        for key in table.model_fields
    }
    assert not keys - told - {"name", *Profile.model_fields}
    assert not {"sender_limit", "modem_limit", "answer_limit", "sending_limit"} - told


def test_the_manual_names_every_command(manual):
    for command in ("list", "probe PORT", "console NAME", "ussd NAME CODE", "record NAME FILE"):
        assert f"### modems {command}" in manual
        assert tipline("modems", command.split()[0], "--help").returncode == 0
