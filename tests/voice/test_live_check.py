"""The check of a running Asterisk, against a real one: clean as it is written, and each leak that
somebody brings about while it runs is found and named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.voice.conftest import tone
from tests.voice.test_real_asterisk import free_port
from tipline_gw.asterisk_console import Console
from tipline_gw.asterisk_files import Fault
from tipline_gw.asterisk_live import live_faults, runs, socket_of
from tipline_gw.demo.asterisk_host import Asterisk, Host
from tipline_gw.errors import VoiceError
from tipline_gw.voice.asterisk_config import Plan, write

CANARY = "526569081735"


@dataclass
class Running:
    directory: Path
    asterisk: Asterisk

    def do(self, *commands: str) -> None:
        for command in commands:
            self.asterisk.console(command)

    def change(self, file: str, old: str, new: str, reload: str) -> None:
        path = self.directory / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.do(reload)

    def faults(self) -> list[Fault]:
        return live_faults(self.directory)


@pytest.fixture(scope="module")
def prompts_of_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts")
    (folder / "es").mkdir()
    (folder / "es" / "menu.sln").write_bytes(tone(400, 0.1))
    return folder


@pytest.fixture(scope="module")
def running(host: Host, prompts_of_module: Path) -> Iterator[Running]:
    with host.workspace() as workspace:
        directory = workspace / "asterisk"
        listen = f"127.0.0.1:{free_port()}"
        write(Plan(directory, "127.0.0.1:4573", prompts_of_module, ("es",), 4, listen, host.root))
        with Asterisk(host, directory) as asterisk:
            yield Running(directory, asterisk)


@dataclass(frozen=True)
class Leak:
    """``bring`` it about, ``mend`` it; ``said``: what the check then says."""

    bring: Callable[[Running], None]
    mend: Callable[[Running], None]
    said: str


def told(bring: str, mend: str, said: str) -> Leak:
    return Leak(lambda r: r.do(*bring.split("; ")), lambda r: r.do(*mend.split("; ")), said)


def edited(file: str, old: str, new: str, reload: str, said: str) -> Leak:
    return Leak(
        lambda r: r.change(file, old, new, reload), lambda r: r.change(file, new, old, reload), said
    )


LEAKS = {
    "log": told(
        "logger add channel x notice,verbose", "logger remove channel x",
        r"logger show channels\).*NOTICE, VERBOSE",
    ),
    "debug": told("core set debug 3", "core set debug 0", "debug messages quote callers"),
    "sip-log": told(
        "module load res_pjsip_logger.so; pjsip set logger on",
        "pjsip set logger off; module unload res_pjsip_logger.so",
        r"res_pjsip_logger\.so records, publishes or logs",
    ),
    "sip-history": told(
        "module load res_pjsip_history.so; pjsip set history on",
        "pjsip set history off; module unload res_pjsip_history.so",
        r"res_pjsip_history\.so records",
    ),
    "verbose-application": told(
        "module load app_verbose.so", "module unload app_verbose.so", r"app_verbose\.so records"
    ),
    "unlisted-module": told(
        "module load app_echo.so", "module unload app_echo.so", "is not in modules.conf"
    ),
    "database": told(
        f"database put cidname {CANARY} Ana", "database deltree cidname", r"entries \(1\)"
    ),
    "way-around": told(
        "dialplan add extension 99,1,Answer() into from-line",
        "dialplan remove extension 99@from-line", "does not first forget",
    ),
    "way-around-for-one": told(
        f"dialplan add extension _X!/{CANARY},1,Answer() into from-line",
        f"dialplan remove extension _X!/{CANARY}@from-line", "does not first forget",
    ),
    "variable": told(
        f"dialplan set global LAST {CANARY}", "dialplan reload", "1 global variables"
    ),
    "hint": told(
        "dialplan add extension 88,hint,PJSIP/line into tip-line",
        "dialplan remove extension 88@tip-line", "hints tell others",
    ),
    "cdr": edited(
        "cdr.conf", "enable = no", "enable = yes", "module reload cdr", "call detail records"
    ),
    "cel": edited("cel.conf", "enable = no", "enable = yes", "module reload cel", "channel events"),
    "manager": edited(
        "manager.conf", "enabled = no\nweb", "enabled = yes\nport = 0\nbindaddr = 127.0.0.1\nweb",
        "manager reload", "the manager interface tells who calls",
    ),
    "http": edited(
        "http.conf", "enabled = no", "enabled = yes\nbindaddr = 127.0.0.1\nbindport = 0",
        "module reload http", "HTTP tells who calls",
    ),
    "trust": edited(
        "pjsip.conf", "trust_id_inbound = no", "trust_id_inbound = yes",
        "module reload res_pjsip.so", "endpoint line: trust_id_inbound takes",
    ),
    "from-read": edited(
        "pjsip.conf", "callerid = anonymous <anonymous>", "callerid_tag = anonymous",
        "module reload res_pjsip.so", "endpoint line: the From header is read",
    ),
    "sip-library-log": edited(
        "pjproject.conf", "asterisk_error =", "asterisk_error = 0,1,2,3,4,5,6",
        "module reload res_pjproject.so", "pjproject's messages are logged",
    ),
    "identity-sent": edited(
        "pjsip.conf", "send_pai = no", "send_pai = yes", "module reload res_pjsip.so", "send_pai"
    ),
    "other-context": edited(
        "pjsip.conf", "context = from-line", "context = default", "module reload res_pjsip.so",
        "delivers to a context",
    ),
    "not-blanked": edited(
        "extensions.conf", "Set(CALLERID(RDNIS)=)", "Set(CALLERID(subaddr)=)", "dialplan reload",
        r"CALLERID\(RDNIS\) is not blanked",
    ),
}  # fmt: skip


def test_as_it_is_written_it_runs_without_a_fault(running: Running) -> None:
    assert runs(running.directory)
    assert running.faults() == []
    assert socket_of(running.directory / "asterisk.conf").is_socket()


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_brought_about_while_it_runs_is_found(running: Running, name: str) -> None:
    leak = LEAKS[name]
    leak.bring(running)
    try:
        found = running.faults()
    finally:
        leak.mend(running)
    said = [f"{fault.file}: {fault.what}" for fault in found]
    assert [each for each in said if re.search(leak.said, each)], said
    assert all(fault.todo and fault.fatal for fault in found)
    assert not re.search(r"\d{5}", "".join(said))
    assert running.faults() == [], "the mended one is clean again"


def test_encryption_that_was_asked_for_is_missed(running: Running) -> None:
    (fault,) = live_faults(running.directory, ["line"])
    assert "speech goes in clear" in fault.what


def test_a_command_that_no_check_asks_is_refused(running: Running) -> None:
    console = Console(socket_of(running.directory))
    for command in ("core stop now\0", "!ls", "database put a b c", "module show\n"):
        with pytest.raises(VoiceError, match="not a command"):
            console.ask(command)


def test_one_started_carelessly_is_found(host: Host, prompts_of_module: Path) -> None:
    with host.workspace() as workspace:
        directory = workspace / "asterisk"
        write(Plan(directory, "127.0.0.1:4573", prompts_of_module, ("es",), 4, root=host.root))
        path = directory / "asterisk.conf"
        text = path.read_text()
        for old, new in (
            ("verbose = 0", "verbose = 3"), ("dumpcore = no", "dumpcore = yes"),
            ("execincludes = no", "execincludes = yes"), ("maxcalls = 8", ""),
        ):  # fmt: skip
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        with Asterisk(host, directory):
            said = " ".join(fault.what for fault in live_faults(directory))
        assert not runs(directory)
    for what in ("verbose messages", "a core dump", "may run programs", "any number of calls"):
        assert what in said
