"""The driver on a modem that somebody else wrote: ofono-phonesim.

It answers ERROR to a bare AT and to AT+CMEE=1, and a CMS error to the listing of an empty storage.
"""

import contextlib
import os
import select
import socket
import subprocess
import threading
import time
import tty

import pytest

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.demo.asterisk_host import prepared_root
from tipline_gw.demo.stage import free_port
from tipline_gw.domain.sms import Slot
from tipline_gw.errors import ModemError
from tipline_gw.modems import profiles
from tipline_gw.modems.driver import Driver

RULES = "usr/share/ofono-phonesim/default.xml"
NUMBER = bytearray.fromhex("0C91255616325476")


@pytest.fixture
def phonesim():
    """A connection to a phonesim of the test's own."""
    root = prepared_root()
    if os.geteuid() != 0 or not (root / RULES).exists():
        pytest.fail("ofono-phonesim is needed: run tests/asterisk/prepare and the tests as root")
    port = free_port()
    process = subprocess.Popen(
        ["chroot", str(root), "ofono-phonesim", "-p", str(port), f"/{RULES}"],
        env={"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield connected(port)
    finally:
        process.kill()
        process.wait()


def connected(port: int) -> socket.socket:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), 2)
        time.sleep(0.1)
    pytest.fail("ofono-phonesim did not start")


@pytest.fixture
def terminal(phonesim):
    """The connection as a pseudo-terminal: its path, and what went over it to the modem."""
    said = bytearray()
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = threading.Event()

    def carry() -> None:
        while not stop.is_set():
            ready, _, _ = select.select([master, phonesim], [], [], 0.1)
            if master in ready:
                octets = os.read(master, 4096)
                said.extend(octets)
                phonesim.sendall(octets)
            if phonesim in ready:
                os.write(master, phonesim.recv(4096))

    carrier = threading.Thread(target=carry)
    carrier.start()
    yield os.ttyname(slave), said
    stop.set()
    carrier.join()
    phonesim.close()
    os.close(master)
    os.close(slave)


def test_it_is_initialised_listed_and_sends_to_the_number_behind_a_token(terminal):
    path, said = terminal
    vault = Vault(600)
    driver = Driver(
        lambda: BoundaryPort(path, vault, on_notice=print), profiles.load("generic/generic")
    )
    with contextlib.closing(vault):
        try:
            driver.start(has_pin=False)
            driver.ping()
            identity = driver.identity()
            assert (identity.manufacturer, identity.model) == ("MeeGo", "Synthetic Device")
            assert driver.listed("SM") == []
            assert driver.read_slot(Slot("SM", 1)) is None
            driver.send(vault.remember(NUMBER, b"held"), "Gracias")
            assert NUMBER.hex().upper().encode() in said
            with pytest.raises(ModemError, match=r"an error is the answer to AT\+CPMS"):
                driver.choose("XX")
            assert driver.lives
        finally:
            driver.stop()
