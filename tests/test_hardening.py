"""What a process of the gateway does to itself, seen in one that did it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOLD = """
import ctypes, json, os, resource
from tipline_gw.hardening import harden_process
harden_process()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "locked": int(status["VmLck"].split()[0]),
    "resident": int(status["VmRSS"].split()[0]),
    "umask": os.umask(0),
}))
"""


@pytest.fixture(scope="module")
def hardened():
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, check=True)
    return json.loads(done.stdout)


def test_no_core_dump_can_be_made_and_nobody_can_attach(hardened):
    assert hardened["core"] == [0, 0]
    assert hardened["dumpable"] == 0


def test_new_files_are_private(hardened):
    assert hardened["umask"] == 0o077


def test_memory_is_kept_out_of_swap_where_that_is_allowed(hardened):
    if os.geteuid() == 0:
        assert hardened["locked"] > hardened["resident"] // 2
    else:
        assert hardened["locked"] == 0 or hardened["locked"] > hardened["resident"] // 2


def test_without_the_right_to_it_memory_is_not_locked_and_can_grow():
    drop = (
        "import ctypes, json, os, resource, tipline_gw.hardening\n"
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
    )
    grow = "\nx = bytearray(64 << 20)\nprint(len(x))\n"
    done = subprocess.run(
        [sys.executable, "-c", drop + TOLD + grow], capture_output=True, check=True
    )
    told, grown = done.stdout.splitlines()
    assert json.loads(told)["locked"] == 0
    assert int(grown) == 64 << 20


def test_a_crash_of_asterisk_under_its_sample_unit_leaves_no_memory_to_whoever_is_given_it():
    unit = (Path(__file__).parents[1] / "systemd/tipline-asterisk.service").read_text().splitlines()
    assert {"LimitCORE=0", "CoredumpFilter=0", "MemorySwapMax=0"} <= set(unit)
    # A stick's ports, and the sound card that some have instead of one.
    assert "SupplementaryGroups=dialout audio" in unit
