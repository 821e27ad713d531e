import threading

import pytest

from tests.store.conftest import engine, postgresql
from tipline_gw.domain.bank import Place
from tipline_gw.domain.sms import DIRECT, Slot
from tipline_gw.errors import ConfigError
from tipline_gw.intake import places as module
from tipline_gw.intake.places import Places, storage_name, storage_number
from tipline_gw.store import journal
from tipline_gw.store.writer import Writer

__all__ = ["engine", "postgresql"]

LINE = "Línea"
MODEMS = ("gsm0", "gsm1")


def place(index: int, mark: bytes = b"a", storage: str = "SM") -> Place:
    return Place(Slot(storage, index), mark * 8)


@pytest.fixture
def writer(engine):
    made = Writer(engine)
    yield made
    made.close()


def keep(places: Places, writer: Writer, modem: str, *what: Place) -> None:
    writer.do(places.writing(modem, what))
    places.written(modem, what)


def settled(places: Places) -> dict[str, set[Place]]:
    return {modem: set(found) for modem, found in places.settled().places}


def test_what_was_written_is_known_after_a_restart(writer):
    places = Places(writer, LINE, MODEMS)
    what = [place(1), place(2, b"b", "ME"), Place(DIRECT, b"c" * 8), Place(DIRECT, b"d" * 8)]
    keep(places, writer, "gsm0", *what)
    keep(places, writer, "gsm1", place(1, b"e"))
    again = Places(writer, LINE, MODEMS)
    assert settled(places) == settled(again) == {"gsm0": set(what), "gsm1": {place(1, b"e")}}
    assert again.settled().salt == places.settled().salt
    assert again.hold("gsm0", what)
    assert not again.hold("gsm1", what)


def test_all_of_it_must_be_known(writer):
    places = Places(writer, LINE, MODEMS)
    keep(places, writer, "gsm0", place(1), place(2))
    assert places.hold("gsm0", [place(2)])
    assert not places.hold("gsm0", [place(1), place(3)])
    assert not places.hold("gsm0", [place(1, b"b")])
    assert not places.hold("gsm0", [place(1, storage="ME")])
    assert not places.hold("gsm0", [])


def test_the_next_message_in_a_slot_takes_its_row(engine, writer):
    places = Places(writer, LINE, MODEMS)
    keep(places, writer, "gsm0", place(1, b"a"))
    keep(places, writer, "gsm0", place(1, b"b"))
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1, b"b")}}
    places.cleared("gsm0", [place(1, b"a")])
    writer.do(lambda connection: None)
    assert settled(places) == settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1, b"b")}}


def test_what_is_cleared_is_gone_at_once_and_on_disk_with_the_next_commit(writer):
    places = Places(writer, LINE, MODEMS)
    keep(places, writer, "gsm0", place(1), place(2))
    places.cleared("gsm0", [place(1)])
    assert settled(places) == {"gsm0": {place(2)}}
    writer.do(lambda connection: None)
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(2)}}


def test_the_same_again_in_a_slot_just_cleared_is_known(writer):
    places = Places(writer, LINE, MODEMS)
    keep(places, writer, "gsm0", place(1))
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    places.cleared("gsm0", [place(1)])
    future = writer.submit(places.writing("gsm0", [place(1)]))
    gate.set()
    future.result(10)
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1)}}


def test_rows_of_modems_that_are_gone_are_dropped(engine, writer):
    places = Places(writer, LINE, MODEMS)
    keep(places, writer, "gsm0", place(1))
    keep(places, writer, "gsm1", place(1))
    Places(writer, LINE, ["gsm1"])
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm1": {place(1)}}


def test_gateways_on_one_database_do_not_see_one_another(writer, tmp_path, monkeypatch):
    mine = Places(writer, LINE, MODEMS)
    keep(mine, writer, "gsm0", place(1, b"a"))
    (tmp_path / "machine-id").write_text("another\n")
    monkeypatch.setattr(module, "_MACHINE_ID", tmp_path / "machine-id")
    other = Places(writer, LINE, MODEMS)
    assert settled(other) == {}
    keep(other, writer, "gsm0", place(1, b"b"))
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1, b"b")}}
    monkeypatch.undo()
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1, b"a")}}


def test_without_a_machine_id_the_host_name_will_do(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MACHINE_ID", tmp_path / "none")
    keep(Places(writer, LINE, MODEMS), writer, "gsm0", place(1))
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {place(1)}}


def test_a_pin_that_was_right_is_forgotten_on_disk_without_delay(engine, writer):
    places = Places(writer, LINE, MODEMS)
    tried = place(0, b"p", "pin")
    keep(places, writer, "gsm0", tried)
    assert settled(Places(writer, LINE, MODEMS)) == {"gsm0": {tried}}
    commits = []
    watched = Writer(engine, lambda _seconds, jobs: commits.append(jobs))
    try:
        places = Places(watched, LINE, MODEMS)
        commits.clear()
        places.cleared("gsm0", [tried])
    finally:
        watched.close()
    assert commits == [1]


def test_an_unknown_storage_is_known_here_though_it_cannot_be_named(writer):
    odd = place(7, storage="FLASH2")
    keep(Places(writer, LINE, MODEMS), writer, "gsm0", odd, odd)
    again = Places(writer, LINE, MODEMS)
    assert settled(again) == {}
    assert again.hold("gsm0", [odd])


def test_names_of_storages_come_back():
    names = ["SM", "ME", "SR", "MT", "BM", "TA", "SI", "AA", "ZZ", "direct", "pin"]
    assert [storage_name(storage_number(name)) for name in names] == names
    for name in ("sm", "FLASH", "", "ÑÑ", "S1"):
        assert storage_name(storage_number(name)) is None
        assert 0 <= storage_number(name) <= 32767


def test_places_of_any_index_fit(writer):
    places = Places(writer, LINE, MODEMS)
    for index in (0, 255, 65535, 10**9):
        keep(places, writer, "gsm0", place(index))
    assert places.hold("gsm0", [place(10**9)])


def test_two_modems_that_would_be_mistaken_for_one_another_are_refused(writer, monkeypatch):
    monkeypatch.setattr(module, "_number", lambda _name, _bits: 5)
    with pytest.raises(ConfigError, match="same digest"):
        Places(writer, LINE, MODEMS)


def test_nothing_but_numbers_and_digests_is_written(engine, writer):
    keep(Places(writer, LINE, MODEMS), writer, "gsm0", place(1))
    with engine.connect() as connection:
        (row,) = journal.remembered(connection, module.gateway_number(LINE))
    assert [type(value) for value in row] == [int, int, int, bytes]
