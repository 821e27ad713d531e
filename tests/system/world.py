"""What the whole-system tests share: a gateway with its modems and its Asterisk, and ways to look
at what came of them from the outside."""

import contextlib
import json
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.asterisk_host import Asterisk, Host
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.rtp_phone import PLAIN, Handset
from tipline_gw.demo.stage import Gateway, free_port, set_up, tipline
from tipline_gw.domain.tip import Kind
from tipline_gw.store import repository
from tipline_gw.store.engine import open_engine

HANG_UP_WARNING = "audiosocket_run: Failed to receive frame"
"""What Asterisk warns of whenever somebody hangs up while speaking."""


@dataclass
class Home:
    """A gateway's directory, and the modems on it."""

    config: Path
    modems: dict[str, VirtualModem]
    gateway: Gateway = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.config)

    @property
    def directory(self) -> Path:
        return self.config.parent

    def stored(self, name: str) -> int:
        """Messages that lie on a modem's SIM, reports aside."""
        slots = self.modems[name].control.stored()
        return sum(len(lying) for storage, lying in slots.items() if storage != "SR")

    def idle(self) -> bool:
        """Nothing waits for a modem or on it, and nobody is still to be answered."""
        empty = not any(
            modem.control.state()["queue"] or self.stored(name)
            for name, modem in self.modems.items()
        )
        return empty and self.gateway.count("addresses_held") == 0


@contextlib.contextmanager
def home(
    directory: Path, modems: Mapping[str, Sequence[str]], changes: Mapping[str, str] | None = None
) -> Iterator[Home]:
    """A gateway set up and not yet started. ``modems``: options by name; ``changes``: lines of
    the configuration by key."""
    with contextlib.ExitStack() as stack:
        plugged = {
            name: VirtualModem(directory / f"tty-{name}", directory / f"control-{name}", *options)
            for name, options in modems.items()
        }
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(stack.enter_context, plugged.values()))
        config = set_up(directory / "gw", {name: modem.link for name, modem in plugged.items()})
        text = config.read_text()
        for key, value in (changes or {}).items():
            text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
            assert found == 1, key
        config.write_text(text)
        made = Home(config, plugged)
        try:
            yield made
        finally:
            made.gateway.kill()


# Asterisk and its callers.


@dataclass
class Exchange:
    """An Asterisk before the gateway, and callers, several at once."""

    host: Host
    asterisk: Asterisk
    directory: Path
    listen: str
    booted_with: list[str]
    pool: ThreadPoolExecutor

    def call(self, number: str, *steps: sip.Step, handset: Handset = PLAIN) -> "Future[sip.Report]":
        caller = sip.Caller(self.host, self.listen, handset)
        return self.pool.submit(caller.call, list(steps), caller_number=number)

    @property
    def complaints(self) -> list[str]:
        return [line for line in self.asterisk.complaints if HANG_UP_WARNING not in line]


@contextlib.contextmanager
def exchange(host: Host, config: Path) -> Iterator[Exchange]:
    listen = f"127.0.0.1:{free_port()}"
    with host.workspace() as folder, ThreadPoolExecutor(12) as pool:
        directory = folder / "asterisk"
        words = ("asterisk-config", directory, "--sip-listen", listen, "--root", host.root)
        tipline(config, *words)
        with Asterisk(host, directory) as asterisk:
            yield Exchange(host, asterisk, directory, listen, asterisk.complaints, pool)


CHOOSE_SPANISH = (sip.Hear(), sip.Press("1"))
LEAVE_A_TIP = (*CHOOSE_SPANISH, sip.Hear(), sip.Press("1"), sip.Quiet(1.0))
"""Up to the tone."""


# What came of it.


@dataclass(frozen=True)
class Tip:
    """An exported tip, opened: ``pcm`` is empty for a text."""

    envelope: dict
    pcm: bytes
    truncated: bool

    @property
    def text(self) -> str | None:
        return self.envelope.get("text")


def opened_tips(config: Path) -> list[Tip]:
    """Everything in the store as the reviewer sees it. What was made for it is removed again."""
    out = config.parent / "out"
    try:
        files = [
            out / name for name in json.loads(tipline(config, "tips", "export", out, "--json"))
        ]
        if not files:
            return []
        words = ["tips", "open", *files, "-i", config.parent / "reviewer.key", "--json"]
        return _paired(json.loads(tipline(config, *words)))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _paired(opened: list[dict]) -> list[Tip]:
    recordings = {Path(o["file"]).name.split(".")[0]: o for o in opened if o.get("recording")}
    tips = []
    for one in opened:
        if one.get("envelope") is None:
            continue
        spoken = recordings.pop(Path(one["file"]).name.split(".")[0], None)
        pcm = Path(spoken["recording"]).read_bytes()[44:] if spoken else b""
        truncated = one["truncated"] or bool(spoken and spoken["truncated"])
        tips.append(Tip(one["envelope"], pcm, truncated))
    assert not recordings, "a recording without an envelope"
    return tips


def rows(config: Path) -> list[repository.TipRow]:
    """The store as the daemon's own code reads it, from outside the daemon."""
    url = re.search(r'(?m)^url = "([^"]*)"', config.read_text())[1]
    engine = open_engine(url)
    try:
        return repository.tips(engine)
    finally:
        engine.dispose()


def voice_rows(config: Path) -> list[repository.TipRow]:
    return [row for row in rows(config) if row.kind is Kind.VOICE]


def code_in(text: str) -> str:
    return re.search(r"\d{4} \d{4} \d{4}", text)[0].replace(" ", "")


class Crier(threading.Thread):
    """Sends texts, one after the other, while something else happens."""

    def __init__(self, control, letters, pause: float) -> None:
        super().__init__()
        self._control, self._letters, self._pause = control, letters, pause
        self._over = threading.Event()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for sender, text in self._letters:
                self._control.receive(sender, text, shuffle=True)
                self._over.wait(self._pause)
        except Exception as error:
            self.failure = error
