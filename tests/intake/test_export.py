import pytest

from tests.intake.tips import keep
from tests.store.conftest import engine, postgresql
from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.intake.calls import CallTip
from tipline_gw.intake.export import export_tips
from tipline_gw.sealing.recipients import load_recipients
from tipline_gw.store import repository as repo
from tipline_gw.store.writer import Writer

__all__ = ["engine", "postgresql"]


def test_every_tip_is_written_under_its_random_id(desk, tmp_path):
    text = keep(desk)
    call = CallTip(desk, "es", 60)
    recording = call.record(append=False)
    recording.write(b"\1\2" * 16000)
    recording.finish(Ended.KEY)
    call.close()
    names = export_tips(desk.engine, tmp_path / "out")
    assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert f"{text.hex()}.json.age" in names
    assert sum(name.endswith(".wav.age") for name in names) == 1
    assert sum(name.endswith(".json.age") for name in names) == 2


def test_beside_a_tip_with_a_code_lies_what_an_answer_is_sealed_to(desk, tmp_path):
    answered, without = keep(desk), keep(desk)
    code = desk.give_code(answered)
    names = export_tips(desk.engine, tmp_path)
    assert sorted(names) == sorted(f"{tip.hex()}.json.age" for tip in (answered, without))
    (path,) = tmp_path.glob("*.pub")
    assert path.name == f"{answered.hex()}.answer.pub"
    (recipient,) = load_recipients(path)
    assert recipient == desk.codes.derive(code).identity.recipient
    assert path.stat().st_mtime == (tmp_path / names[0]).stat().st_mtime


def test_what_is_deleted_meanwhile_is_not_written_and_all_else_is(desk, tmp_path, monkeypatch):
    gone, kept = keep(desk), keep(desk)
    desk.give_code(gone)
    before = repo.tips

    def tips(engine):
        rows = before(engine)
        desk.writer.do(lambda connection: repo.drop_tip(connection, gone))
        return rows

    monkeypatch.setattr(repo, "tips", tips)
    assert export_tips(desk.engine, tmp_path / "out") == [f"{kept.hex()}.json.age"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{kept.hex()}.json.age"]


def test_a_code_that_is_given_meanwhile_can_be_answered(desk, tmp_path, monkeypatch):
    tip_id, before = keep(desk), repo.tips

    def tips(engine):
        rows = before(engine)
        desk.give_code(tip_id)
        return rows

    monkeypatch.setattr(repo, "tips", tips)
    export_tips(desk.engine, tmp_path)
    assert (tmp_path / f"{tip_id.hex()}.answer.pub").exists()


def test_two_exports_into_one_directory_do_not_meet(desk, tmp_path, monkeypatch):
    (tip_id, before), others = (keep(desk), repo.octets), []

    def octets(store, sealed_id):
        header, *chunks = before(store, sealed_id)
        yield header
        if not others:
            others.append("under way")
            others.extend(export_tips(desk.engine, tmp_path))
        yield from chunks

    monkeypatch.setattr(repo, "octets", octets)
    assert export_tips(desk.engine, tmp_path) == others[1:] == [f"{tip_id.hex()}.json.age"]
    (row,) = repo.sealed_of(desk.engine, tip_id)
    whole = b"".join(before(desk.engine, row.id))
    assert [path.read_bytes() for path in tmp_path.glob("*.age")] == [whole]
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_cannot_be_written_to_its_end_leaves_nothing(desk, tmp_path, monkeypatch):
    def octets(_store, _sealed_id):
        yield b"header"
        raise StoreError("the database server cannot be reached")

    keep(desk)
    monkeypatch.setattr(repo, "octets", octets)
    with pytest.raises(StoreError):
        export_tips(desk.engine, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_tip_is_written_as_it_was_when_its_turn_came(engine, tmp_path, monkeypatch):
    writer, tip_id, before = Writer(engine), TipId(repo.new_id()), repo.sealed_of

    def replace(connection):
        repo.put_envelope(connection, tip_id, b"new", [b"n" * 16])
        repo.drop_recordings(connection, tip_id, but=repo.new_id())

    def job(connection):
        repo.add_tip(connection, tip_id, Kind.VOICE, 1, 490_000)
        repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, b"e", [b"x" * 16])
        repo.add_whole(connection, tip_id, repo.Role.RECORDING, b"r", [b"y" * 16] * 40)

    def sealed_of(store, tip_id):
        rows = before(store, tip_id)
        writer.do(replace)
        return rows

    writer.do(job)
    monkeypatch.setattr(repo, "sealed_of", sealed_of)
    names = export_tips(engine, tmp_path / "out")
    writer.close()
    written = {name[33:]: (tmp_path / "out" / name).read_bytes() for name in names}
    assert written == {"json.age": b"e" + b"x" * 16, "wav.age": b"r" + b"y" * 640}


def test_times_of_files_say_no_more_than_the_store(desk, tmp_path):
    keep(desk)
    (name,) = export_tips(desk.engine, tmp_path / "out")
    assert (tmp_path / "out" / name).stat().st_mtime % 3600 == 0


def test_exporting_again_writes_the_same(desk, tmp_path):
    keep(desk)
    (name,) = export_tips(desk.engine, tmp_path)
    first = (tmp_path / name).read_bytes()
    assert export_tips(desk.engine, tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == first


def test_a_recording_broken_off_beside_another_gets_a_name_of_its_own(desk, tmp_path):
    call = CallTip(desk, "es", 60)
    for _ in range(2):
        recording = call.record(append=False)
        recording.write(b"\1\2" * 16000)
    desk.writer.do(lambda connection: None)
    names = export_tips(desk.engine, tmp_path)
    (row,) = repo.tips(desk.engine)
    base = row.id.hex()
    assert sorted(names) == [f"{base}.2.wav.age", f"{base}.json.age", f"{base}.wav.age"]


def test_a_directory_that_cannot_be_made_is_told(desk, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        export_tips(desk.engine, tmp_path / "file")


def test_no_half_file_is_left(desk, tmp_path):
    keep(desk)
    export_tips(desk.engine, tmp_path)
    assert not list(tmp_path.glob(".*"))
