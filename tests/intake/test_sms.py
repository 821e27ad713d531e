import dataclasses
import io
import json
import os
import re
import threading
import time

import pytest
from sqlalchemy import update

from tests.intake.offers import ANA, BANK, BETO, MODEMS, Core, ModemSide, message, part, undecodable
from tests.store.conftest import postgresql
from tipline_gw.demo.stage import until
from tipline_gw.domain import case_code
from tipline_gw.domain.bank import Cleared, Note, Offer, Place, Refused, Taken
from tipline_gw.domain.sms import DIRECT, Slot
from tipline_gw.domain.tip import State
from tipline_gw.intake import answers
from tipline_gw.intake.codes import CodePool, Derived
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import Recipients, parse_recipient
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import open_engine
from tipline_gw.store.tables import tip

__all__ = ["postgresql"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tips.db'}"
    server = request.getfixturevalue("postgresql")
    engine = open_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    return server


@pytest.fixture
def start(url, identity):
    """Begins a core on the database; what is still there at the end is closed."""
    begun = []

    def begin(ready: int = 4, **limits) -> Core:
        recipients = Recipients([parse_recipient(identity.public_key)])
        begun.append(Core(url, recipients, lambda salt: CodePool(salt, ready), **limits))
        return begun[-1]

    yield begin
    for core in begun:
        core.close()


@pytest.fixture
def core(start):
    return start()


@pytest.fixture
def side(core):
    return core.side


@pytest.fixture
def read(core, identity):
    """The envelopes in the store, by text."""

    def envelopes() -> list[dict]:
        found = []
        for row in core.tips:
            (sealed,) = repo.sealed_of(core.engine, row.id)
            source = io.BytesIO(b"".join(repo.octets(core.engine, sealed.id)))
            found.append(json.loads(b"".join(Opener(source, [identity]).chunks())))
        return found

    return envelopes


def code_in(text: str | None) -> case_code.CaseCode:
    found = re.search(r"\d{4} \d{4} \d{4}", text or "")
    assert found
    code = case_code.parse(found[0])
    assert code
    return code


def test_a_text_is_on_disk_when_it_is_taken_and_then_answered(core, side, read):
    answer = side.ask("Vi algo en la esquina")
    assert read()[0]["text"] == "Vi algo en la esquina"
    assert core.desk.case_of(code_in(answer)).state is State.RECEIVED
    assert answer.splitlines()[0].startswith("Gracias. Folio:")
    assert answer.splitlines()[1].startswith("Thanks. Code:")


def test_many_offers_are_in_flight_at_once(core, side):
    gate = threading.Event()
    core.writer.submit(lambda _connection: gate.wait(30))
    numbers = [side.text(f"aviso {n}", None) for n in range(100)]
    assert not any(side.heard.values())
    gate.set()
    for number in numbers:
        assert side.told(number) is None
    assert len(core.tips) == 100


def test_what_is_in_the_store_is_not_taken_in_again(core, side, start):
    one = message(part("una vez"))
    side.told(side.offer(one, Slot("SM", 5)))
    assert side.told(side.offer(one, Slot("SM", 5))) is None
    assert core.words == ["doubled"]
    # Killed: nothing was closed.
    after = start()
    (modem,) = after.intake.begin().places
    assert modem == ("gsm0", side.places(one, Slot("SM", 5)))
    assert after.side.told(after.side.offer(one, Slot("SM", 5))) is None
    assert len(after.tips) == 1
    assert after.words == ["doubled"]


def test_the_same_words_in_another_slot_or_modem_are_another_message(core, side):
    one = message(part("ok"))
    numbers = [side.offer(one, Slot("SM", 5)), side.offer(one, Slot("SM", 6))]
    numbers.append(side.offer(message(part("ok"), modem="gsm1"), Slot("SM", 5)))
    for number in numbers:
        side.told(number)
    assert len(core.tips) == 3


def test_a_slot_that_was_cleared_may_hold_the_same_again(core, side, start):
    one = message(part("ok", None))
    side.told(side.offer(one, Slot("SM", 5)))
    core.intake.cleared(Cleared("gsm0", side.places(one, Slot("SM", 5))))
    side.told(side.offer(one, Slot("SM", 5)))
    assert len(core.tips) == 2
    core.intake.cleared(Cleared("gsm0", side.places(one, Slot("SM", 5))))
    core.close()
    assert start().intake.begin().places == ()


def test_the_whole_takes_the_place_of_its_pieces(core, side, read, start):
    texts = ("uno ", "dos ", "tres")
    pieces = [side.piece(text, n, 3) for n, text in enumerate(texts[:2], 1)]
    for number in pieces:
        assert side.told(number) is None
    assert sorted((e["text"], e["numbers"], e["of"]) for e in read()) == [
        ("[…] dos  […]", [2], 3),
        ("uno  […]", [1], 3),
    ]
    parts = [part(text, seq=n, total=3) for n, text in enumerate(texts, 1)]
    whole = message(*parts, total=3)
    place = side.places(message(parts[2]), DIRECT)
    side.give(Offer(10**6, whole, place, replaces=tuple(pieces)))
    code_in(side.told(10**6))
    (envelope,) = read()
    assert (envelope["text"], envelope["partial"]) == ("uno dos tres", False)
    # All three are known, should the network deliver them again.
    ((_, known),) = start().intake.begin().places
    assert len(known) == 3


def test_the_pieces_of_an_earlier_modem_side_are_kept(core, side):
    number = side.piece("uno", 1, 2)
    side.told(number)
    again = ModemSide(core.intake)
    whole = message(part("uno", seq=1, total=2), part("dos", seq=2, total=2), total=2)
    again.told(again.offer(whole, DIRECT, DIRECT, replaces=(number,)))
    assert len(core.tips) == 2


def _fails(_connection, _pieces):
    """In the middle of a transaction."""
    raise OSError("gone")


def test_what_the_store_refuses_is_not_there_and_may_be_offered_again(core, side, monkeypatch):
    piece = side.piece("uno ", 1, 2)
    side.told(piece)
    whole = message(part("uno ", seq=1, total=2), part("dos", seq=2, total=2), total=2)
    with monkeypatch.context() as broken:
        broken.setattr(repo, "drop_tips", _fails)
        number = side.offer(whole, Slot("SM", 1), Slot("SM", 2), replaces=(piece,))
        assert side.refused(number)
    (left,) = core.tips
    assert core.intake.begin().places[0][1] == side.places(
        message(part("uno ", seq=1, total=2), total=2), DIRECT
    )
    assert left.whole


def test_a_refused_whole_still_replaces_its_pieces_later(core, side, monkeypatch):
    piece = side.piece("uno ", 1, 2)
    side.told(piece)
    whole = message(part("uno ", seq=1, total=2), part("dos", seq=2, total=2), total=2)
    with monkeypatch.context() as broken:
        broken.setattr(repo, "drop_tips", _fails)
        assert side.refused(side.offer(whole, replaces=(piece,)))
    side.told(side.offer(whole, replaces=(piece,)))
    assert len(core.tips) == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_and_keeps_no_count(start):
    core = start(sender_limit=2, reply="code")
    side = core.side
    side.ask("cabe", BETO)
    limit = "PRAGMA max_page_count = {}"
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(1)))
    big = "x" * 60_000
    for _ in range(5):
        assert side.refused(side.offer(message(part(big))))
    assert len(core.tips) == 1
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(10**6)))
    code_in(side.told(side.offer(message(part(big)))))
    assert "flood-held" not in core.words


def test_a_new_modem_side_waits_for_what_the_last_one_offered(core, side):
    gate = threading.Event()
    core.writer.submit(lambda _connection: gate.wait(30))
    one = message(part("en camino"))
    side.offer(one, Slot("ME", 3))
    timer = threading.Timer(0.3, gate.set)
    timer.start()
    began = time.monotonic()
    ((_, places),) = core.intake.begin().places
    assert time.monotonic() - began > 0.2
    assert places == side.places(one, Slot("ME", 3))
    timer.join()


def test_a_modem_side_that_does_not_listen_holds_up_nobody(core, side):
    stuck = threading.Event()
    deaf = message(part("sordo", None))
    core.intake.take(Offer(10**7, deaf, side.places(deaf)), lambda _said: stuck.wait(30) and None)
    until(lambda: len(core.tips) == 1, 10)
    core.writer.do(lambda connection: None)
    assert core.intake.begin().places
    stuck.set()


def test_a_state_is_told_to_who_has_the_code(core, side):
    code = code_in(side.ask("Vi algo"))
    assert side.ask(f"estado {case_code.written(code)}") == "Su folio sigue en espera."
    assert side.ask(f"Status {code}", BETO) == "Your code is still waiting."
    assert side.ask(code, BETO) == "Su folio sigue en espera.\nYour code is still waiting."
    assert len(core.tips) == 1
    assert core.words.count("asked") == 3


def test_a_closed_case_tells_its_state_too(core, side):
    code = code_in(side.ask("Vi algo"))
    close_cases(core)
    assert side.ask(f"folio {code}") == "Su folio fue cerrado: ya hay otro igual."


def close_cases(core):
    closed = update(tip).values(state=int(State.CLOSED_DUPLICATE))
    core.writer.do(lambda connection: connection.execute(closed))


def test_a_question_without_a_code_is_told_how_it_should_look(core, side):
    assert side.ask("ESTADO 123456") == core.intake._answers.text("status-no-code", "es")
    assert "STATUS 1234 5678 9012" in side.ask("status")
    assert side.ask(f"ESTADO {case_code.draw()}") == core.intake._answers.text(
        "status-unknown", "es"
    )
    assert core.tips == []


def test_a_code_alone_that_is_nobodys_is_a_tip(core, side, read):
    number = case_code.draw()
    answer = side.ask(number)
    assert "no son un folio abierto" in answer
    assert core.desk.case_of(code_in(answer)).state is State.RECEIVED
    assert read()[0]["text"] == number


def test_help_and_stop(core, side):
    assert side.ask("Ayuda!!") == core.intake._answers.text("help", "es")
    assert side.ask("STOP") == core.intake._answers.text("stopped", "en")
    assert side.ask("STOP") is None
    assert side.ask("vi algo") is None
    assert side.ask("otra cosa", BETO) is not None
    assert len(core.tips) == 2
    assert core.words == ["help", "stop", "stopped", "stop", "stopped"]


def test_text_behind_an_open_code_adds_to_the_case(core, side, read):
    first = side.ask("Vi algo", ANA)
    answer = side.ask(f"{code_in(first)} y vi otra camioneta", BETO)
    assert answer == core.intake._answers.text("added")
    case, added = sorted(core.tips, key=lambda row: row.adds_to is not None)
    assert added.adds_to == case.id
    envelope = next(e for e in read() if "adds_to" in e)
    assert (envelope["adds_to"], envelope["text"]) == (case.id.hex(), "y vi otra camioneta")
    assert "added" in core.words


@pytest.mark.parametrize("known", [True, False])
def test_text_behind_a_code_that_is_not_open_is_a_tip_of_its_own(core, side, read, known):
    code = code_in(side.ask("Vi algo")) if known else case_code.draw()
    close_cases(core)
    answer = side.ask(f"{code} y vi otra camioneta", BETO)
    assert "no son un folio abierto" in answer
    assert code_in(answer) != code
    assert [row.adds_to for row in core.tips] == [None] * (1 + known)
    assert f"{code} y vi otra camioneta" in [e["text"] for e in read()]


def test_twelve_digits_that_cannot_be_a_code_are_told_and_kept(core, side, read):
    code = case_code.draw()
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert "no son un folio abierto" in side.ask(f"{wrong} me llama")
    assert read()[0]["text"] == f"{wrong} me llama"


def test_a_store_that_cannot_be_read_is_told_or_refused(core, side, monkeypatch):
    code = code_in(side.ask("Vi algo"))

    def gone(*_args):
        raise answers.StoreError("the database server cannot be reached")

    monkeypatch.setattr(repo, "case_of", gone)
    assert side.ask(f"ESTADO {code}") == core.intake._answers.text("unavailable", "es")
    assert side.refused(side.text(f"{code} y algo más"))
    assert len(core.tips) == 1


def test_who_asks_while_memory_is_short_is_told(core, side, monkeypatch):
    code = code_in(side.ask("Vi algo"))

    def short(_code):
        raise MemoryError

    monkeypatch.setattr(core.codes, "derive", short)
    assert side.ask(f"ESTADO {code}") == core.intake._answers.text("unavailable", "es")


def test_who_sends_too_much_is_told_and_held_back_only_from_then_on(start):
    core = start(sender_limit=3)
    numbers = []
    for n in range(6):
        numbers.append(core.side.text(f"aviso {n}"))
        core.side.told(numbers[-1])
    said = [core.side.told(number) for number in numbers]
    assert [bool(text) for text in said] == [True] * 4 + [False] * 2
    assert said[3] == core.intake._answers.text("too-many")
    assert core.words == ["flood-told", "flood-kept", "flood-kept"]
    core.side.sent(numbers[3])
    assert core.side.ask("aviso 6") is None
    assert core.words[3:] == ["flood-held"]
    assert len(core.tips) == 6
    assert core.side.ask("aviso", BETO)


def test_an_answer_that_could_not_be_given_costs_no_text(start):
    core = start(sender_limit=1)
    core.side.ask("aviso 0")
    for n in range(3):
        number = core.side.text(f"aviso {n + 1}")
        assert core.side.told(number) == core.intake._answers.text("too-many")
        core.side.sent(number, sent=False)
    assert len(core.tips) == 4
    assert core.words == ["flood-told"] * 3


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_store_that_refuses_the_last_message_tells_nobody_it_was_kept(start):
    core = start(sender_limit=1)
    core.side.ask("aviso 0")
    limit = "PRAGMA max_page_count = {}"
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(1)))
    assert core.side.refused(core.side.text("x" * 60_000))
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(10**6)))
    assert core.side.ask("aviso 1") == core.intake._answers.text("too-many")
    assert core.words == ["flood-told"]


def test_who_cannot_be_told_is_not_held_back(start):
    core = start(sender_limit=2)
    for n in range(5):
        assert core.side.ask(f"aviso {n}", BANK) is None
        assert core.side.ask(f"aviso {n}", None) is None
    assert len(core.tips) == 10
    assert core.words.count("flood-untold") == 3
    assert core.words.count("unanswerable") == 10


def test_a_message_of_which_pieces_are_kept_is_kept(start):
    core = start(sender_limit=1)
    piece = core.side.piece("uno ", 1, 2)
    core.side.told(piece)
    core.side.ask("otra cosa")
    number = core.side.text("y otra")
    core.side.told(number)
    core.side.sent(number)
    assert core.side.told(core.side.piece("x", 1, 2)) is None
    whole = message(part("uno ", seq=1, total=2), part("dos", seq=2, total=2), total=2)
    assert code_in(core.side.told(core.side.offer(whole, replaces=(piece,))))
    assert len(core.tips) == 3
    assert core.words == ["piece", "flood-told", "flood-held"]


def test_a_busy_modem_gives_no_codes(start):
    core = start(modem_limit=2)
    said = [core.side.ask(f"aviso {n}") for n in range(4)]
    assert said[2:] == [core.intake._answers.text("received")] * 2
    code_in(core.side.ask("aviso", modem="gsm1"))
    assert len(core.tips) == 5
    assert core.words == ["answer-held"] * 2


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_a_full_disk_refuses_makes_no_modem_busy(start):
    core = start(modem_limit=2)
    limit = "PRAGMA max_page_count = {}"
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(1)))
    waiting = message(part("x" * 60_000))
    for _ in range(5):
        assert core.side.refused(core.side.offer(waiting, Slot("SM", 7)))
    core.writer.do(lambda c: c.exec_driver_sql(limit.format(10**6)))
    code_in(core.side.told(core.side.offer(waiting, Slot("SM", 7))))
    code_in(core.side.ask("otra cosa", BETO))
    assert core.side.ask("y otra", BETO) == core.intake._answers.text("received")


def test_what_is_held_back_makes_no_modem_busy(start):
    core = start(sender_limit=1, modem_limit=2)
    code_in(core.side.ask("aviso 0"))
    number = core.side.text("aviso 1")
    core.side.told(number)
    core.side.sent(number)
    assert [core.side.ask(f"aviso {n}") for n in range(2, 5)] == [None] * 3
    code_in(core.side.ask("otra cosa", BETO))
    assert core.words == ["flood-told"] + ["flood-held"] * 3


def test_a_machine_is_not_answered_for_ever(core, side):
    first = side.ask("Estoy de vacaciones")
    assert [bool(side.ask("Estoy de vacaciones")) for _ in range(3)] == [True, False, False]
    assert side.ask(first) is None
    assert core.words == ["loop"] * 3
    assert len(core.tips) == 5


def test_one_sender_gets_so_many_answers(start):
    core = start(answer_limit=2)
    assert [bool(core.side.ask(f"aviso {n}")) for n in range(3)] == [True, True, False]
    assert core.side.ask("ayuda") is None
    assert len(core.tips) == 3
    assert core.words == ["answer-limit", "answer-limit", "help"]


def test_no_replies_means_none_and_then_everything_is_kept(start):
    core = start(reply="none", sender_limit=2)
    texts = ["vi algo", "ayuda", "ESTADO 123456", "alto", case_code.draw(), "más"]
    assert [core.side.ask(text) for text in texts] == [None] * 6
    assert len(core.tips) == 6


def test_what_does_not_decode_is_answered_but_not_what_no_person_sent(core, side, read):
    code_in(side.told(side.offer(undecodable("user data is cut short"))))
    assert side.told(side.offer(undecodable("port-addressed"))) is None
    binary = dataclasses.replace(part("ESTADO 123456"), kind="port", encoding="8bit")
    assert side.told(side.offer(message(binary))) is None
    assert sorted(e["error"] for e in read()) == ["port-addressed"] * 2 + ["user data is cut short"]
    assert core.words == ["unanswerable"] * 2


def test_a_partial_message_is_taken_in_and_answered(core, side, read):
    one = message(part("uno", seq=1, total=3), part("tres", seq=3, total=3), total=3)
    code_in(side.told(side.offer(one)))
    assert (read()[0]["text"], read()[0]["numbers"]) == ("uno […] tres", [1, 3])


def test_the_answer_waits_for_a_code_and_intake_does_not(core, side, monkeypatch):
    taken, gate = core.codes.take, threading.Event()

    def slow(wait):
        if not gate.wait(wait):
            raise answers.NotYetError("no case code is ready")
        return taken(wait)

    monkeypatch.setattr(core.codes, "take", slow)
    numbers = [side.text(f"aviso {n}", BETO) for n in range(3)]
    until(lambda: all(side.heard[n] == [Taken(n, True)] for n in numbers), 10)
    assert len(core.tips) == 3
    assert side.ask("ayuda", ANA)
    gate.set()
    assert len({code_in(side.told(n)) for n in numbers}) == 3


def test_without_a_code_for_long_it_is_said_that_it_came(core, side, monkeypatch):
    monkeypatch.setattr(answers, "CODE_SLICES", 2)
    monkeypatch.setattr(answers, "CODE_SLICE", 0.01)

    def none(_wait):
        raise answers.NotYetError("no case code is ready")

    monkeypatch.setattr(core.codes, "take", none)
    assert side.ask("vi algo") == core.intake._answers.text("received")


def test_nobody_draws_a_code_for_a_modem_side_that_is_gone(core, side, monkeypatch):
    gate = threading.Event()

    def none(wait):
        gate.wait(0.05)
        raise answers.NotYetError("no case code is ready")

    monkeypatch.setattr(core.codes, "take", none)
    number = side.text("vi algo")
    until(lambda: side.heard[number], 10)
    ModemSide(core.intake)
    assert side.told(number) is None
    assert len(side.heard[number]) == 2


def test_a_note_is_remembered_until_it_is_cleared(core, start):
    tried, said = Place(Slot("pin", 0), b"p" * 8), []
    core.intake.note(Note(3, "gsm1", tried), said.append)
    until(lambda: said, 10)
    assert said == [Taken(3, False)]
    after = start()
    assert after.intake.begin().places == (("gsm1", (tried,)),)
    after.intake.cleared(Cleared("gsm1", (tried,)))
    after.close()
    assert start().intake.begin().places == ()


def test_when_it_closes_all_that_was_taken_is_on_disk_and_the_rest_refused(start):
    core = start()
    numbers = [core.side.text(f"aviso {n}", None) for n in range(20)]
    code = case_code.draw()
    numbers.append(core.side.text(f"{code} y algo más", None))
    core.intake.close()
    late, said = message(part("tarde")), []
    core.intake.take(Offer(1, late, core.side.places(late)), said.append)
    core.intake.note(Note(2, "gsm0", Place(Slot("pin", 0), b"p" * 8)), said.append)
    taken = [n for n in numbers if core.side.heard[n] == [Taken(n, False)]]
    refused = [n for n in numbers if core.side.heard[n] == [Refused(n)]]
    assert sorted(taken + refused) == sorted(numbers)
    assert len(core.tips) == len(taken) >= 20
    assert said == [Refused(1), Refused(2)]


def test_every_offer_gets_its_answers_in_order_under_load(start):
    core = start(sender_limit=10_000, answer_limit=10_000)
    side = core.side
    numbers = [side.text(f"aviso {n}", [ANA, BETO, None][n % 3], MODEMS[n % 2]) for n in range(60)]
    told = [side.told(n) for n in numbers]
    codes = [code_in(text) for text in told if text]
    assert len(set(codes)) == len(codes) == 40
    assert len(core.tips) == 60


def test_a_defect_in_one_message_leaves_it_where_it_is(core, side, monkeypatch):
    monkeypatch.setattr(core.intake._conversation, "hear", lambda text: 1 // 0)
    assert side.refused(side.text("vi algo"))
    assert core.intake.begin().places == ()


def test_codes_are_looked_up_at_low_priority(core, side):
    seen = []

    def derive(code):
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return Derived(b"h" * 32, b"s" * 32)

    core.codes.derive = derive
    side.ask(f"ESTADO {case_code.draw()}")
    assert seen[0] > os.getpriority(os.PRIO_PROCESS, 0)


def test_a_defect_behind_the_commit_is_not_a_second_tip(core, side, monkeypatch):
    monkeypatch.setattr(core.intake, "_give_answer", lambda one, stored: 1 // 0)
    assert side.ask("vi algo") is None
    assert len(core.tips) == 1
    assert core.intake.begin().places
