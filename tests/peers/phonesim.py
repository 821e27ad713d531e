"""ofono-phonesim, a modem that other people wrote, and the hand on its control panel.

It runs in the tests' own root, its panel on no screen; a script in its own language fills in the
panel's form for a received text, and is started over a D-Bus of the test's own. socat makes a
terminal of its socket.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.peers import programs
from tipline_gw.demo.asterisk_host import Host, prepared_root
from tipline_gw.demo.stage import free_port

RULES = "usr/share/ofono-phonesim/default.xml"
SERVICE_CENTRE = "526560000000"
PATIENCE = 20.0
SCRIPT = """\
var form = tabSMS.gbMessage1;
form.leMessageSender.text = {sender};
form.leSMSServiceCenter.text = {centre};
form.teSMSText.setPlainText({text});
form.pbSendSMSMessage.click();
"""


class Phonesim:
    """``link``: the terminal behind which it answers."""

    def __init__(self, link: Path, scripts: Path, inside: str, bus: str) -> None:
        self.link = link
        self._scripts = scripts
        self._bus = bus
        self._call("SetPath", inside)

    def receives(self, sender: str, text: str) -> None:
        """Its network delivers a text, in as many parts as it takes."""
        fields = {"sender": sender, "centre": SERVICE_CENTRE, "text": text}
        script = SCRIPT.format(**{name: json.dumps(value) for name, value in fields.items()})
        (self._scripts / "text.js").write_text(script)
        self._call("Run", "text.js")

    def _call(self, method: str, argument: str) -> None:
        words = ["--session", "--print-reply", "--dest=org.ofono.phonesim", "/"]
        words += [f"org.ofono.phonesim.Script.{method}", f"string:{argument}"]
        subprocess.run(
            [programs.find("dbus-send", "dbus-bin"), *words],
            env={"DBUS_SESSION_BUS_ADDRESS": self._bus},
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )


@contextmanager
def plugged() -> Iterator[Phonesim]:
    """AssertionError that says what to install."""
    root = prepared_root()
    needed = "ofono-phonesim is needed: run tests/asterisk/prepare and the tests as root"
    assert os.geteuid() == 0 and (root / RULES).exists(), needed
    host = Host(root)
    with ExitStack() as stack:
        folder = stack.enter_context(host.workspace())
        stack.enter_context(_bus(folder))
        port = stack.enter_context(_simulator(host, folder))
        link = stack.enter_context(_terminal(folder, port))
        yield Phonesim(link, folder, host.inside(folder), f"unix:path={folder}/bus")


@contextmanager
def _bus(folder: Path) -> Iterator[None]:
    command = [programs.find("dbus-daemon", "dbus-daemon"), "--session", "--nofork"]
    command.append(f"--address=unix:path={folder}/bus")
    with programs.running(command, folder / "bus.log"):
        _await((folder / "bus").exists, "dbus-daemon did not start")
        yield


@contextmanager
def _simulator(host: Host, folder: Path) -> Iterator[int]:
    """Gives its port."""
    port = free_port()
    settings = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "QT_QPA_PLATFORM": "offscreen",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={host.inside(folder)}/bus",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    command = host.command("env", "-i", *words, "ofono-phonesim", "-gui", "-p", str(port))
    with programs.running([*command, f"/{RULES}"], folder / "phonesim.log"):
        yield port


@contextmanager
def _terminal(folder: Path, port: int) -> Iterator[Path]:
    """Held open here too: else it would end when a gateway closes it, and phonesim with it."""
    link = folder / "tty"
    _await(lambda: _listens(port), "ofono-phonesim did not start")
    socat = [programs.find("socat", "socat"), f"pty,link={link},raw,echo=0"]
    with programs.running([*socat, f"tcp:127.0.0.1:{port}"], folder / "socat.log"):
        _await(link.exists, "socat did not start")
        held = os.open(link, os.O_RDWR | os.O_NOCTTY)
        try:
            yield link
        finally:
            os.close(held)


def _listens(port: int) -> bool:
    """Without a connection: phonesim has one panel, which the first gets."""
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return False
    return True


def _await(holds: object, failure: str) -> None:
    assert callable(holds)
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, failure
        time.sleep(0.05)
