"""Answers: sealed by the stock age to what is listed, stored, and opened by the code alone."""

import io
import struct
import wave

import numpy as np
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from tests.intake.tips import keep
from tipline_gw.domain import case_code
from tipline_gw.domain.tip import State
from tipline_gw.errors import AnswerError, OpenError, StoreError, TiplineError
from tipline_gw.intake import codes
from tipline_gw.intake.case_answers import LARGEST, AnswerKind, Reader, admitted, heard
from tipline_gw.intake.desk import Desk
from tipline_gw.intake.export import export_tips
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.sealing.identities import ClassicIdentity, HybridIdentity, parse_identity
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import HybridRecipient, Recipients
from tipline_gw.sealing.writer import seal
from tipline_gw.store import repository as repo
from tipline_gw.store.tables import metadata

TEXT = "Gracias. Ya fuimos a ver. Si pasa otra vez, llame de nuevo."
READER = HybridIdentity(b"r" * 32)


def pcm(seconds: float, rate: int = 8000) -> bytes:
    wave_ = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return (wave_ * 32767).astype("<i2").tobytes()


def wav(samples: bytes, rate: int = 8000, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    return out.getvalue()


def sealed_to(recipient, plain: bytes) -> bytes:
    header, chunks = seal(Recipients((recipient,)), plain)
    return header + b"".join(chunks)


@pytest.fixture
def case(desk):
    tip_id = keep(desk)
    return tip_id, desk.give_code(tip_id)


def answer_to(desk, tip_id) -> HybridRecipient:
    (row,) = [row for row in repo.tips(desk.engine) if row.id == tip_id]
    return HybridRecipient(row.answer_key)


def put(desk, tip_id, plain: bytes, kind=AnswerKind.TEXT) -> None:
    desk.put_answer(tip_id, kind, sealed_to(answer_to(desk, tip_id), plain))


# The stock age.


def test_what_stock_age_seals_to_the_listed_key_is_heard_with_the_code_alone(desk, case, age):
    tip_id, code = case
    desk.put_answer(
        tip_id, AnswerKind.TEXT, age("-r", str(answer_to(desk, tip_id)), stdin=TEXT.encode())
    )
    news = desk.news_of(code)
    assert (news.tip_id, news.state, news.open) == (tip_id, State.RECEIVED, True)
    assert news.answer("es") == f"es: {TEXT}".encode()
    assert desk.news_of(case_code.draw()) is None


def test_stock_age_takes_the_exported_key_file(desk, case, age, tmp_path):
    tip_id, code = case
    export_tips(desk.engine, tmp_path)
    key = age.place("answer.pub", (tmp_path / f"{tip_id.hex()}.answer.pub").read_bytes())
    desk.put_answer(tip_id, AnswerKind.SOUND, age("-R", key, stdin=wav(pcm(2))))
    assert desk.news_of(code).answer("es") == pcm(2)


def test_stock_age_opens_an_answer_with_what_the_code_makes_and_nothing_else(desk, case, age):
    tip_id, code = case
    put(desk, tip_id, TEXT.encode())
    stored = b"".join(repo.octets(desk.engine, desk.case_of(code).answer.id))
    derived = desk.codes.derive(code)
    key = age.place("code.key", derived.identity.secret() + "\n")
    assert age("-d", "-i", key, stdin=stored) == TEXT.encode()
    for name, seed in (("hash", derived.hash), ("other", desk.codes.derive(case_code.draw()).seed)):
        key = age.place(name, HybridIdentity(seed).secret() + "\n")
        assert age.attempt("-d", "-i", key, stdin=stored).returncode != 0


def test_nothing_in_the_database_opens_an_answer(desk, case, identity):
    """Every value that the store holds, tried as a seed: each 32 octets of it, and what either
    label derives from it; and the reviewers' own identity."""
    tip_id, code = case
    put(desk, tip_id, TEXT.encode())
    stored = b"".join(repo.octets(desk.engine, desk.case_of(code).answer.id))
    for seed in {bytes(value) for held in values(desk) for value in seeds(held)}:
        with pytest.raises(OpenError):
            Opener(io.BytesIO(stored), [HybridIdentity(seed)])
    with pytest.raises(OpenError):
        Opener(io.BytesIO(stored), [identity])
    Opener(io.BytesIO(stored), [desk.codes.derive(code).identity])


def values(desk) -> list[bytes]:
    with desk.engine.connect() as connection:
        tables = [connection.execute(table.select()).all() for table in metadata.tables.values()]
    return [value for rows in tables for row in rows for value in row if isinstance(value, bytes)]


def seeds(held: bytes) -> list[bytes]:
    infos = (codes.HASH_INFO, codes.ANSWER_INFO)
    derived = [bytes(codes.hkdf_sha256(held, b"", info)) for info in infos]
    return derived + [held[at : at + 32] for at in range(0, len(held) - 31, 32)]


# The store's place.


def test_an_answer_takes_the_place_of_the_earlier_one(desk, case):
    tip_id, code = case
    put(desk, tip_id, b"primera")
    put(desk, tip_id, wav(pcm(1)), AnswerKind.SOUND)
    assert desk.news_of(code).answer("es") == pcm(1)
    put(desk, tip_id, b"segunda")
    assert desk.news_of(code).answer("en") == b"en: segunda"
    with desk.engine.connect() as connection:
        assert len(connection.execute(metadata.tables["sealed"].select()).all()) == 2


def test_an_answer_that_cannot_be_written_leaves_the_earlier_one(desk, case, monkeypatch):
    tip_id, code = case
    put(desk, tip_id, b"primera")

    def full(*_args):
        raise StoreError("the disk of the store is full")

    monkeypatch.setattr(repo, "add_whole", full)
    with pytest.raises(StoreError):
        put(desk, tip_id, b"segunda")
    assert desk.news_of(code).answer("es") == b"es: primera"


def test_the_tip_s_own_size_and_files_do_not_change(desk, case, tmp_path):
    tip_id, _ = case
    before = [(row.size, row.whole, row.answered) for row in repo.tips(desk.engine)]
    names = export_tips(desk.engine, tmp_path / "before")
    put(desk, tip_id, wav(pcm(30)), AnswerKind.SOUND)
    assert before == [(row.size, row.whole, False) for row in repo.tips(desk.engine)]
    assert repo.tips(desk.engine)[0].answered
    assert export_tips(desk.engine, tmp_path / "after") == names


def test_a_tip_without_a_code_cannot_be_answered(desk):
    tip_id = keep(desk)
    for wrong in (tip_id, b"n" * 16):
        with pytest.raises(AnswerError, match="no such tip, or no code"):
            desk.put_answer(wrong, AnswerKind.TEXT, sealed_to(READER.recipient, b"hola"))


def test_a_case_stays_found_when_its_answer_goes(desk, case):
    tip_id, code = case
    put(desk, tip_id, b"hola")
    news = desk.news_of(code)
    put(desk, tip_id, b"otra")
    with pytest.raises(TiplineError):
        news.answer("es")
    assert desk.news_of(code).answer("es") == b"es: otra"


def test_a_look_up_does_the_same_whether_there_is_a_case_and_an_answer(desk, monkeypatch):
    """One memory-hard hash, then one transaction with one statement; no key, no file."""
    work = []

    def counted(**parameters):
        work.append("hash")
        return Argon2id(**parameters)

    made = [(tip_id, desk.give_code(tip_id)) for tip_id in (keep(desk), keep(desk))]
    put(desk, made[1][0], b"hola")
    desk.codes.close()
    monkeypatch.setattr(codes, "Argon2id", counted)
    monkeypatch.setattr(HybridIdentity, "__init__", lambda self, seed: work.append("key"))
    event.listen(desk.engine, "before_cursor_execute", lambda *a: work.append(a[2]))
    done = []
    for code in (case_code.draw(), made[0][1], made[1][1]):
        work.clear()
        desk.news_of(code)
        done.append(list(work))
    assert done[0] == done[1] == done[2]
    assert (done[0][0], done[0][-1][:7], len(done[0])) == ("hash", "SELECT ", 3)


# What is taken in.


def junk(desk, tip_id):
    good = sealed_to(answer_to(desk, tip_id), b"hola")
    classic = ClassicIdentity.generate().recipient
    return {
        "empty": b"",
        "no age file": b"hola",
        "armoured": b"-----BEGIN AGE ENCRYPTED FILE-----\n",
        "header alone": good[: good.index(b"\n--- ")],
        "without a chunk": good[:-20],
        "without a whole tag": good[:-5],
        "of an empty text": sealed_to(answer_to(desk, tip_id), b""),
        "to a classic key": sealed_to(classic, b"hola"),
        "too large": sealed_to(answer_to(desk, tip_id), bytes(LARGEST[AnswerKind.TEXT])),
    }


def test_what_is_no_answer_is_refused_and_the_earlier_one_stays(desk, case):
    tip_id, code = case
    put(desk, tip_id, b"hola")
    for name, octets in junk(desk, tip_id).items():
        try:
            desk.put_answer(tip_id, AnswerKind.TEXT, octets)
        except AnswerError:
            continue
        pytest.fail(name)
    assert desk.news_of(code).answer("es") == b"es: hola"


@given(st.binary(max_size=200), st.integers(0, 3000))
def test_any_octets_are_taken_in_as_they_are_or_refused(octets, cut):
    good = sealed_to(READER.recipient, b"hola" * 20)
    for candidate in (octets, good[:cut] + octets, good[:cut]):
        try:
            header, chunks = admitted(candidate, AnswerKind.TEXT)
        except AnswerError:
            continue
        assert header + b"".join(chunks) == candidate
        assert all(16 <= len(chunk) <= 65552 for chunk in chunks)


def test_the_longest_sound_is_taken_in(desk, case):
    tip_id, code = case
    put(desk, tip_id, wav(pcm(180)), AnswerKind.SOUND)
    assert desk.news_of(code).answer("es") == pcm(180)


# What is heard.


def played(plain: bytes, kind=AnswerKind.SOUND) -> bytearray:
    whole = sealed_to(READER.recipient, plain)
    return heard([whole], kind, READER, lambda text: text.encode())


def test_eight_kilohertz_is_played_as_it_is_to_the_last_bit():
    every = np.arange(-32768, 32768, 5, dtype="<i2").tobytes()
    assert played(wav(every)) == every


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_other_rates_are_resampled_and_made_loud(rate):
    got = played(wav(pcm(2, rate), rate))
    assert len(got) / 16000 == pytest.approx(2, abs=0.2)
    samples = np.frombuffer(bytes(got), dtype="<i2")
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * 8000 / len(samples) == pytest.approx(440, abs=5)
    assert np.abs(samples).max() > 3000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hola",
        b"RIFF",
        wav(pcm(1))[:30],
        wav(b""),
        wav(pcm(181)),
        wav(bytes(96000), 48000),
        wav(pcm(1)).replace(struct.pack("<HHI", 1, 1, 8000), struct.pack("<HHI", 85, 1, 8000)),
    ],
    ids=["empty", "text", "stub", "cut", "no sound", "too long", "silence", "compressed"],
)
def test_what_is_no_sound_to_be_played_is_refused(content):
    with pytest.raises(AnswerError) as error:
        played(content)
    assert "hola" not in str(error.value)


@given(st.binary(max_size=300))
def test_any_octets_are_a_sound_or_refused(octets):
    good = wav(pcm(0.01))
    for content in (octets, good[:20] + octets, good[:36] + octets):
        try:
            assert len(played(content)) % 2 == 0
        except TiplineError:
            continue


@given(st.binary(max_size=100))
def test_any_octets_are_a_text_or_refused(octets):
    try:
        said = played(octets, AnswerKind.TEXT)
    except TiplineError:
        return
    assert said.decode() == octets.decode("utf-8-sig")


def test_a_text_may_be_padded_and_begin_with_a_mark():
    assert played("\ufeffhola".encode() + b" " * 500, AnswerKind.TEXT) == b"hola" + b" " * 500


def test_what_was_altered_or_sealed_to_another_is_not_played():
    whole = bytearray(sealed_to(READER.recipient, b"hola"))
    whole[-1] ^= 1
    for octets, who in ((bytes(whole), READER), (sealed_to(READER.recipient, b"x"), other())):
        with pytest.raises(OpenError):
            heard([octets], AnswerKind.TEXT, who, lambda text: text.encode())


def other() -> HybridIdentity:
    return HybridIdentity(b"o" * 32)


def test_a_written_answer_is_spoken_by_the_voice_of_the_call_s_language():
    read = Reader([Catalogue.load("es"), Catalogue.load("en")])
    said = {language: read(TEXT, language) for language in ("es", "en", "none")}
    assert all(len(sound) > 2 * 16000 for sound in said.values())
    assert said["none"] == said["es"] != said["en"]


def test_a_text_that_cannot_be_spoken_is_told_without_a_word_of_it(desk, case):
    tip_id, code = case
    reading = Desk(
        desk.writer, desk.engine, desk.recipients, desk.codes, desk.line, desk.granularity,
        read_aloud=Reader([Catalogue.load("es")]),
    )  # fmt: skip
    put(reading, tip_id, b"bodega " * 400)
    with pytest.raises(AnswerError) as error:
        reading.news_of(code).answer("es")
    assert "bodega" not in str(error.value)
    mute = Desk(desk.writer, desk.engine, desk.recipients, desk.codes, desk.line, "hour")
    with pytest.raises(AnswerError, match="reads answers aloud"):
        mute.news_of(code).answer("es")


def test_the_key_that_is_listed_is_the_one_the_code_makes(desk, case):
    tip_id, code = case
    identity = desk.codes.derive(code).identity
    assert parse_identity(identity.secret()).public_key == str(answer_to(desk, tip_id))
