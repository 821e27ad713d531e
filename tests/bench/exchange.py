"""A gateway and the Asterisk before it, set up for many calls; and the calls that Asterisk records
by itself, for comparison."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import processes
from tests.crowd.crowd import Crowd
from tests.system import world
from tipline_gw.demo.asterisk_host import Asterisk, Host, find_host
from tipline_gw.demo.stage import Gateway, free_port, set_up, tipline

MAX_CALLS = 600
RECORD = "8000"
"""The number at which Asterisk records in clear, in these measurements alone."""
_RECORDING = """
[from-line](+)
exten => @NUMBER@,1,Answer()
 same => n,Record(@DIR@/spool/${UNIQUEID}.wav,0,600,q)
 same => n,Hangup()
"""


@dataclass
class Exchange:
    config: Path
    gateway: Gateway
    asterisk: Asterisk
    directory: Path
    sip: str

    def pids(self, crowd: Crowd) -> dict[str, int]:
        return {
            "asterisk": self.asterisk.pid,
            "core": self.gateway.pid,
            "callers": crowd.pid,
        }


@contextmanager
def exchange(*, record: bool = False, seconds: int = 600) -> Iterator[Exchange]:
    """Both started, and their start over."""
    host = find_host()
    with tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder, host.workspace() as place:
        config = set_up(Path(folder) / "gw", {})
        _change(config, max_calls=MAX_CALLS, max_recording_seconds=seconds)
        sip = f"127.0.0.1:{free_port()}"
        directory = place / "asterisk"
        tipline(config, "asterisk-config", directory, "--sip-listen", sip, "--root", host.root)
        if record:
            _let_it_record(host, directory)
        gateway = Gateway(config)
        try:
            gateway.start()
            with Asterisk(host, directory) as asterisk:
                processes.settled(gateway)
                yield Exchange(config, gateway, asterisk, directory, sip)
                complaints = [
                    one for one in asterisk.complaints if world.HANG_UP_WARNING not in one
                ]
                assert not complaints, complaints[:3]
        finally:
            gateway.kill()


def _change(config: Path, **values: int) -> None:
    text = config.read_text()
    for key, value in values.items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert found == 1, key
    config.write_text(text)


def _let_it_record(host: Host, directory: Path) -> None:
    modules = directory / "modules.conf"
    modules.write_text(modules.read_text() + "load = app_record.so\n")
    dialplan = directory / "extensions.conf"
    plan = _RECORDING.replace("@DIR@", host.inside(directory)).replace("@NUMBER@", RECORD)
    dialplan.write_text(dialplan.read_text() + plan)
