"""The daemon as a process: how it starts, ends, and what of its surroundings must not matter."""

import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import TIPLINE
from tests.limits import limited
from tipline_gw import settings
from tipline_gw.daemon import Daemon
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import Gateway, running, until
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.hardening import DESCRIPTORS
from tipline_gw.intake import retention
from tipline_gw.store import repository

END_SECONDS = 30
USUAL_DESCRIPTORS = 1024
"""As many as a process may have open where nobody asked for more."""


@contextlib.contextmanager
def started(command, gateway, **options):
    """A daemon that answers; gone at the end."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, **options)
    try:
        assert until(lambda: Gateway(gateway).page("/healthz")[0] == 200, END_SECONDS)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_in_order_on_each_signal_also_on_two_of_them(gateway, number):
    command = [TIPLINE, "--config", gateway, "run"]
    with started(command, gateway, stdout=subprocess.PIPE) as process:
        process.send_signal(number)
        process.send_signal(number)
        said, _ = process.communicate(timeout=END_SECONDS)
        assert process.returncode == 0
    assert [json.loads(line)["event"] for line in said.splitlines()][-1] == "stopped"


def test_under_nohup_the_end_of_the_terminal_ends_nothing(gateway):
    command = ["nohup", TIPLINE, "--config", gateway, "run"]
    with started(command, gateway, stdout=subprocess.DEVNULL) as process:
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_SECONDS)
        assert process.returncode == 0


def test_where_nobody_reads_what_it_prints_it_serves_and_ends(gateway):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, bytes(4096))
    command = [TIPLINE, "--config", gateway, "run"]
    with started(command, gateway, stdout=writing) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_SECONDS)
        assert process.returncode == 0
    os.close(reading)
    os.close(writing)


# One of its threads does not start, as where no more are allowed.
NO_THREAD = """
import sys, threading
from pathlib import Path
from tipline_gw import settings
from tipline_gw.daemon import Daemon

start = threading.Thread.start

def refused(thread):
    if thread.name == sys.argv[2]:
        raise RuntimeError("can't start new thread")
    start(thread)

config = Path(sys.argv[1])
daemon = Daemon(config, settings.load(config))
threading.Thread.start = refused
daemon.run()
"""


@pytest.mark.parametrize("thread", ["audio-pump", "audio", "agi", "health"])
def test_what_cannot_start_ends(gateway, thread):
    """Its other threads would keep it alive, serving nobody, and no signal would end it."""
    command = [sys.executable, "-c", NO_THREAD, gateway, thread]
    done = subprocess.run(command, capture_output=True, timeout=END_SECONDS)
    assert done.returncode == 1
    assert b"can't start new thread" in done.stderr


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _limit(pid: int, name: str) -> tuple[str, str]:
    limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = (line.removeprefix(name) for line in limits if line.startswith(name))
    soft, hard, *_unit = line.split()
    return soft, hard


def test_both_processes_are_hardened(gateway, tmp_path):
    """That ``hardening`` does what it says is tested elsewhere: here, that both have it done."""
    with VirtualModem(tmp_path / "tty", tmp_path / "control") as modem:
        more = f'\n[[modem]]\nname = "gsm0"\nport = "{modem.link}"\n'
        gateway.write_text(gateway.read_text() + more)
        with limited(resource.RLIMIT_NOFILE, USUAL_DESCRIPTORS), running(gateway) as made:
            assert len(made.pids) == 2
            for pid in made.pids:
                assert _limit(pid, "Max core file size") == ("0", "0")
                assert _status(pid)["Umask"] == "0077"
                assert os.geteuid() != 0 or not _status(pid)["VmLck"].startswith("0 ")
            soft, hard = map(int, _limit(made.pid, "Max open files"))
            assert soft == min(hard, DESCRIPTORS)
            assert made.stop() == 0


def test_systemd_is_told_when_it_serves_and_when_it_ends(gateway, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(END_SECONDS)
        command = [TIPLINE, "--config", gateway, "run"]
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with started(command, gateway, stdout=subprocess.DEVNULL, env=environment) as process:
            assert told.recv(64) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert told.recv(64) == b"STOPPING=1"
            process.communicate(timeout=END_SECONDS)


# Its housekeeping, in this process.


@pytest.fixture
def told(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("tipline_gw.daemon.sd_notify", said.append)
    return said


@pytest.fixture
def daemon(gateway, told):
    """It serves, and keeps no house but where a test has it do so."""
    made = Daemon(gateway, settings.load(gateway))
    made.start()
    told.clear()
    yield made
    made.close()


def test_the_watchdog_is_fed_only_while_no_restart_would_help(daemon, told):
    daemon._keep_house()
    assert told == ["WATCHDOG=1"]
    daemon._agi.close()
    daemon._keep_house()
    assert told == ["WATCHDOG=1"]
    assert daemon._faults() == daemon._hindrances() == ["no call is let in"]


def test_a_commit_that_failed_hinders_and_is_mended_by_no_restart(daemon):
    daemon._writer._fault = "the disk of the store is full"
    assert daemon._hindrances() == ["the disk of the store is full"]
    assert daemon._faults() == []
    daemon._writer.do(repository.code_salt)
    assert daemon._hindrances() == []


def test_old_tips_are_deleted_by_itself_and_nothing_of_them_is_left_in_the_files(
    daemon, gateway, monkeypatch
):
    monkeypatch.setattr(retention, "STEADY_SECONDS", 0.0)
    now, header = retention.limit(0, "hour"), os.urandom(64)
    old, fresh = TipId(os.urandom(16)), TipId(os.urandom(16))

    def tips(connection):
        for tip, hours, chunk in ((old, now - 91 * 24, header), (fresh, now, bytes(64))):
            repository.add_tip(connection, tip, Kind.SMS, 7, hours)
            repository.add_whole(connection, tip, repository.Role.ENVELOPE, b"head", [chunk])

    daemon._writer.do(tips)
    files = [gateway.parent / name for name in ("tips.db", "tips.db-wal")]
    assert any(header in file.read_bytes() for file in files)
    daemon._keep_house()
    assert [row.id for row in repository.tips(daemon._engine)] == [fresh]
    assert not any(mark in file.read_bytes() for file in files for mark in (header, bytes(old)))


def test_a_store_is_written_anew_when_old_tips_went_and_at_the_end(daemon, monkeypatch):
    monkeypatch.setattr(retention, "STEADY_SECONDS", 0.0)
    rewritten: list[bool] = []
    monkeypatch.setattr(repository, "rearrange", lambda _engine: rewritten.append(True) or True)
    daemon._keep_house()
    assert rewritten == []
    old = retention.limit(91, "hour")
    daemon._writer.do(lambda c: repository.add_tip(c, TipId(bytes(16)), Kind.SMS, 7, old))
    daemon._checkpoint_at = 0.0
    daemon._keep_house()
    assert rewritten == [True]
    daemon.close()
    assert rewritten == [True, True]
