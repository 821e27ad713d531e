"""Whatever is taken for the address of a store, the database's library can read."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import make_url

from tests.settings.test_loader import GOOD, complaint, written
from tipline_gw.settings import load
from tipline_gw.settings.schema import Store
from tipline_gw.settings.store_url import absolute, sqlite_file, sqlite_url

OURS = '"sqlite:////var/lib/tips.db"'
SERVER = "postgresql+psycopg://"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (SERVER + "tip:s3cr:et@db:54x32/t", "its port must be a number"),
        (SERVER + "tip:s3cret@db:5432;x/t", "its port must be a number"),
        (SERVER + "tip:s3cret@db:65536/t", "its port must be a number"),
        (SERVER + "tip:s3cret@db:²/t", "its port must be a number"),
        (SERVER + "tip:s3cret@[::1/x", "an IPv6 address in brackets"),
        (SERVER + "tip:s3cret@[db]/x", "must be an IPv6 address"),
        (SERVER + "tip:s3cret@x@db/t", "with @ : / in a password written %40"),
        (SERVER + "tip:s3cret@db/t%00", "control characters"),
        ("sqlite:////s3cret/tips.db?timeout=abc", "must not have options"),
        ("sqlite:////s3cret/tips.db\\u0000", "control characters"),
        ("sqlite:///", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///%3Amemory:", "must name a file"),
        ("mysql://tip:s3cret@db/t", "must begin with sqlite:/// or postgresql+psycopg://"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_line_and_without_password(
    tmp_path, url, reason
):
    said = complaint(tmp_path, GOOD.replace(OURS, f'"{url}"'))
    assert said.startswith("tipline.toml:6: store.url: ")
    assert reason in said
    assert not re.search("s3cr|et@", said)


@pytest.mark.parametrize(
    ("server", "host", "port"),
    [
        ("tip:s3cr:et@db:5432/tips", "db", 5432),
        ("tip:s%40cret@192.0.2.1/tips?sslmode=require", "192.0.2.1", None),
        ("tip@[::1]:5432/tips", "::1", 5432),
        ("/tips?host=/run/postgresql", None, None),
    ],
)
def test_the_address_of_a_server_stays_as_it_is(tmp_path, server, host, port):
    url = load(written(tmp_path, GOOD.replace(OURS, f'"{SERVER}{server}"'))).store.url
    assert url == SERVER + server
    assert (make_url(url).host, make_url(url).port) == (host, port)


@pytest.mark.parametrize(
    ("path", "file"),
    [("tips.db", "tips.db"), ("../a%20b.db", "../a b.db"), ("/var/lib/tips.db", None)],
)
def test_a_file_is_relative_to_the_configuration(tmp_path, path, file):
    folder = tmp_path / "50% what?"
    folder.mkdir()
    url = load(written(folder, GOOD.replace(OURS, f'"sqlite:///{path}"'))).store.url
    meant = folder / file if file else Path(path)
    assert make_url(url).database == str(meant)
    assert sqlite_file(url) == meant


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_a_file_goes_through_its_address(name):
    file = Path("/") / name
    url = sqlite_url(file)
    assert sqlite_file(url) == file
    assert make_url(url).database == str(file)


@given(
    st.sampled_from([SERVER, "sqlite:///", ""]),
    st.text(st.one_of(st.sampled_from(":/@?[]%;.1a"), st.characters(exclude_categories=("Cs",)))),
)
@example(SERVER, "[::1%eth0]:1/x")
def test_any_text_is_an_address_that_the_library_reads_or_is_refused(scheme, rest):
    try:
        url = Store(url=scheme + rest).url
    except ValidationError:
        return
    parsed = make_url(absolute(url, Path("/etc/tipline-gw")))
    file = parsed.get_backend_name() == "sqlite"
    assert Path(str(parsed.database)).is_absolute() if file else parsed.drivername in SERVER
