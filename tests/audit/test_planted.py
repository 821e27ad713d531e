"""A leak is planted in each place that is looked at, and in each form: it must be found there."""

import contextlib
import gzip
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tipline_gw.audit import places
from tipline_gw.audit.audit import System, _everything
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.places import Place
from tipline_gw.audit.report import Report
from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.search import forms


@pytest.fixture
def canaries():
    made = Canaries()
    made.next("a text")
    return made


@pytest.fixture
def number(canaries):
    return next(iter(canaries.used))


def found(canaries, *searched) -> set[tuple[str, str]]:
    """Kind and form of what was found."""
    report = Report()
    for each in searched:
        report.search(each, canaries)
    return {(row.what, row.form) for row in report.rows}


@pytest.mark.parametrize("form", forms("+526561234567"))
def test_every_form_in_a_file(tmp_path, canaries, number, form):
    (tmp_path / "a.bin").write_bytes(os.urandom(500) + forms(number)[form] + os.urandom(500))
    assert ("file", form) in found(canaries, places.files([tmp_path]))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("log/messages", "log"), ("daemon.log", "log"), ("cdr-csv/Master.csv", "CDR"),
        ("cel-custom/Master.csv", "CEL"), ("var/astdb.sqlite3", "AstDB"), ("tips.db-wal", "store"),
        ("core.1234", "core dump"), ("spool/voicemail/msg0000.txt", "file"),
    ],
)  # fmt: skip
def test_what_kind_of_file_it_is_in_is_told(tmp_path, canaries, number, name, what):
    path = tmp_path / "asterisk" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"call from {number}")
    assert (what, "plain") in found(canaries, places.files([tmp_path]))


def test_the_name_of_a_file(tmp_path, canaries, number):
    (tmp_path / f"call-{number}.wav").touch()
    assert found(canaries, places.files([tmp_path])) == {("file", "plain")}


def test_a_row_that_was_deleted_from_a_database_and_lies_there_still(tmp_path, canaries, number):
    with sqlite3.connect(tmp_path / "astdb.sqlite3") as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE astdb (key TEXT, value TEXT)")
        database.execute("INSERT INTO astdb VALUES ('/last', ?)", (number,))
        database.commit()
        database.execute("DELETE FROM astdb")
    database.close()
    assert ("AstDB", "plain") in found(canaries, places.files([tmp_path]))


def test_across_the_edge_of_two_pieces(tmp_path, canaries, number):
    (tmp_path / "a.bin").write_bytes(bytes(places.PIECE - 5) + number.encode() + bytes(100))
    assert found(canaries, places.files([tmp_path])) == {("file", "plain")}


def test_a_file_in_tmpfs(canaries, number):
    path = places.SHARED_MEMORY / f"tipline-test-{os.getpid()}"
    since = time.time() - 1
    path.write_text(number)
    try:
        assert ("tmpfs", "plain") in found(canaries, places.files(places.TEMPORARY, since=since))
    finally:
        path.unlink()


def test_a_chroots_own_proc_is_left_out_and_what_lies_beside_it_is_not(canaries, number, tmp_path):
    (tmp_path / "proc").mkdir()
    subprocess.run(["mount", "-t", "proc", "proc", tmp_path / "proc"], check=True)
    try:
        (tmp_path / "beside").write_text(number)
        searched = list(places.files([tmp_path]))
        assert [place.where for place in searched] == [str(tmp_path / "beside")]
        assert found(canaries, searched) == {("file", "plain")}
    finally:
        subprocess.run(["umount", tmp_path / "proc"], check=True)


HOLDER = """
import mmap, os, sys
number = sys.stdin.readline().strip()
open_file = open(sys.argv[1], "w")
open_file.write(number)
open_file.flush()
os.unlink(sys.argv[1])
shared = mmap.mmap(-1, 4096)
shared[:len(number)] = number.encode()
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def told(number, folder, program, *arguments):
    """A process in ``folder`` that was told the number, and lives as long as this."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
    ) as process:  # fmt: skip
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.stdin.close()


@pytest.fixture
def holder(tmp_path, number, root):
    """A process that holds the number in its heap, in shared memory and in a deleted file."""
    with told(number, tmp_path, HOLDER, str(tmp_path / "gone")) as pid:
        yield pid


def test_the_memory_of_a_process(holder, canaries):
    report = Report()
    report.search(places.memory(holder, "holder"), canaries)
    assert {row.form for row in report.rows} >= {"plain"}
    assert all(row.where.startswith("holder, ") for row in report.rows)
    assert report.rows[0].intakes == ("a text",)


def test_a_file_that_is_deleted_and_still_open(holder, canaries):
    assert found(canaries, places.deleted_files(holder)) == {("deleted file", "plain")}


LOGGER = """
import sys
number = sys.stdin.readline().strip()
log = open("of-no-folder.txt", "a")
log.write(number)
log.flush()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_file_that_is_written_wherever_it_lies(tmp_path, canaries, number, root):
    with told(number, tmp_path, LOGGER) as pid:
        system = System((), (), {"this": pid}, time.time())
        searched = [each for each in _everything(system) if each.where.startswith(str(tmp_path))]
        assert [each.where for each in searched] == [str(tmp_path / "of-no-folder.txt")]
        assert found(canaries, searched) == {("file", "plain")}


@pytest.mark.parametrize("reaped", [True, False])
def test_the_memory_of_a_process_that_ended_was_not_searched(canaries, reaped):
    """Whatever ended it, the number may be in the one that follows it."""
    with subprocess.Popen(["true"]) as process:
        if reaped:
            process.wait()
        else:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        report = Report(sent={"a text": 1})
        report.search(places.memory(process.pid, "core"), canaries)
    assert report.failures == ["memory: of core was not searched (the process has ended)"]


def test_a_process_that_ends_while_its_memory_is_searched_was_not_searched(canaries):
    with subprocess.Popen(["sleep", "60"]) as process:
        searched = places.memory(process.pid, "core")
        first = next(searched)
        process.kill()
        process.wait()
        report = Report(sent={"a text": 1})
        report.search([first, *searched], canaries)
    assert not report.clean


def test_a_log_that_was_rotated_and_compressed_is_named(tmp_path, canaries, number):
    (tmp_path / "messages.1.gz").write_bytes(gzip.compress(number.encode()))
    report = Report(sent={"a text": 1})
    report.search(places.files([tmp_path]), canaries)
    (note,) = report.notes
    assert note.startswith(f"file: {tmp_path}/messages.1.gz was not searched (it is compressed")
    assert report.clean


MAPPER = """
import mmap, os, sys
number = sys.stdin.readline().strip().encode()
file = open(sys.argv[1], "w+b")
file.write(bytes(2 * mmap.PAGESIZE) + number)
file.truncate(3 * mmap.PAGESIZE)
mapped = mmap.mmap(file.fileno(), int(sys.argv[2]) * mmap.PAGESIZE, access=mmap.ACCESS_WRITE)
file.close()
os.closerange(3, 100)  # a mapping keeps a descriptor of its own
os.unlink(sys.argv[1])
del number, file
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def mapper(tmp_path, number, root, request):
    """A process with a shared mapping of a deleted file that it has not open. The number is in the
    file's third page; so many pages are mapped."""
    with told(number, tmp_path, MAPPER, str(tmp_path / "mapped"), str(request.param)) as pid:
        yield pid


@pytest.mark.parametrize("mapper", [3], indirect=True)
def test_memory_that_is_shared_through_a_deleted_file(mapper, canaries):
    report = Report()
    report.search(places.memory(mapper, "mapper"), canaries)
    assert ("mapper, mapped (deleted)", "plain") in {(row.where, row.form) for row in report.rows}


@pytest.mark.parametrize("mapper", [1], indirect=True)
def test_a_file_that_is_deleted_and_mapped_is_searched_whole(mapper, canaries):
    assert found(canaries, places.deleted_files(mapper)) == {("deleted file", "plain")}


@pytest.mark.parametrize("mapper", [3], indirect=True)
def test_where_no_mapping_may_be_followed_that_is_said(mapper, canaries, monkeypatch):
    follow = places.Path.stat

    def refused(path, **named):
        if path.parent.name == "map_files":
            raise PermissionError(1, "Operation not permitted")
        return follow(path, **named)

    monkeypatch.setattr(places.Path, "stat", refused)
    report = Report(sent={"a text": 1})
    report.search(places.deleted_files(mapper), canaries)
    (note,) = (note for note in report.notes if "mapped (deleted)" in note)
    assert note.endswith("what is not mapped of it was not searched (Operation not permitted)")
    assert report.failures == []


def test_two_deleted_files_of_one_name_are_two_places(tmp_path, canaries, number):
    path = tmp_path / "a"
    with contextlib.ExitStack() as open_files:
        for content in ("nothing", number):
            file = open_files.enter_context(path.open("w+"))
            file.write(content)
            file.flush()
            path.unlink()
        system = System((), (), {"this": os.getpid()}, time.time())
        searched = [each for each in _everything(system) if each.what == "deleted file"]
        assert found(canaries, searched) == {("deleted file", "plain")}


def test_a_core_dump_in_the_working_directory(holder, tmp_path, canaries, number):
    (tmp_path / f"core.{holder}").write_text(number)
    assert found(canaries, places.core_dumps([holder], 0)) == {("core dump", "plain")}


def test_the_journal_with_all_its_fields(tmp_path, canaries, number, monkeypatch):
    printer = tmp_path / "journalctl"
    printer.write_text(f"#!/bin/sh\necho _CMDLINE=asterisk {number}\n")
    printer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert found(canaries, places.journal(0)) == {("journal", "plain")}


def test_a_sim_and_a_call_list(tmp_path, canaries, number):
    dialect = Path(__file__).parents[1] / "modems" / "dialects" / "cinterion" / "bgs2.toml"
    with VirtualModem(tmp_path / "tty", tmp_path / "control", "--dialect", str(dialect)) as modem:
        modem.control.ring(number, times=1)
        modem.control.end_call()
        kept = modem.control.kept()
    calls = Place("call list", "gsm0", lambda: [str(kept["calls"]).encode()])
    assert found(canaries, [calls]) == {("call list", "plain")}


def test_what_is_told_and_not_judged_does_not_fail_the_audit(canaries, number):
    report = Report(sent={"a text": 1})
    report.search([Place("memory", "Asterisk", lambda: [number.encode()], False)], canaries)
    assert len(report.rows) == 1
    assert report.clean


def test_where_nothing_was_sent_nothing_is_proven():
    assert not Report().clean


@pytest.mark.parametrize("needed", [True, False])
def test_what_could_not_be_read_is_said_and_fails_the_audit_if_it_had_to_be(canaries, needed):
    def refused():
        raise PermissionError(1, "not permitted")

    report = Report(sent={"a text": 1})
    report.search([Place("file", "x", refused, needed=needed)], canaries)
    assert report.clean is not needed
    assert report.failures + report.notes == ["file: x was not searched (not permitted)"]


def test_a_folder_that_cannot_be_read_is_a_place_that_was_not_searched(
    tmp_path, canaries, monkeypatch
):
    def walk(folder, onerror):
        onerror(PermissionError(13, "Permission denied", f"{folder}/closed"))
        return iter(())

    monkeypatch.setattr(places.os, "walk", walk)
    report = Report(sent={"a text": 1})
    report.search(places.files([tmp_path]), canaries)
    assert report.failures == [f"file: {tmp_path}/closed was not searched (Permission denied)"]


def test_a_journal_that_cannot_be_read_is_no_clean_one(tmp_path, canaries, monkeypatch):
    printer = tmp_path / "journalctl"
    printer.write_text("#!/bin/sh\nexit 1\n")
    printer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    report = Report(sent={"a text": 1})
    report.search(places.journal(0), canaries)
    assert not report.clean


def test_a_core_dump_that_is_compressed_cannot_be_called_clean(tmp_path, holder, canaries):
    (tmp_path / "core.1.zst").write_bytes(bytes(100))
    report = Report(sent={"a text": 1})
    report.search(places.core_dumps([holder], 0), canaries)
    assert not report.clean


def test_memory_beyond_a_page_that_was_given_back_is_searched(canaries, number):
    class Memory:
        """Its second page is gone."""

        at = 0

        def seek(self, at):
            self.at = at

        def read(self, size):
            if places.PAGE <= self.at < 2 * places.PAGE:
                raise OSError(5, "given back")
            end = places.PAGE if self.at < places.PAGE else self.at + size
            return (bytes(2 * places.PAGE) + number.encode())[self.at : end]

    end = 2 * places.PAGE + len(number)
    assert number.encode() in b"".join(places._readable(Memory(), 0, end))


def test_a_file_whose_time_was_set_back_was_changed_all_the_same(tmp_path, canaries, number):
    began = time.time() - 1
    (tmp_path / "a").write_text(number)
    os.utime(tmp_path / "a", (1, 1))
    assert found(canaries, places.files([tmp_path], since=began)) == {("file", "plain")}


def test_a_number_of_ones_own_is_found_without_the_shared_digits():
    canaries = Canaries(own={"+19155550123": "a telephone of yours"})
    report = Report()
    report.search([Place("file", "x", lambda: [b"call from 9155550123"])], canaries)
    assert [(row.hits, row.intakes) for row in report.rows] == [(1, ("a telephone of yours",))]


def test_nothing_is_found_in_noise(canaries):
    report = Report()
    report.search([Place("file", "noise", lambda: [os.urandom(1 << 20)])], canaries)
    assert report.rows == []
    assert report.looked == {"file": [1, 1 << 20]}


def test_failures_make_it_unclean_even_where_nothing_was_found():
    assert not Report(failures=["a call was not answered"]).clean
