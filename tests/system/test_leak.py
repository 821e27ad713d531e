"""No sender's and no caller's number is anywhere, whatever they do and whatever goes wrong.

Both ways at log level debug, with numbers that differ in their last two digits; then every file
that the gateway and Asterisk wrote is searched, and the daemon's memory while it still runs.
"""

import json
import os
import socket
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.system import sounds, world
from tipline_gw.audit import places
from tipline_gw.audit.letters import CENTRE, LONG, SPOILED
from tipline_gw.audit.tap import Tap
from tipline_gw.demo import sip_caller as sip
from tipline_gw.demo import tpdu
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.search import forms, search_files, search_octets
from tipline_gw.demo.stage import tipline, until

SHARED = "65683741"
NUMBERS = [f"+52{SHARED}{last:02}" for last in range(60)]
TEXTERS, CALLERS, AGI = NUMBERS[:40], NUMBERS[40:50], NUMBERS[50:]
ALPHANUMERIC = "QZ-CANARIO"
PIN, WRONG_PIN = "47118264", "83921746"


class Letters:
    """Texts of all kinds, each from a number of its own; ``sent`` counts what must become tips."""

    def __init__(self, home: world.Home) -> None:
        self._home = home
        self._senders = iter(TEXTERS)
        self.sent = 0

    def text(self, modem: str, text: str, **options) -> None:
        self._home.modems[modem].control.receive(next(self._senders), text, **options)
        self.sent += 1

    def pdu(self, modem: str, spoil, *, is_tip: bool = True, **letter) -> None:
        letter = {"text": "Una bodega sin ventanas", "encoding": "gsm7", **letter}
        whole = tpdu.deliver(tpdu.Letter(sender=next(self._senders), **letter), datetime.now(UTC))
        self._home.modems[modem].control.receive_pdu(spoil(bytearray(CENTRE + whole[0])).hex())
        self.sent += is_tip

    def report(self, modem: str) -> None:
        report = tpdu.status_report(7, next(self._senders), datetime.now(UTC))
        self._home.modems[modem].control.receive_pdu((CENTRE + report).hex())

    def next_sender(self) -> str:
        return next(self._senders)


AS_SUBMITTED = "as it was submitted"


def play_texts(home: world.Home, letters: Letters) -> None:
    settle(home)  # what lay there at start
    letters.text("gsm0", "Plain: a white truck at the school")
    letters.text("gsm1", "Acentuado: cómo metían cajas, ¿lo vio? Ñ", encoding="gsm7-es")
    letters.text("gsm0", LONG, shuffle=True)
    letters.text("gsm1", "Кто-то стреляет 😀", encoding="ucs2")
    letters.text("gsm0", "eight bits", encoding="8bit")
    letters.text("gsm1", "Flash", sms_class=0)
    home.modems["gsm0"].control.receive(ALPHANUMERIC, "Gane un premio")
    letters.sent += 1
    for what, spoil in SPOILED.items():
        letters.pdu("gsm1", spoil, is_tip=what != AS_SUBMITTED)
    settle(home)
    play_modes(home, letters)
    play_failed_reply(home, letters)
    play_unplugged(home, letters)


def play_modes(home: world.Home, letters: Letters) -> None:
    control = home.modems["gsm0"].control
    for modes in ({"interleave": True}, {"noise": 0.3}, {"trickle_us": 200.0}):
        control.set(**modes)
        for text in ("uno", LONG, "tres"):
            letters.text("gsm0", text)
        control.ring(letters.next_sender(), times=1)
        settle(home)
        control.set(interleave=False, noise=0.0, trickle_us=0.0)


def play_failed_reply(home: world.Home, letters: Letters) -> None:
    home.modems["gsm0"].control.set(fail_cmgs=[500, 38, 500, 38, 500, 38])
    letters.text("gsm0", "no le contesten")
    settle(home)
    home.modems["gsm0"].control.set(fail_cmgs=[])


def play_unplugged(home: world.Home, letters: Letters) -> None:
    """Gone in the middle of a message that is being read, and in the middle of an answer."""
    control = home.modems["gsm0"].control
    control.set(baud=4800)
    letters.text("gsm0", LONG + LONG)
    assert until(lambda: home.stored("gsm0") > 1, 20)
    control.vanish()
    control.set(baud=0)
    assert until(lambda: home.gateway.count("modem_up") == 2, 60)
    control.come_back()
    settle(home)


def settle(home: world.Home) -> None:
    assert until(home.idle, 60), home.gateway.log.read_text()[-2000:]


def play_tapped(home: world.Home, tap: Tap, letters: Letters) -> None:
    """What no modem should say, because it was told not to; some do."""
    caller, sender = letters.next_sender(), letters.next_sender()
    pdu = (CENTRE + tpdu.deliver(tpdu.Letter(sender, "directo"), datetime.now(UTC))[0]).hex()
    report = (CENTRE + tpdu.status_report(9, sender, datetime.now(UTC))).hex()
    tap.say("RING", f'+CLIP: "{caller}",145,"",,"",0')
    tap.say("+CRING: VOICE", f'+CLCC: 1,1,4,0,0,"{caller}",145')
    tap.say(f"+CMT: ,{len(pdu) // 2 - len(CENTRE)}", pdu.upper())
    letters.sent += 1
    tap.say(f"+CDS: {len(report) // 2 - len(CENTRE)}", report.upper())
    tap.say(f'+CUSD: 0,"Recarga de {sender}",15', f"^NUEVO:{caller}")
    letters.text("tapped", "y sigue en pie")
    # Lines that begin as an answer and never end, then one that ends.
    tap.say_raw(f'+CLIP: "{caller}'.encode())
    letters.text("tapped", "a medias")
    settle(home)


def play_agi(config: Path) -> None:
    """What an Asterisk with another configuration would send."""
    host, port = tomllib.loads(config.read_text())["voice"]["agi_listen"].split(":")
    names = ("callerid", "calleridname", "rdnis", "dnid", "arg_1", "channel", "request", "x\xff")
    lines = [f"agi_{name}: SIP/{number}-1" for name, number in zip(names, AGI, strict=False)]
    for end in ("\n\n", ""):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(("agi_network: yes\n" + "\n".join(lines) + end).encode("latin-1"))
            connection.settimeout(1)
            try:
                while connection.recv(1000).startswith(b"ANSWER"):
                    connection.sendall(b"200 result=0\n")
            except OSError:
                continue


def play_calls(exchange: world.Exchange) -> list[sip.Report]:
    speech = sip.Speak(pcm=sounds.babble(5.0, seed=1))
    menu = sip.Hear()
    leave = world.LEAVE_A_TIP
    calls = [
        exchange.call(CALLERS[0], *leave, speech, sip.Press("#"), menu, sip.Press("1"), menu),
        exchange.call(CALLERS[1], *leave, speech, sip.HangUp()),
        exchange.call(CALLERS[2], *world.CHOOSE_SPANISH, menu, sip.Press("2"), menu),
        exchange.call(CALLERS[3], *leave, speech, sip.Press("#"), menu, sip.Press("2"), menu),
    ]
    return [call.result() for call in calls]


def play_torn_down(home: world.Home, exchange: world.Exchange) -> sip.Report:
    """Asterisk itself ends the call while the caller speaks."""
    speech = sip.Speak(pcm=sounds.babble(15.0, seed=2))
    before = len(world.voice_rows(home.config))
    call = exchange.call(CALLERS[4], *world.LEAVE_A_TIP, speech, sip.AwaitBye())
    chunk = 1 << 16
    assert until(lambda: any(r.size > chunk for r in new_rows(home.config, before)), 60)
    exchange.asterisk.console("channel request hangup all")
    return call.result()


def new_rows(config: Path, before: int) -> list:
    voice = world.voice_rows(config)
    return [row for row in voice if not row.whole] if len(voice) > before else []


@pytest.fixture(scope="module")
def scene(host, root, tmp_path_factory):
    """Everything played, everything searched, the daemon stopped."""
    directory = tmp_path_factory.mktemp("leak")
    temporary = directory / "tmp"
    temporary.mkdir()
    modems = {"gsm0": (), "gsm1": ("--storages", "SM=20,ME=100"), "tapped": ()}
    with pytest.MonkeyPatch.context() as patch, world.home(directory, modems) as home:
        patch.setenv("TMPDIR", str(temporary))
        locked = add_locked_modem(directory, home.config)
        letters = Letters(home)
        letters.report("gsm1")  # it lies on the SIM when the daemon starts
        with locked, tapped(home, directory) as tap, world.exchange(host, home.config) as exchange:
            home.gateway.start()
            calls = exchange.pool.submit(play_calls, exchange)
            play_agi(home.config)
            play_texts(home, letters)
            play_tapped(home, tap, letters)
            reports = calls.result()
            reports.append(play_torn_down(home, exchange))
            settle(home)
            assert until(lambda: home.gateway.count("calls_now") == 0, 20)
            held = while_held(home, letters)
            remembered: list = []
            until(lambda: not remember(home, remembered), 60)
            opened_files = [file for pid in home.gateway.pids for file in files_of(pid)]
            processes = len(home.gateway.pids)
            tries = [
                line for line in locked.control.transcript() if line.upper().startswith("AT+CPIN=")
            ]
            folders = [home.directory, temporary, exchange.directory]
            readable = [path for path in home.directory.rglob("*") if path.is_file()]
            # Twice: the write-ahead log is gone when the daemon is.
            alive, running_hits = search_files(folders, NUMBERS)
            stopped = home.gateway.stop()
            read, hits = search_files(folders, NUMBERS)
            _, pin_hits = search_files(folders, [PIN, WRONG_PIN])
            yield SimpleNamespace(
                home=home, letters=letters, reports=reports, folders=folders, stopped=stopped,
                read=min(read, alive), hits=hits + running_hits, pin_hits=pin_hits,
                tries=tries, opened_files=opened_files, processes=processes,
                remembered=remembered, held=held, readable=readable, temporary=temporary,
                console=exchange.asterisk.log, log=home.gateway.log.read_text(),
                tips=json.loads(tipline(home.config, "tips", "list", "--json")),
                envelopes=[tip.envelope for tip in world.opened_tips(home.config)],
                alphanumeric=alphanumeric_hits(folders), pin_state=locked.control.state()["pin"],
                sent=[m for modem in home.modems.values() for m in modem.control.sent()],
            )  # fmt: skip


def add_locked_modem(directory: Path, config: Path) -> VirtualModem:
    """Its PIN file is wrong, and lies where it is not searched. The daemon's readiness does not
    wait for it, because its table is indented."""
    pin_file = directory / "pin"
    pin_file.write_text(WRONG_PIN)
    pin_file.chmod(0o600)
    modem = VirtualModem(directory / "tty-locked", directory / "control-locked", "--pin", PIN)
    table = f'\n [[modem]]\nname = "locked"\nport = "{modem.link}"\npin_file = "{pin_file}"\n'
    config.write_text(config.read_text() + table)
    return modem


def tapped(home: world.Home, directory: Path) -> Tap:
    modem, link = home.modems["tapped"].link, directory / "tty-tap"
    home.config.write_text(home.config.read_text().replace(f'"{modem}"', f'"{link}"'))
    return Tap(link, modem)


def while_held(home: world.Home, letters: Letters) -> list[str]:
    """The forms in the daemon's memory while a long text still waits for its second part, and so
    its sender for an answer."""
    control, sender = home.modems["gsm0"].control, letters.next_sender()
    control.receive(sender, LONG, ref=200, omit=[2])
    assert until(lambda: home.gateway.count("addresses_held") == 1, 20)
    forms = [form for form, _ in residue(home, [sender])]
    control.receive(sender, LONG, ref=200, omit=[1])
    letters.sent += 1
    settle(home)
    return forms


def remember(home: world.Home, scans: list) -> list:
    scans.append(residue(home, NUMBERS))
    return scans[-1]


def residue(home: world.Home, numbers: list[str]) -> list:
    """Of both processes of the daemon."""
    return [hit for pid in home.gateway.pids for hit in residue_of(pid, numbers)]


def residue_of(pid: int, numbers: list[str]) -> list[tuple[str, str]]:
    """The forms found in its memory, and where. A piece of memory without the digits that all
    numbers share is not searched for each."""
    return [
        (form, place.where)
        for place in places.memory(pid, "it")
        for data in place.pieces()
        if any(search_octets(data, [SHARED]))
        for form in search_octets(data, numbers)
    ]


def files_of(pid: int) -> list[Path]:
    """Regular files that a process has open for writing."""
    opened = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        flags = int((Path(f"/proc/{pid}/fdinfo") / link.name).read_text().split()[3], 8)
        target = link.readlink()
        if flags & (os.O_WRONLY | os.O_RDWR) and (target.is_file() or "(deleted)" in target.name):
            opened.append(target)
    return opened


def alphanumeric_hits(folders: list[Path]) -> list[Path]:
    septets = [tpdu.DEFAULT_ALPHABET.index(char) for char in ALPHANUMERIC]
    packed = tpdu.pack(septets)[:-1]
    wanted = [ALPHANUMERIC.encode(), packed, packed.hex().encode(), packed.hex().upper().encode()]
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(octets in path.read_bytes() for octets in wanted)
    ]


def test_the_search_finds_each_form_of_a_number(tmp_path):
    for number in NUMBERS[:3]:
        for form, octets in forms(number).items():
            planted = tmp_path / "planted"
            planted.write_bytes(os.urandom(1000) + octets + os.urandom(1000))
            assert form in [hit.form for hit in search_files([tmp_path], NUMBERS)[1]]


def test_the_search_of_memory_finds_a_number_in_this_process(root):
    planted = bytearray(NUMBERS[7], "ascii")
    assert "plain" in [form for form, _ in residue_of(os.getpid(), [NUMBERS[7]])]
    assert planted.decode() == NUMBERS[7]


def test_everything_played_was_taken_in(scene):
    texts = [tip for tip in scene.tips if tip["kind"] == "sms"]
    assert len(texts) == scene.letters.sent
    assert sum(tip["kind"] == "voice" for tip in scene.tips) == 4
    assert [report.answered for report in scene.reports] == [True] * 5


def test_replies_went_to_numbers_so_the_numbers_were_there_to_leak(scene):
    answered = {message["to"] for message in scene.sent}
    assert len(answered & set(TEXTERS)) >= 15
    assert answered <= set(TEXTERS)


def test_no_number_is_in_any_file(scene):
    assert scene.read > 50
    assert scene.hits == []


def test_the_search_covered_store_log_configuration_and_prompts(scene):
    names = {path.name for path in scene.readable}
    assert {"tips.db", "tips.db-wal", "daemon.log", "tipline.toml", "welcome.sln"} <= names


def test_no_alphanumeric_sender_is_in_any_file(scene):
    assert scene.alphanumeric == []


def test_no_number_is_in_what_asterisk_said(scene):
    assert list(search_octets("\n".join(scene.console).encode(), NUMBERS)) == []


def test_no_number_is_in_what_the_reviewers_read(scene):
    assert len(scene.envelopes) == len(scene.tips)
    for envelope in scene.envelopes:
        plain = json.dumps(envelope, ensure_ascii=False).encode()
        plain += bytes.fromhex(envelope.get("data", ""))
        assert list(search_octets(plain, NUMBERS)) == [], envelope


def test_the_search_of_the_daemons_memory_finds_a_number_that_is_there(scene):
    assert "semi-octets" in scene.held


def test_no_number_is_left_in_the_memory_of_the_daemon(scene):
    assert scene.processes == 2
    assert scene.remembered[-1] == [], [len(scan) for scan in scene.remembered]


def test_the_daemon_writes_nowhere_else(scene):
    assert list(scene.temporary.iterdir()) == []
    assert {path.parent for path in scene.opened_files} <= {scene.home.directory}


def test_the_pin_is_tried_once_and_is_in_no_file(scene):
    assert len(scene.tries) == 1
    assert WRONG_PIN in scene.tries[0]
    assert scene.pin_state == "SIM PIN"
    assert scene.pin_hits == []


def test_the_log_is_at_level_debug_and_made_of_listed_events(scene):
    lines = [json.loads(line) for line in scene.log.splitlines()]
    assert {"info", "warning"} <= {line["level"] for line in lines}
    assert not [line for line in lines if line["level"] in ("error", "critical")]


def test_the_daemon_ends_on_sigterm_with_0(scene):
    assert scene.stopped == 0
