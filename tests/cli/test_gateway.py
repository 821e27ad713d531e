"""The outside of the command: what it writes, prints, refuses and how it exits."""

import io
import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib

import pytest

from tests.cli.conftest import BOUND, TIPLINE, tipline
from tipline_gw.cli import commands, main


def test_init_writes_a_ready_private_configuration(initialised):
    names = {path.name for path in initialised.iterdir()}
    assert {"tipline.toml", "recipients.txt", "reviewer.key", "prompts", "tips.db"} <= names
    for name in ("tipline.toml", "recipients.txt", "reviewer.key", "tips.db"):
        assert stat.S_IMODE((initialised / name).stat().st_mode) & 0o77 == 0, name
    tables = tomllib.loads((initialised / "tipline.toml").read_text())
    assert tables["store"]["url"] == f"sqlite:///{initialised}/tips.db"
    shown = tipline("keys", "show", initialised / "reviewer.key").stdout.strip()
    assert shown in (initialised / "recipients.txt").read_text()


def test_init_refuses_a_directory_in_use(initialised):
    again = tipline("init", initialised)
    assert again.returncode == 1
    assert again.stderr.splitlines() == [
        f"tipline-gw: {initialised} is in use: name a new or an empty directory"
    ]


def test_init_in_a_directory_that_it_may_not_write_to_is_one_line(tmp_path):
    (tmp_path / "gw").mkdir(mode=0o555)
    done = tipline("init", tmp_path / "gw", prefix=BOUND)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"tipline-gw: {tmp_path}/gw/tipline.toml: cannot be written (Permission denied): "
        "see space, owner and permissions"
    ]


def test_init_escapes_what_means_something_in_an_address(tmp_path):
    directory = tmp_path / "50%25 what?"
    assert tipline("init", directory).returncode == 0
    assert (directory / "tips.db").is_file()


def test_without_recipients_nothing_starts_and_it_says_why(tmp_path):
    assert tipline("init", tmp_path / "gw").returncode == 0
    done = tipline("run", config=tmp_path / "gw" / "tipline.toml")
    assert done.returncode == 1
    assert "recipients.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_finds_nothing_fatal_in_what_init_wrote(gateway):
    done = tipline("check", "--json", config=gateway)
    assert done.returncode == 0
    (finding,) = json.loads(done.stdout)
    assert finding["file"].endswith("reviewer.key")
    assert not finding["fatal"]


def test_before_the_first_start_nobody_makes_the_store_by_looking(gateway):
    """Made by root, the daemon could not open it."""
    store = gateway.parent / "tips.db"
    store.unlink()
    for command in (["check"], ["tips", "list"], ["tips", "purge"]):
        done = tipline(*command, config=gateway)
        assert done.returncode == 1
        assert "there is no store yet: start the daemon once, or run init" in (
            done.stdout + done.stderr
        )
    assert not store.exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: (d / "recipients.txt").write_text("age1nonsense\n"), r"recipients\.txt:1: "),
        (lambda d: (d / "recipients.txt").chmod(0o666), "others can change it"),
        (lambda d: (d / "tips.db").chmod(0o644), "others can read the store"),
        (lambda d: (d / "prompts/es/welcome.sln").unlink(), "es/welcome: the prompt is missing"),
        (lambda d: (d / "prompts/en/tone.sln").write_bytes(b"x"), "en/tone"),
    ],
)
def test_check_names_the_place_and_the_remedy(gateway, spoil, said):
    spoil(gateway.parent)
    done = tipline("check", config=gateway)
    assert done.returncode == 1
    assert re.search(said, done.stdout), done.stdout


@pytest.mark.parametrize(
    "command", ["check", "run", "prompts check", "prompts build", "prompts list", "asterisk-config"]
)
def test_prompts_that_may_not_be_looked_for_are_one_line(gateway, command):
    (gateway.parent / "prompts").chmod(0)
    more = [gateway.parent / "asterisk"] if command == "asterisk-config" else []
    done = tipline(*command.split(), *more, config=gateway, prefix=BOUND)
    assert done.returncode == 1
    assert "prompts/es.po: cannot be read (Permission denied)" in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == (command != "check")


def test_check_looks_at_the_rest_where_it_may_not_list_the_directory(gateway):
    gateway.parent.chmod(0o311)
    (gateway.parent / "recipients.txt").chmod(0o666)
    done = tipline("check", config=gateway, prefix=BOUND)
    gateway.parent.chmod(0o700)
    assert done.returncode == 1
    assert re.search(r"gw: whether a reviewer's identity .* run check as root as well", done.stdout)
    assert "recipients.txt: others can change it" in done.stdout
    assert done.stderr == ""


def test_check_of_a_directory_that_it_may_not_enter_is_one_line(gateway):
    gateway.parent.chmod(0)
    done = tipline("check", config=gateway, prefix=BOUND)
    gateway.parent.chmod(0o700)
    assert done.returncode == 1
    assert re.fullmatch(r"tipline-gw: .*tipline\.toml: cannot be read .*\n", done.stderr)


def test_output_that_finds_no_space_is_one_line(gateway):
    command = [TIPLINE, "--config", gateway, "prompts", "list"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr == "tipline-gw: No space left on device: free space\n"


def test_what_no_part_expects_of_the_system_names_the_file(gateway, monkeypatch, capsys):
    def refused():
        raise PermissionError(13, "Permission denied", "/some/where")

    monkeypatch.setattr(commands, "app", refused)
    monkeypatch.setattr(main.sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == 1
    said = "tipline-gw: /some/where: Permission denied: see its owner and permissions\n"
    assert capsys.readouterr().err == said


INTERRUPTED = """
import sys

class Impatient:
    @staticmethod
    def find_spec(name, *_):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient)
from tipline_gw.cli.main import run
run()
"""


def test_who_interrupts_the_start_sees_no_traceback():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("command", ["tips list --json", "prompts build", "pdu decode"])
def test_streams_that_the_shell_closed_are_no_failure(gateway, command):
    line = f'exec "$0" --config "$1" {command} <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", line, TIPLINE, gateway], timeout=120)
    assert done.returncode == 0


def test_what_a_terminal_has_no_letters_for_is_shown_escaped(gateway):
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    (gateway.parent / "prompts" / "es.po").write_text(
        'msgctxt "prompt"\nmsgid "goodbye"\nmsgstr "Adiós ☎"\n'
    )
    command = [TIPLINE, "--config", gateway, "prompts", "list", "--language", "es"]
    done = subprocess.run(command, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Adi\xf3s \\u260e" in done.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, env=environment)
    assert "Adiós ☎" in {each["words"] for each in json.loads(done.stdout)}


def test_octets_that_are_no_text_are_read_escaped():
    asked = "import sys; from tipline_gw.cli.main import _ready_streams; _ready_streams()"
    done = subprocess.run(
        [sys.executable, "-c", f"{asked}; print(sys.stdin.read())"],
        input=b"AT\xff", capture_output=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"AT\\xff\n")


def test_a_name_that_is_no_text_is_one_line(tmp_path):
    done = tipline("init", f"{tmp_path}/\udcff")
    assert (done.returncode, done.stderr) == (
        1, "tipline-gw: a name has octets that are not UTF-8: name another\n"
    )  # fmt: skip


@pytest.mark.parametrize("command", ["check", "run"])
def test_two_servers_on_one_port_refuse_start(gateway, command):
    text = gateway.read_text()
    (listen,) = re.findall(r'(?m)^agi_listen = ("[^"]*")', text)
    gateway.write_text(re.sub(r'(?m)^audio_listen = "[^"]*"', f"audio_listen = {listen}", text))
    done = tipline(command, config=gateway)
    assert done.returncode == 1
    assert re.search(
        r"tipline\.toml:\d+: voice\.audio_listen: is the port of voice\.agi_listen", done.stderr
    )


def test_a_store_that_lies_beside_the_configuration_is_found_from_anywhere(gateway):
    text = re.sub(r'(?m)^url = "[^"]*"', 'url = "sqlite:///tips.db"', gateway.read_text())
    gateway.write_text(text)
    done = tipline("tips", "list", "--json", config=gateway)
    assert (done.returncode, done.stdout.strip()) == (0, "[]")


def test_check_reads_the_asterisk_files_beside_the_configuration(gateway):
    directory = gateway.parent / "asterisk"
    assert tipline("asterisk-config", directory, config=gateway).returncode == 0
    assert tipline("check", config=gateway).returncode == 0
    (directory / "cdr.conf").write_text("[general]\nenable = yes\n")
    done = tipline("check", config=gateway)
    assert done.returncode == 1
    assert "cdr.conf:2: call detail records hold every caller's number" in done.stdout


TRUNKS = """
[[trunk]]
name = "provider"
kind = "sip"
host = "192.0.2.20"
inbound_username = "them"
inbound_secret_file = "them.secret"

[[trunk]]
name = "stick"
kind = "dongle"
imei = "490154203237518"

[[number]]
name = "centro"
dialled = "6561110000"
greeting = "welcome-centro"
"""


def test_check_looks_at_what_trunks_and_numbers_name(gateway):
    gateway.write_text(gateway.read_text() + TRUNKS)
    (gateway.parent / "them.secret").write_text("hunter2")
    (gateway.parent / "them.secret").chmod(0o644)
    done = tipline("check", config=gateway)
    assert done.returncode == 1
    for said in (
        r"them\.secret: others can read it: chmod 600 ",
        r"es/welcome-centro: number centro: its greeting is missing",
        r"en/welcome-centro: number centro",
        r"trunk stick: a stick's own call list keeps who called it.*\(a warning\)",
    ):
        assert re.search(said, done.stdout), said
    assert "hunter2" not in done.stdout
    (gateway.parent / "them.secret").chmod(0o600)
    for language in ("es", "en"):
        (gateway.parent / "prompts" / language / "welcome-centro.sln").write_bytes(bytes(320))
    assert tipline("check", config=gateway).returncode == 0


def test_check_says_what_asterisk_was_not_told_yet(gateway):
    directory = gateway.parent / "asterisk"
    assert tipline("asterisk-config", directory, config=gateway).returncode == 0
    trunk = '\n[[trunk]]\nname = "pri"\nkind = "dahdi"\nspan = 1\n'
    number = '\n[[number]]\nname = "centro"\ndialled = "6561110000"\n'
    gateway.write_text(gateway.read_text() + trunk + number)
    said = tipline("check", config=gateway).stdout
    assert "extensions.conf: trunk pri is not in Asterisk's files" in said
    assert "number centro is not in Asterisk's files" in said
    assert tipline("asterisk-config", directory, config=gateway).returncode == 0
    assert "is not in Asterisk's files" not in tipline("check", config=gateway).stdout


def test_check_says_when_there_is_no_asterisk_to_ask(gateway):
    directory = gateway.parent / "asterisk"
    assert tipline("asterisk-config", directory, config=gateway).returncode == 0
    assert tipline("check", config=gateway).returncode == 0
    done = tipline("check", "--asterisk-live", directory, config=gateway)
    assert done.returncode == 1
    assert "the running Asterisk does not answer" in done.stdout


def test_an_unknown_key_refuses_start_with_file_line_key_reason(gateway):
    gateway.write_text(gateway.read_text().replace("[sms]", "[sms]\nno_such_key = 1"))
    for command in ("check", "run"):
        done = tipline(command, config=gateway)
        assert done.returncode == 1
        assert re.search(r"tipline\.toml:\d+: sms\.no_such_key: unknown key", done.stderr)


def test_a_profile_that_is_not_there_refuses_start(gateway):
    modem = '[[modem]]\nname = "gsm0"\nport = "/dev/null"\nprofile = "no/such"\n'
    gateway.write_text(gateway.read_text() + modem)
    done = tipline("run", config=gateway)
    assert done.returncode == 1
    assert "there is no modem profile no/such: choose one of: auto, " in done.stderr


def test_the_daemon_serves_and_ends_on_sigterm(daemon, gateway):
    assert daemon.page("/healthz") == (200, "ok\n")
    assert "tipline_calls_now 0.0" in daemon.page("/metrics")[1]
    tables = tomllib.loads(gateway.read_text())
    for listen in (tables["voice"]["agi_listen"], tables["voice"]["audio_listen"]):
        host, port = listen.split(":")
        socket.create_connection((host, int(port)), 2).close()
    assert tipline("tips", "list", "--json", config=gateway).stdout.strip() == "[]"
    assert daemon.stop() == 0
    events = [json.loads(line)["event"] for line in daemon.log.read_text().splitlines()]
    ours = [event for event in events if event != "library-message"]
    assert (ours[0], ours[-2:]) == ("ready", ["stopping", "stopped"])


def test_two_daemons_on_one_port_is_a_clear_error(daemon, gateway):
    second = tipline("run", config=gateway)
    assert second.returncode == 1
    assert "cannot listen on" in second.stderr
    assert daemon.stop() == 0


def test_hostile_bytes_on_every_listener_harm_nothing(daemon, gateway):
    tables = tomllib.loads(gateway.read_text())
    for listen in (
        tables["voice"]["agi_listen"],
        tables["voice"]["audio_listen"],
        tables["metrics"]["listen"],
    ):
        host, port = listen.split(":")
        for hostile in (b"\x00" * 5000, b"agi_callerid: +526561234567\n\n", b"\xff\x10\x00\x00"):
            with socket.create_connection((host, int(port)), 2) as sock:
                sock.sendall(hostile)
    assert daemon.page("/readyz")[0] == 200
    assert daemon.stop() == 0
    assert "6561234567" not in daemon.log.read_text()


def test_export_of_nothing_is_done(gateway, tmp_path):
    done = tipline("tips", "export", tmp_path / "out", "--json", config=gateway)
    assert (done.returncode, done.stdout.strip()) == (0, "[]")


def test_wrong_usage_exits_2_and_a_missing_configuration_1(tmp_path):
    assert tipline("no-such-command").returncode == 2
    assert tipline("tips", "list", "--nonsense").returncode == 2
    done = tipline("tips", "list", config=tmp_path / "none.toml")
    assert done.returncode == 1
    assert "run tipline-gw init" in done.stderr


def test_every_command_has_help():
    commands = ["init", "run", "check", "keys new", "keys show", "pdu decode", "prompts build",
                "prompts check", "asterisk-config", "tips list", "tips export", "tips open",
                "demo"]  # fmt: skip
    for command in ["", *commands]:
        done = tipline(*command.split(), "--help")
        assert done.returncode == 0, command
        assert "Usage" in done.stdout


def test_version_is_told():
    assert re.fullmatch(r"tipline-gw \d+\.\d+\.\d+\n", tipline("--version").stdout)
