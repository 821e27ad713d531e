"""The main job once, on this machine, and whether it kept its promises.

Texts through virtual modems, calls through a real Asterisk where there is one, then the checks
that matter: everything was taken in, the stock ``age`` opens it, and the senders' numbers are
nowhere. Each check is a ``Point``; the demonstration holds when all of them do.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo.asterisk_host import Asterisk, Host, find_host
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.search import search_files
from tipline_gw.demo.stage import Gateway, free_port, opened, running, set_up, tipline, until
from tipline_gw.domain import case_code
from tipline_gw.domain.tip import State
from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE
from tipline_gw.errors import TiplineError
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue

TEXTS = (
    ("+526561234567", "Two men in a white truck are watching the school on Calle Mina"),
    ("+526567654321", "Vi cómo metían cajas en la bodega de la esquina, ¿alguien más lo vio? Ñ"),
    (
        "+5215550009876",
        (
            "Hace tres noches que llega una camioneta sin placas a la casa de la esquina, "
            "siempre después de las once. Bajan a gente con los ojos vendados y se oyen gritos; "
            "los vecinos tenemos miedo de salir. La puerta es azul, está junto a la tienda, y el "
            "que maneja trae uniforme. Por favor, que alguien venga y que no diga quién avisó: "
            "aquí todos se conocen."
        ),
    ),
)
CALLERS = ("+526569990001", "+526569990002")
SPEECH = "Hay una persona armada frente a la escuela, en la calle principal."
ALL_NUMBERS = [number for number, _ in TEXTS] + list(CALLERS)

_HANG_UP = "audiosocket_run: Failed to receive frame"
"""What Asterisk warns of whenever somebody hangs up while speaking."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One promise and whether it held."""

    what: str
    held: bool
    detail: str = ""


@dataclass(slots=True)
class Summary:
    """``notes``: what could not be shown on this machine, and how it could."""

    points: list[Point] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return bool(self.points) and all(point.held for point in self.points)

    def add(self, what: str, held: bool, detail: str = "") -> None:
        self.points.append(Point(what, held, detail))


def play(directory: Path, say: Say) -> Summary:
    """The whole demonstration in ``directory``, which is new or empty. Raises TiplineError when
    it cannot even begin."""
    summary = Summary()
    host = _host(summary)
    with contextlib.ExitStack() as stack:
        say("starting two virtual modems and the daemon (prompts are spoken first)")
        modems = {f"gsm{n}": stack.enter_context(_modem(directory, n)) for n in (0, 1)}
        home = directory / "gateway"
        config = set_up(home, {name: modem.link for name, modem in modems.items()})
        gateway = stack.enter_context(running(config))
        folders = [home]
        _texts(list(modems.values()), gateway, summary, say)
        if host:
            folders.append(stack.enter_context(_asterisk_folder(host)))
            _calls(host, folders[1], gateway, summary, say)
        summary.add("the daemon ends on SIGTERM with 0", gateway.stop() == 0)
        _judge(config, folders, 2 if host else 0, host, summary, say)
    return summary


def _modem(directory: Path, number: int) -> VirtualModem:
    return VirtualModem(directory / f"tty{number}", directory / f"control{number}")


def _host(summary: Summary) -> Host | None:
    try:
        return find_host()
    except TiplineError as error:
        summary.notes.append(f"calls were not shown: {error}")
        return None


# Texts.


def _texts(modems: list[VirtualModem], gateway: Gateway, summary: Summary, say: Say) -> None:
    say("three texts: plain, accented, and a long one whose parts arrive out of order")
    for number, (sender, text) in enumerate(TEXTS):
        modems[number % 2].control.receive(sender, text, shuffle=True)
    taken = until(lambda: gateway.count("tips_total") >= len(TEXTS), 30)
    summary.add("every text was taken in", taken, f"{gateway.count('tips_total'):.0f} tips")
    expected = {number for number, _ in TEXTS}
    answered = until(lambda: {r["to"] for r in _replies(modems)} >= expected, 30)
    replies = _replies(modems)
    codes = {code for reply in replies if (code := _code_in(str(reply["text"])))}
    summary.add(
        "each sender was answered once, with a code of its own",
        answered and len(replies) == len(codes) == len(TEXTS),
        f"{len(replies)} replies, {len(codes)} codes",
    )
    _state(modems[0], codes, summary, say)
    emptied = until(lambda: not any(_stored(modem) for modem in modems), 10)
    summary.add("the SIMs are empty again", emptied)
    forgotten = until(lambda: gateway.count("addresses_held") == 0, 10)
    summary.add("the boundary holds no number any more", forgotten)


def _state(modem: VirtualModem, codes: set[str], summary: Summary, say: Say) -> None:
    say("a text that asks for the state of a case by its code")
    asked = modem.control
    before = len(asked.sent())
    asked.receive(TEXTS[0][0], f"estado {next(iter(codes), '')}")
    told = until(lambda: len(asked.sent()) > before, 20) and str(asked.sent()[-1]["text"])
    expected_state = Catalogue.load("es").sms(names.status(State.RECEIVED))
    summary.add("the code alone tells the state of its case", expected_state in (told or ""))


def _replies(modems: list[VirtualModem]) -> list[dict[str, object]]:
    return [reply for modem in modems for reply in modem.control.sent()]


def _stored(modem: VirtualModem) -> int:
    return sum(len(slots) for slots in modem.control.stored().values())


def _code_in(text: str) -> str | None:
    found = re.search(r"\d{4} \d{4} \d{4}", text)
    return case_code.parse(found[0]) if found else None


# Calls.


@contextlib.contextmanager
def _asterisk_folder(host: Host) -> Iterator[Path]:
    with host.workspace() as folder:
        yield folder / "asterisk"


def _calls(host: Host, folder: Path, gateway: Gateway, summary: Summary, say: Say) -> None:
    listen = f"127.0.0.1:{free_port()}"
    words = ("asterisk-config", folder, "--sip-listen", listen, "--root", host.root)
    tipline(gateway.config, *words)
    before = gateway.count("tips_total")
    with Asterisk(host, folder) as asterisk:
        say("a call: language, menu, speech, #, keep, and the code is said; and at the same time")
        say("a call: speech, and the caller hangs up in the middle of it")
        with ThreadPoolExecutor() as callers:
            first = callers.submit(_call, host, listen, _keeping(), CALLERS[0])
            second = callers.submit(_call, host, listen, _hanging_up(), CALLERS[1])
            kept, dropped = first.result(), second.result()
        taken = until(lambda: gateway.count("tips_total") >= before + 2, 20)
        complaints = [line for line in asterisk.complaints if _HANG_UP not in line]
    summary.add("the first call was led to its end", kept.ended == "gateway", kept.ended)
    summary.add("the second was hung up by its caller", dropped.ended == "caller", dropped.ended)
    summary.add("both calls were taken in", taken)
    summary.add("Asterisk had nothing to complain of", not complaints, f"{len(complaints)} lines")


def _call(host: Host, listen: str, steps: list[sip.Step], number: str) -> sip.Report:
    return sip.Caller(host, listen).call(steps, caller_number=number)


def _keeping() -> list[sip.Step]:
    return [
        sip.Hear(), sip.Press("1"),
        sip.Hear(), sip.Press("1"),
        sip.Quiet(1.0), sip.Speak(SPEECH), sip.Press("#"),
        sip.Hear(), sip.Press("1"),
        # The code is said slowly, and to who presses nothing it is said again.
        sip.AwaitBye(within=150),
    ]  # fmt: skip


def _hanging_up() -> list[sip.Step]:
    return [
        sip.Hear(), sip.Press("2"),
        sip.Hear(), sip.Press("1"),
        sip.Quiet(1.0), sip.Speak(SPEECH), sip.HangUp(),
    ]  # fmt: skip


# What is left behind.


def _judge(
    config: Path, folders: list[Path], calls: int, host: Host | None, summary: Summary, say: Say
) -> None:
    say("exporting, opening with the stock age, and looking for the numbers everywhere")
    out = config.parent / "out"
    files = [out / name for name in json.loads(tipline(config, "tips", "export", out, "--json"))]
    tips = json.loads(tipline(config, "tips", "list", "--json"))
    summary.add(
        "every tip is in the store, sealed to its end",
        len(tips) == len(TEXTS) + calls and all(tip["whole"] for tip in tips),
        f"{len(tips)} tips, {sum(tip['size'] for tip in tips)} octets",
    )
    _search(folders, summary)
    # From here on plaintext is made: nothing is searched after it.
    plain = _opened(config, files, host, summary)
    envelopes = [json.loads(p) for name, p in plain.items() if name.endswith(".json.age")]
    recordings = [p[HEADER_OCTETS:] for name, p in plain.items() if name.endswith(".wav.age")]
    texts = sorted(str(e["text"]) for e in envelopes if e["kind"] == "sms")
    summary.add("the texts come out as they were sent", texts == sorted(t for _, t in TEXTS))
    if calls:
        seconds = [len(pcm.rstrip(b"\0")) / PCM_RATE for pcm in recordings]
        said = ", ".join(f"{s:.1f} s" for s in seconds)
        summary.add("both recordings hold speech", len(seconds) == 2 and min(seconds) > 2, said)


def _search(folders: list[Path], summary: Summary) -> None:
    read, hits = search_files(folders, ALL_NUMBERS)
    where = "; ".join(f"{hit.where} ({hit.form})" for hit in hits[:3])
    summary.add(
        "the numbers are in none of the files that were written",
        read > 0 and not hits,
        where or f"{read} files, {len(ALL_NUMBERS)} numbers, every form",
    )


def _opened(
    config: Path, files: list[Path], host: Host | None, summary: Summary
) -> dict[str, bytes]:
    key = config.parent / "reviewer.key"
    if _recent(["age"]):
        plain = opened(files, key, ["age"])
    elif host and _recent(host.command("age")):
        plain = _opened_inside(files, key, host)
    else:
        summary.notes.append("the stock age was not shown: install age 1.3 or newer")
        return _opened_by_us(config, files, key)
    summary.add(
        "the stock age opens every file", len(plain) == len(files) > 0, f"{len(plain)} files"
    )
    return plain


def _opened_inside(files: list[Path], key: Path, host: Host) -> dict[str, bytes]:
    with host.workspace() as folder:
        copies = [Path(shutil.copy(file, folder)) for file in [*files, key]]
        inside = [Path(host.inside(copy)) for copy in copies]
        return opened(inside[:-1], inside[-1], host.command("age"))


def _opened_by_us(config: Path, files: list[Path], key: Path) -> dict[str, bytes]:
    words: list[str | Path] = ["tips", "open", *files, "-i", key, "--json"]
    words += ["-o", config.parent / "opened"]
    plain = {}
    for one in json.loads(tipline(config, *words)):
        name = Path(one["file"]).name
        made = one.get("recording")
        envelope = json.dumps(one.get("envelope")).encode()
        plain[name] = Path(made).read_bytes() if made else envelope
    return plain


def _recent(age: list[str]) -> bool:
    """Whether these words start an age that knows hybrid keys: 1.3 or newer."""
    try:
        done = subprocess.run([*age, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    version = re.search(r"(\d+)\.(\d+)", done.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= (1, 3)
