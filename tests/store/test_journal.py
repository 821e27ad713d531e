from tipline_gw.store import journal
from tipline_gw.store.journal import PlaceRow

HERE, ELSEWHERE = 1, 2
ROW = PlaceRow(7, 100, 3, b"a" * 8)


def kept(engine, gateway=HERE):
    with engine.connect() as connection:
        return sorted(journal.remembered(connection, gateway))


def test_a_row_is_kept_for_its_gateway_alone(engine, writer):
    writer.do(lambda c: journal.remember(c, HERE, [ROW, ROW._replace(slot=4)]))
    assert kept(engine) == [ROW, ROW._replace(slot=4)]
    assert kept(engine, ELSEWHERE) == []


def test_a_slot_has_one_row(engine, writer):
    newer = ROW._replace(content=b"b" * 8)
    for row in (ROW, newer):
        writer.do(lambda c, row=row: journal.remember(c, HERE, [row]))
    assert kept(engine) == [newer]
    writer.do(lambda c: journal.forget(c, HERE, [ROW]))
    assert kept(engine) == [newer]
    writer.do(lambda c: journal.forget(c, HERE, [newer]))
    assert kept(engine) == []


def test_modems_that_are_gone_are_forgotten(engine, writer):
    for gateway in (HERE, ELSEWHERE):
        rows = [ROW, ROW._replace(modem=8)]
        writer.do(lambda c, gateway=gateway, rows=rows: journal.remember(c, gateway, rows))
    writer.do(lambda c: journal.keep_only(c, HERE, [8]))
    assert kept(engine) == [ROW._replace(modem=8)]
    writer.do(lambda c: journal.keep_only(c, HERE, []))
    assert kept(engine) == []
    assert len(kept(engine, ELSEWHERE)) == 2


def test_nothing_to_do_is_nothing(engine, writer):
    writer.do(lambda c: journal.remember(c, HERE, []))
    writer.do(lambda c: journal.forget(c, HERE, []))
    assert kept(engine) == []
