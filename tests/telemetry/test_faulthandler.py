"""What Python writes of a process that crashes: places, and nothing that was in its hands."""

import subprocess
import sys

from tipline_gw.demo.search import search_octets

NUMBER = "+526561234567"
CRASHES = """
import faulthandler, os, signal, sys
from tipline_gw.telemetry import log
log.configure("debug")
faulthandler.enable()
def handle(number, held):
    os.kill(os.getpid(), signal.SIGSEGV)
number = sys.stdin.readline().strip()
handle(number, {"number": number, "octets": bytearray(number, "ascii")})
"""


def test_a_crash_tells_places_and_no_values():
    done = subprocess.run(
        [sys.executable, "-c", CRASHES], input=NUMBER.encode(), capture_output=True, check=False
    )
    assert done.returncode < 0
    assert b"in handle" in done.stderr
    assert list(search_octets(done.stdout + done.stderr, [NUMBER])) == []
