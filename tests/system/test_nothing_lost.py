"""Five thousand messages through everything that can befall a gateway: each comes out of the
stock ``age`` once.

Processes are killed, modems vanish, the disk is full, all in the middle of work: how much of it
is done decides when, so the same seed means the same, on a slow machine too.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.sealing import stock_age
from tests.system import letters, misfortunes, small_disk, world
from tipline_gw.demo.stage import tipline, until

SEED = 20260305
STORED = {f"gsm{at}": ("--storages", f"SM={30 + 10 * at},ME=50,SR=10") for at in range(6)}
DIALECT = Path(__file__).parents[1] / "modems" / "dialects" / "wavecom" / "fastrack.toml"
DIRECT = {f"direct{at}": ("--dialect", str(DIALECT), "--cnma-seconds", "4") for at in range(2)}
DEALT = (*STORED, *STORED, *DIRECT)
"""Whose each letter is, in turn: direct delivery waits for the network after each kill."""
PATIENCE = 120.0
WAITS = "reassembly_seconds"
AFTER = 16
"""Letters that come when all is mended: each of them is answered."""
AT_ONCE = 2
"""Processes that open what was exported: one a core."""


@pytest.fixture
def disk(root, tmp_path) -> Iterator[Path]:
    """Where the store is, and the exported files: small enough to be filled at once."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk.mounted(folder, "192m"):
        yield folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("count", "times", "reply"),
    [(5000, 3, "none"), (300, 1, "code")],
    ids=["five-thousand", "with-replies"],
)
def test_every_message_comes_out_once(disk, tmp_path, count, times, reply):
    rng = random.Random(SEED)
    changes = {"url": f'"sqlite:///{disk}/tips.db"', "reply": f'"{reply}"', WAITS: "3600"}
    with world.home(tmp_path, STORED | DIRECT, changes) as home:
        written = letters.written(count, DEALT, rng)
        amid, after = written[:-AFTER], written[-AFTER:]
        post(home, amid, rng)
        home.gateway.start()
        befall(home, amid, misfortunes.Misfortunes(home, disk, rng).all(times))
        assert until(lambda: at_rest(home, STORED), PATIENCE), states(home)
        give_up_on_the_torn(home)
        assert until(lambda: at_rest(home), PATIENCE), states(home)
        post(home, after, rng)
        assert until(lambda: at_rest(home), PATIENCE), states(home)
        answered = {letter.sender for letter in after} if reply == "code" else set()
        assert until(lambda: answered <= set(receivers(home)), PATIENCE), states(home)
        assert home.gateway.stop() == 0
        assert_each_once(written, opened(home.config, disk / "out"))
        assert_answered_once(receivers(home), written if reply == "code" else [])


def post(home: world.Home, written: list[letters.Letter], rng: random.Random) -> None:
    """All of it to the network, which keeps what a modem has no room for."""
    for name, modem in home.modems.items():
        own = [letter for letter in written if letter.modem == name]
        for one in letters.posts(own, rng):
            letter = one.letter
            modem.control.receive(
                letter.sender, letter.text, encoding=letter.encoding, ref=one.reference,
                omit=one.omit, shuffle=True,
            )  # fmt: skip


def befall(
    home: world.Home, written: list[letters.Letter], events: list[Callable[[], None]]
) -> None:
    """The events, evenly over the work to be done."""
    parts = sum(len(letter.parts) for letter in written)
    for number, event in enumerate(events, 1):
        due = parts * number // (len(events) + 1)
        assert until(lambda due=due: done(home) >= due, PATIENCE), (due, states(home))
        event()


def done(home: world.Home) -> int:
    """Short messages that the gateway deleted or acknowledged."""
    counts = [modem.control.state()["counts"] for modem in home.modems.values()]
    return sum(one["deleted"] + one["acknowledged"] for one in counts)


def at_rest(home: world.Home, emptied: Collection[str] = (*STORED, *DIRECT)) -> bool:
    """Nothing waits in a network, and nothing lies on the modems of these names."""
    states = [modem.control.state() for modem in home.modems.values()]
    waiting = any(one["queue"] or one["waiting_ack"] for one in states)
    return not waiting and not any(home.stored(name) for name in emptied)


def give_up_on_the_torn(home: world.Home) -> None:
    """Where direct delivery fell back while a letter came, some of its parts may lie on the SIM
    and wait for others that are in the store already, in pieces: not for an hour, in a test."""
    assert home.gateway.stop() == 0
    text = home.config.read_text()
    home.config.write_text(text.replace(f"{WAITS} = 3600", f"{WAITS} = 5"))
    home.gateway.start()


def states(home: world.Home) -> dict[str, object]:
    """What to look at when it takes too long."""
    wanted = ("queue", "storages", "waiting_ack", "counts", "cnmi", "port_open")
    found = {name: modem.control.state() for name, modem in home.modems.items()}
    return {"seed": SEED} | {
        name: {key: state[key] for key in wanted} for name, state in found.items()
    }


def opened(config: Path, out: Path) -> list[dict]:
    """Every exported file's envelope, by the stock age."""
    names = json.loads(tipline(config, "tips", "export", out, "--json"))
    with closing(stock_age.find()) as age:
        key = age.place("key", (config.parent / "reviewer.key").read_bytes())
        for at, name in enumerate(names):
            age.place(f"{at % AT_ONCE}-{name}", (out / name).read_bytes())
        each = 'for file in "$1"/"$2"-*; do age -d -i "$1"/key "$file" && echo || exit 1; done'
        folder = str(Path(key).parent)

        def share(which: int) -> bytes:
            return age("-c", each, "sh", folder, str(which), tool="sh")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            plain = b"".join(pool.map(share, range(AT_ONCE)))
    envelopes = [json.loads(line) for line in plain.splitlines()]
    assert len(envelopes) == len(names)
    return envelopes


def assert_each_once(written: list[letters.Letter], tips: list[dict]) -> None:
    """Whole; a letter that was delivered directly may have come in pieces, none of them twice."""
    expected = Counter(letter.text for letter in written)
    whole = Counter(tip["text"] for tip in tips if not tip["partial"])
    assert not whole - expected, (SEED, "twice, or never sent", whole - expected)
    torn = [letter for letter in written if not whole[letter.text]]
    lost = [letter for letter in torn if letter.modem not in DIRECT]
    assert not lost, (SEED, "not there, or not whole", lost)
    assert_pieces_make_them(torn, [tip for tip in tips if tip["partial"]])


def assert_pieces_make_them(torn: list[letters.Letter], pieces: list[dict]) -> None:
    """What was torn came in as pieces, each short message of it in one of them; no other did."""
    expected = {
        (letter.number, seq): part for letter in torn for seq, part in enumerate(letter.parts, 1)
    }
    found: Counter[tuple[int, int]] = Counter()
    for piece in pieces:
        number = letters.number_in(piece["text"])
        for seq in piece["numbers"]:
            found[number, seq] += 1
            assert expected.get((number, seq), "") in piece["text"], (SEED, number, seq)
    assert not found - Counter(expected.keys()), (SEED, "twice", found - Counter(expected.keys()))
    assert not Counter(expected.keys()) - found, (SEED, "lost", set(expected) - set(found))


def receivers(home: world.Home) -> list[str]:
    """Who was sent a whole answer, once for each."""
    sent = [one for modem in home.modems.values() for one in modem.control.sent()]
    return [one["to"] for one in sent if one["complete"]]


def assert_answered_once(answered: list[str], written: list[letters.Letter]) -> None:
    """A kill may cost an answer; nobody gets two, and nobody gets one who did not write."""
    assert set(answered) <= {letter.sender for letter in written}
    assert len(answered) == len(set(answered)), SEED
