"""Texts of every kind through real serial traffic: each is in the store once, and only once."""

from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.system import world
from tipline_gw.demo import tpdu
from tipline_gw.demo.stage import until

PEOPLE = [f"+5265653820{last:02}" for last in range(40)]
PARAGRAPH = (
    "Llevan semanas entrando de noche a la casa abandonada de la calle Mina, con las luces "
    "apagadas; sacan bultos y los suben a una camioneta roja sin placas. "
)
LONG = PARAGRAPH * 3
ACCENTED = "Aquí todos se conocen: ¿quién más lo vio? Ayúdennos, por favor. Ñandú. " * 5
EMOJI = "🚨 tiros 🚨 " * 20
UNDECODABLE = "00" + "04FF91" + "00" * 30


class Outbox:
    """What was given to the network, and what must come of it."""

    def __init__(self, home: world.Home) -> None:
        self._home = home
        self._people = iter(PEOPLE)
        self.expected: Counter = Counter()
        self.answered: set[str] = set()

    def send(self, modem: str, text: str, sender: str = "", times: int = 1, **options) -> str:
        sender = sender or next(self._people)
        self._home.modems[modem].control.receive(sender, text, **options)
        self.expected[text] += times
        self.answered |= {sender}
        return sender


def settle(home: world.Home, seconds: float = 60) -> None:
    assert until(home.idle, seconds), home.gateway.log.read_text()[-2000:]


def outcome(home: world.Home, outbox: Outbox) -> SimpleNamespace:
    stopped = home.gateway.stop()
    envelopes = [tip.envelope for tip in world.opened_tips(home.config)]
    return SimpleNamespace(
        stopped=stopped,
        outbox=outbox,
        envelopes=envelopes,
        texts=Counter(envelope.get("text") for envelope in envelopes),
        sent=[m for modem in home.modems.values() for m in modem.control.sent()],
        stored={name: home.stored(name) for name in home.modems},
        whole=all(row.whole for row in world.rows(home.config)),
    )


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """Two modems, of which one hides its notices until the daemon is there; replies wanted."""
    directory = tmp_path_factory.mktemp("texts")
    with world.home(directory, {"gsm0": (), "gsm1": ("--drop-notices", "-1")}) as home:
        outbox = Outbox(home)
        control = home.modems["gsm1"].control
        for which in range(3):
            outbox.send("gsm1", f"antes de que alguien escuche, {which}")
        assert until(lambda: control.state()["queue"] == 0, 10)
        home.gateway.start()
        settle(home)
        control.set(drop_notices=0)
        send_everything(outbox)
        home.modems["gsm0"].control.receive_pdu(UNDECODABLE)
        home.modems["gsm0"].control.receive("BANCO-MX", "Su clave es secreta")
        outbox.expected["Su clave es secreta"] += 1
        settle(home)
        yield outcome(home, outbox)


def send_everything(outbox: Outbox) -> None:
    outbox.send("gsm0", LONG, shuffle=True)
    outbox.send("gsm1", ACCENTED, shuffle=True, encoding="ucs2")
    outbox.send("gsm0", ACCENTED + "2", shuffle=True, encoding="gsm7-es")
    outbox.send("gsm1", LONG + "16", shuffle=True, ref=0x1234, ref_bits=16)
    outbox.send("gsm0", EMOJI, shuffle=True)
    one, two = (outbox.send("gsm0", LONG + who, ref=7, omit=[2, 4]) for who in "AB")
    for sender, who in ((two, "B"), (one, "A")):
        outbox.send("gsm0", LONG + who, sender, times=0, ref=7, omit=[1, 3])
    outbox.send("gsm1", "En pantalla, y nada más", sms_class=0)
    outbox.send("gsm0", "Dos veces por la red", twice=True)
    outbox.send("gsm0", LONG + "doble", twice=True, shuffle=True)
    same = outbox.send("gsm1", "Ayer y hoy lo mismo: 1")
    outbox.send("gsm1", "Ayer y hoy lo mismo: 2", same)


def test_the_long_texts_are_of_the_parts_that_the_omissions_name():
    for who in "AB":
        assert len(tpdu.deliver(tpdu.Letter(PEOPLE[0], LONG + who), datetime.now(UTC))) == 4


def test_each_text_is_in_the_store_once(answering):
    texts = answering.texts.copy()
    assert texts.pop(None) == 1  # the one that does not decode
    assert texts == answering.outbox.expected
    assert answering.whole


def test_the_undecodable_one_is_sealed_and_deleted(answering):
    (sealed,) = [envelope for envelope in answering.envelopes if "error" in envelope]
    assert sealed["error"] == "bad-address"
    assert answering.stored == {"gsm0": 0, "gsm1": 0}


def test_every_subscriber_is_answered_and_nobody_else(answering):
    answers = Counter(message["to"] for message in answering.sent)
    assert set(answers) == answering.outbox.answered
    assert sum(answers.values()) == sum(answering.outbox.expected.values()) - 1
    assert all(message["complete"] for message in answering.sent)


def test_every_answer_has_a_code_of_its_own(answering):
    codes = [world.code_in(message["text"]) for message in answering.sent]
    assert len(set(codes)) == len(codes)


def test_texts_that_lay_there_before_the_daemon_are_taken_in(answering):
    early = [text for text in answering.texts if text and text.startswith("antes")]
    assert len(early) == 3


def test_the_answering_daemon_ends_with_0(answering):
    assert answering.stopped == 0


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """No replies, little patience, and a SIM with four slots."""
    directory = tmp_path_factory.mktemp("silent")
    changes = {"reply": '"none"', "reassembly_seconds": "5"}
    with world.home(directory, {"gsm0": ("--storages", "SM=4,ME=4")}, changes) as home:
        outbox = Outbox(home)
        control = home.modems["gsm0"].control
        outbox.send("gsm0", "Llena {n}", times=0, count=30)
        outbox.expected.update(f"Llena {n}" for n in range(30))
        assert until(lambda: control.state()["storages"]["SM"]["used"] == 4, 10)
        home.gateway.start()
        settle(home)
        # Two of a long one's parts never come.
        control.receive(PEOPLE[30], LONG, ref=50, omit=[2])
        settle(home)
        yield outcome(home, outbox)


def test_a_full_sim_lets_through_all_that_waits(silent):
    filling = Counter({t: n for t, n in silent.texts.items() if t and t.startswith("Llena")})
    assert filling == silent.outbox.expected
    assert silent.stored == {"gsm0": 0}


def test_a_text_whose_other_parts_never_come_is_kept_and_marked_partial(silent):
    (partial,) = [envelope for envelope in silent.envelopes if envelope["partial"]]
    assert LONG.startswith(partial["text"][:100])
    assert LONG.endswith(partial["text"][-20:])
    assert len(partial["text"]) < len(LONG)


def test_where_no_reply_is_wanted_none_is_sent(silent):
    assert silent.sent == []


def test_the_silent_daemon_ends_with_0(silent):
    assert silent.stopped == 0
