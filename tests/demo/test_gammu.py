"""An unmodified gammu-smsd at the virtual modem: proof that it is a modem, not a mirror."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.demo.conftest import Plug
from tipline_gw.demo.virtual_modem import VirtualModem

PATIENCE = 60.0
CONFIG = """\
[gammu]
device = {device}
connection = at115200

[smsd]
service = files
inboxpath = {spool}/inbox/
outboxpath = {spool}/outbox/
sentsmspath = {spool}/sent/
errorsmspath = {spool}/error/
inboxformat = unicode
logfile = {spool}/smsd.log
debuglevel = 0
commtimeout = 1
receivefrequency = 1
statusfrequency = 0
checksecurity = 0
checkbattery = 0
checksignal = 0
"""

TEXTS = {
    "+5265611110001": "Hay un coche sin placas frente a la escuela {rojo} [2]",
    "+5265611110002": "Robo en la calle Juárez, esquina con Niños Héroes: ¿me oyen?",
    "+5265611110003": "Un mensaje largo, sin acentos, que no cabe en una sola parte. " * 8,
    "+5265611110004": "Un mensaje largo, con ÁÉÍÓÚ y ñ, que tampoco cabe en una parte. " * 5,
}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for name in ("inbox", "outbox", "sent", "error"):
        (tmp_path / "spool" / name).mkdir(parents=True)
    return tmp_path / "spool"


@contextmanager
def running(gammu_smsd: str, config: Path, spool: Path) -> Iterator[None]:
    with (spool / "output").open("wb") as output:
        daemon = subprocess.Popen([gammu_smsd, "-c", str(config)], stdout=output, stderr=output)
        try:
            yield
        finally:
            daemon.terminate()
            daemon.wait(20)


def wait_until_empty(modem: VirtualModem, spool: Path) -> None:
    """gammu looks once a second; what it saw of our modem is in the message where it did not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        state = modem.control.state()
        if not state["queue"] and not any(one["used"] for one in state["storages"].values()):
            return
        assert time.monotonic() < deadline, (spool / "smsd.log").read_text()[-2000:]
        time.sleep(0.1)


def received(spool: Path) -> dict[str, str]:
    """By sender, the texts of its files in the order of their names: gammu joins nothing here.

    It writes as many UTF-16 units as the text has octets in UTF-8 (``SMSDFiles_SaveInboxSMS``),
    so with accents its buffer's end comes along, after a NUL.
    """
    found: dict[str, str] = defaultdict(str)
    for file in sorted((spool / "inbox").iterdir()):
        sender = file.stem.split("_")[3]
        found[sender] += file.read_bytes().decode("utf-16").partition("\0")[0]
    return dict(found)


@pytest.mark.parametrize("faults", [(), ("--trickle-us", "20"), ("--delay-ms", "5")], ids=str)
def test_gammu_receives_every_message_and_sends_one(
    plug: Plug, gammu_smsd: str, spool: Path, faults: tuple[str, ...]
) -> None:
    modem = plug(*faults)
    config = spool / "smsdrc"
    config.write_text(CONFIG.format(device=modem.link, spool=spool))
    for sender, text in TEXTS.items():
        modem.control.receive(sender, text)
    inject = [f"{gammu_smsd}-inject", "-c", str(config), "TEXT", "+5265699998888"]
    with running(gammu_smsd, config, spool):
        wait_until_empty(modem, spool)
        subprocess.run([*inject, "-text", "Su codigo: 1234"], check=True, capture_output=True)
        (sent,) = modem.control.wait_sent(1, timeout=PATIENCE)
    assert received(spool) == TEXTS
    assert (sent["to"], sent["text"]) == ("+5265699998888", "Su codigo: 1234")
