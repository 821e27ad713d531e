"""A leak is planted in each kind of column of a real PostgreSQL server: it must be found there."""

import tracemalloc

import pytest
from sqlalchemy import create_engine

from tipline_gw.audit import database
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.report import Report
from tipline_gw.demo.search import forms
from tipline_gw.store import engine as engines

NUMBER = "+526561502738"
"""Of these tests alone: the server's files lie where other audits look."""
DIGITS = NUMBER[3:]


@pytest.fixture
def server(postgresql):
    """The URL of a migrated store, and a way to do more to it."""
    made = engines.open_engine(postgresql)
    with made.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS other CASCADE")
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engines.migrate(made)
    made.dispose()
    return postgresql


def do(url: str, *statements) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(*([statement] if isinstance(statement, str) else statement))
    engine.dispose()


def searched(url: str) -> Report:
    report = Report(sent={"a telephone of yours": 1})
    report.search(database.rows(url), Canaries(own={NUMBER: "a telephone of yours"}))
    return report


def test_a_store_without_numbers_is_clean_and_all_its_tables_are_looked_at(server):
    report = searched(server)
    assert (report.rows, report.failures, report.notes, report.clean) == ([], [], [], True)
    where = {place.where for place in database.rows(server)}
    assert {"table chunk, column data", "table tip, column code_hash"} <= where


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("text", f"call from {NUMBER}", "plain"), ("varchar(20)", NUMBER, "plain"),
        ("bigint", int(DIGITS), "plain"), ("numeric", int(DIGITS), "plain"),
        ("jsonb", f'{{"from": "{NUMBER}"}}', "plain"), ("text[]", [NUMBER], "plain"),
        ("bytea", forms(NUMBER)["semi-octets"], "semi-octets"),
        ("bytea", NUMBER.encode("utf-16-le"), "utf-16le"),
        ("bytea[]", [DIGITS.encode()], "digits in hex"),
        ("octets", forms(NUMBER)["semi-octets"], "semi-octets"),
    ],
)  # fmt: skip
def test_every_kind_of_column(server, kind, value, form):
    do(
        server,
        "CREATE DOMAIN octets AS bytea",
        f'CREATE TABLE "a Table" (id integer, "of whom" {kind})',
        ('INSERT INTO "a Table" VALUES (1, NULL), (2, %s)', (value,)),
    )
    rows = searched(server).rows
    assert ("store", "table a Table, column of whom", form) in {
        (row.what, row.where, row.form) for row in rows
    }
    assert all(row.judged for row in rows)


def test_other_schemas_partitions_and_views_that_hold_rows(server):
    do(
        server,
        "CREATE SCHEMA other",
        "CREATE TABLE other.calls (day integer, who text) PARTITION BY RANGE (day)",
        "CREATE TABLE other.first PARTITION OF other.calls FOR VALUES FROM (0) TO (9)",
        f"INSERT INTO other.calls VALUES (1, '{NUMBER}')",
        "CREATE MATERIALIZED VIEW other.seen AS SELECT who FROM other.calls",
    )
    assert {row.where for row in searched(server).rows if row.form == "plain"} == {
        "table other.first, column who",
        "table other.seen, column who",
    }


def test_what_statistics_quote_of_rows_that_are_gone(server):
    do(
        server,
        "CREATE TABLE calls (who text)",
        f"INSERT INTO calls SELECT '{NUMBER}' FROM generate_series(1, 50)",
        "ANALYZE calls",
        "DELETE FROM calls",
    )
    (where,) = {row.where for row in searched(server).rows}
    assert where == "table pg_catalog.pg_stats, column most_common_vals"


@pytest.mark.parametrize(
    "at", [database.FIRST - 5, database.FIRST + database.FURTHER - 5, 60_000_000]
)
def test_a_long_value_is_read_in_slices_and_none_of_it_is_lost(server, at):
    do(
        server,
        "CREATE TABLE long (what bytea)",
        f"INSERT INTO long VALUES (convert_to(repeat('x', {at}) || '{DIGITS}' || 'x', 'UTF8'))",
    )
    tracemalloc.start()
    rows = searched(server).rows
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ("table long, column what", "plain") in {(row.where, row.form) for row in rows}
    assert most < 40_000_000


def test_many_rows_are_never_held_at_once(server):
    do(
        server,
        "CREATE TABLE many (what text)",
        "INSERT INTO many SELECT repeat('x', 100000) FROM generate_series(1, 400)",
        f"INSERT INTO many VALUES ('{NUMBER}')",
    )
    (longest,) = (
        max(map(len, place.pieces()))
        for place in database.rows(server)
        if place.where == "table many, column what"
    )
    assert longest < 1.1 * database.AT_ONCE
    assert searched(server).rows[0].where == "table many, column what"


def test_nothing_is_written_and_the_number_is_not_told_to_the_server(server, monkeypatch):
    asked = []
    listen = engines.create_engine

    def watched(*arguments, **named):
        made = listen(*arguments, **named)
        engines.event.listen(
            made, "before_cursor_execute", lambda *words: asked.append(str(words[2:4]))
        )
        return made

    monkeypatch.setattr(engines, "create_engine", watched)
    searched(server)
    assert len(asked) > 20
    assert not any(DIGITS in each for each in asked)
    with (
        pytest.raises(OSError, match="the database takes no writes"),
        database._connected(server) as connection,
    ):
        connection.exec_driver_sql("CREATE TABLE x (y integer)")


def as_other(server: str) -> str:
    return server.replace("tipline@", "other@")


@pytest.fixture
def other(server):
    """The URL of a role that owns nothing."""
    do(server, "CREATE ROLE other LOGIN", "GRANT USAGE ON SCHEMA public TO other")
    yield as_other(server)
    do(server, "DROP OWNED BY other", "DROP ROLE other")


def test_what_the_role_may_not_read_is_said(server, other):
    do(server, "CREATE TABLE closed (who text)")
    report = searched(other)
    note = "store: table closed, column who was not searched (the gateway's role may not read it)"
    assert note in report.notes


def test_rows_that_a_policy_hides_make_it_fail(server, other):
    do(
        server,
        "CREATE TABLE calls (who text)",
        "GRANT SELECT ON calls TO other",
        "ALTER TABLE calls ENABLE ROW LEVEL SECURITY",
    )
    report = searched(other)
    (failure,) = report.failures
    assert failure.startswith("store: table calls, column who was not searched (")
    assert not report.clean


def test_a_server_that_does_not_answer_makes_it_fail(tmp_path):
    report = searched(f"postgresql+psycopg://tipline@/postgres?host={tmp_path}")
    (failure,) = report.failures
    assert "the database server cannot be reached" in failure
    assert not report.clean
