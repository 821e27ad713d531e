"""What an operator does with a microphone: lay NAME.wav into the folder, and build."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from tests.prompts.voices import Hummer, hum
from tests.prompts.wavs import save, voice
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names, shaping
from tipline_gw.prompts import plan as planning
from tipline_gw.prompts.build import Report, build
from tipline_gw.prompts.check import Finding, Problem, before_tone_seconds, check
from tipline_gw.prompts.manifest import Origin
from tipline_gw.prompts.plan import sounds

BY_HAND = hum(1.0, rate=8000).samples


@pytest.fixture
def speaker() -> Hummer:
    return Hummer()


def again(directory: Path, speaker: Hummer, emergency: str = "911") -> Report:
    return build(directory, ["es", "en"], emergency, speak=speaker)


def found(directory: Path, emergency: str = "911") -> list[Finding]:
    every = check(directory, ["es", "en"], emergency)
    return [each for each in every if each.problem is not Problem.SYNTHETIC]


def reword(directory: Path, language: str, name: str, text: str) -> None:
    entry = f'msgctxt "prompt"\nmsgid "{name}"\nmsgstr "{text}"\n'
    (directory / f"{language}.po").write_text(entry, "utf-8")


@pytest.mark.parametrize("name", ["welcome.wav", "welcome.WAV"])
def test_a_recording_takes_the_place_of_the_synthetic_voice(built, speaker, name):
    source = save(built / "es" / name, voice(height=0.05), 44100)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    report = again(built, speaker)
    assert (report.built, report.imported) == (["es/welcome"], ["es/welcome"])
    assert shaping.measured((built / "es/welcome.sln").read_bytes()) == pytest.approx(-16, abs=0.3)
    assert manifests.load(built / "es")["welcome"].origin is Origin.RECORDED
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert found(built) == []


@pytest.mark.parametrize("name", ["welcome.mp3", "welcome.M4A"])
def test_a_recording_of_another_kind_is_named_and_not_passed_over(built, speaker, name):
    (built / "es" / name).write_bytes(b"ID3")
    report = again(built, speaker)
    assert report.failed == [f"{built}/es/{name}: not a WAV file: save it as WAV, 16 bit PCM"]
    assert report.built == []


def test_it_is_taken_in_once_and_again_when_it_was_changed(built, speaker):
    save(built / "es/welcome.wav", voice())
    again(built, speaker)
    first = (built / "es/welcome.sln").read_bytes()
    report = again(built, speaker)
    assert (report.built, report.recorded) == ([], ["es/welcome"])
    save(built / "es/welcome.wav", voice(2.5))
    assert [each.problem for each in found(built)] == [Problem.NOT_BUILT]
    assert again(built, speaker).imported == ["es/welcome"]
    assert (built / "es/welcome.sln").read_bytes() != first


def test_no_synthetic_voice_ever_speaks_over_it(built, speaker):
    save(built / "es/welcome.wav", voice())
    again(built, speaker)
    recorded = (built / "es/welcome.sln").read_bytes()
    for emergency in ("112", "911"):
        assert "es/welcome" not in again(built, speaker, emergency).built
    (built / "es/welcome.wav").unlink()
    assert again(built, speaker).recorded == ["es/welcome"]
    assert (built / "es/welcome.sln").read_bytes() == recorded


def test_one_that_was_taken_away_with_its_sound_leaves_the_place_to_the_synthetic_voice(
    built, speaker
):
    save(built / "es/welcome.wav", voice())
    again(built, speaker)
    for file in ("welcome.wav", "welcome.sln"):
        (built / "es" / file).unlink()
    assert again(built, speaker).built == ["es/welcome"]
    assert manifests.load(built / "es")["welcome"].origin is Origin.SYNTHETIC


def test_one_whose_words_were_changed_since_is_told_until_it_is_recorded_again(built, speaker):
    save(built / "es/goodbye.wav", voice())
    again(built, speaker)
    reword(built, "es", "goodbye", "Hasta luego.")
    assert again(built, speaker).outdated == ["es/goodbye"]
    assert [(each.problem, each.name) for each in found(built)] == [(Problem.OUTDATED, "goodbye")]
    save(built / "es/goodbye.wav", voice(1.2))
    assert again(built, speaker).outdated == []
    assert found(built) == []


def test_another_voice_or_speed_of_the_synthesis_does_not_make_a_recording_old(built, speaker):
    save(built / "es/goodbye.wav", voice())
    again(built, speaker)
    (built / "es.po").write_text('msgctxt "voice"\nmsgid "words-per-minute"\nmsgstr "150"\n')
    assert again(built, speaker).outdated == []


def test_better_processing_takes_it_in_again_and_keeps_what_words_it_says(
    built, speaker, monkeypatch
):
    save(built / "es/goodbye.wav", voice())
    again(built, speaker)
    reword(built, "es", "goodbye", "Hasta luego.")
    monkeypatch.setattr("tipline_gw.prompts.build.VERSION", planning.VERSION + 1)
    assert again(built, speaker).imported == ["es/goodbye"]
    assert again(built, speaker).outdated == ["es/goodbye"]


def test_a_lost_sound_is_made_again_and_is_still_of_the_words_it_says(built, speaker):
    save(built / "es/goodbye.wav", voice())
    again(built, speaker)
    reword(built, "es", "goodbye", "Hasta luego.")
    (built / "es/goodbye.sln").unlink()
    assert again(built, speaker).imported == ["es/goodbye"]
    assert again(built, speaker).outdated == ["es/goodbye"]


@pytest.mark.parametrize("there", [True, False])
def test_one_that_cannot_be_used_is_named_and_stops_no_other(built, speaker, there):
    (built / "es/advice.wav").write_bytes(b"ID3 an MP3 under a wrong name")
    (built / "es/goodbye.wav").write_bytes(b"")
    save(built / "es/welcome.wav", voice())
    save(built / "es/leave-tip.wav", np.zeros(4800))
    if not there:
        (built / "es/advice.sln").unlink()
    report = again(built, speaker)
    assert report.imported == ["es/welcome"]
    assert [f"{built}/es/{name}.wav: " in "".join(report.failed) for name in (
        "advice", "goodbye", "leave-tip"
    )] == [True] * 3  # fmt: skip
    assert len(report.failed) == 3
    assert ("es/advice" in report.built) is not there
    assert not any(each.fatal for each in found(built))
    assert len(again(built, speaker).failed) == 3


def test_one_of_a_terabyte_is_named_and_not_read(built, speaker):
    with (built / "es/advice.wav").open("wb") as sparse:
        sparse.truncate(1 << 40)
    save(built / "es/welcome.wav", voice())
    report = again(built, speaker)
    [failure] = report.failed
    assert "es/advice.wav: larger than 64 MiB" in failure
    assert report.imported == ["es/welcome"]
    assert [(each.problem, each.name) for each in found(built)] == [(Problem.NOT_BUILT, "advice")]


def test_one_that_cannot_be_opened_is_named_and_stops_no_other(built, speaker, monkeypatch):
    save(built / "es/advice.wav", voice())
    save(built / "es/welcome.wav", voice())
    really = Path.open

    def refuse(file, *arguments, **more):
        if file.name == "advice.wav":
            raise PermissionError
        return really(file, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    report = again(built, speaker)
    [failure] = report.failed
    assert "es/advice.wav cannot be read (PermissionError)" in failure
    assert report.imported == ["es/welcome"]


def test_what_is_no_file_is_no_recording_and_is_not_waited_for(built, speaker):
    os.mkfifo(built / "es/advice.wav")
    (built / "es/welcome.wav").mkdir()
    report = again(built, speaker)
    assert (report.built, report.failed) == ([], [])


def test_words_that_changed_while_a_recording_is_broken_are_spoken(built, speaker):
    (built / "es/goodbye.wav").write_bytes(b"broken")
    reword(built, "es", "goodbye", "Hasta luego.")
    assert again(built, speaker).built == ["es/goodbye"]
    assert "Hasta luego." in speaker.texts()


def test_two_recordings_of_one_prompt_are_named_and_none_is_guessed(built, speaker):
    save(built / "es/welcome.wav", voice())
    save(built / "es/welcome.WAV", voice(2.0))
    report = again(built, speaker)
    assert report.built == []
    [failure] = report.failed
    assert "are the same prompt" in failure


@pytest.mark.parametrize("known", [False, True])
def test_a_sound_made_by_hand_is_not_written_over_by_a_recording(built, speaker, known):
    (built / "es/welcome.sln").write_bytes(BY_HAND)
    if known:
        again(built, speaker)
    save(built / "es/welcome.wav", voice())
    [failure] = again(built, speaker).failed
    assert "welcome.sln beside it was not made by this program" in failure
    assert (built / "es/welcome.sln").read_bytes() == BY_HAND


def test_a_recording_that_no_prompt_is_named_after_is_told_and_taken_in_as_a_greeting(
    built, speaker
):
    strange = save(built / "es/welcom.wav", voice())
    report = again(built, speaker)
    assert (report.strange, report.imported) == ([str(strange)], ["es/welcom"])
    assert built / "es/welcom.sln" in sounds(built, "es")
    assert found(built) == []


@pytest.mark.parametrize("name", ["language-en", "../up", "Greeting", "a b", "x" * 60])
def test_one_that_could_not_be_a_greeting_is_told_and_left_where_it_lies(built, speaker, name):
    strange = save(built / "en" / f"{name.replace('/', '_')}.wav", voice())
    report = again(built, speaker)
    assert (report.strange, report.built) == ([str(strange)], [])


def test_the_longest_greeting_counts_before_the_tone(built, speaker):
    before = before_tone_seconds(built, ["es", "en"], "es")
    save(built / "es/welcome-juarez.wav", voice(8.0))
    again(built, speaker)
    assert before_tone_seconds(built, ["es", "en"], "es") > before + 5
    [finding] = found(built)
    assert (finding.problem, finding.name) == (Problem.TOO_LONG, "before-tone")


def test_one_that_was_clipped_when_it_was_recorded_stays_known_as_clipped(built, speaker):
    save(built / "es/goodbye.wav", np.clip(voice() * 9, -1, 1))
    again(built, speaker)
    assert [(each.problem, each.name) for each in found(built)] == [(Problem.CLIPPED, "goodbye")]


@pytest.mark.parametrize("cut_after", range(4))
def test_a_build_that_was_cut_off_takes_it_in_again(built, speaker, monkeypatch, cut_after):
    save(built / "es/welcome.wav", voice())
    save(built / "en/welcome.wav", voice(2.0))
    writes, really = [], Path.replace

    def replace(source, target):
        writes.append(target)
        if len(writes) > cut_after:
            raise KeyboardInterrupt
        return really(source, target)

    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            again(built, speaker)
    assert again(built, speaker).failed == []
    assert sorted(again(built, speaker).recorded) == ["en/welcome", "es/welcome"]
    assert found(built) == []


def test_a_greeting_that_an_operator_added_is_built_and_hurried_like_the_welcome(tmp_path, speaker):
    reword(tmp_path, "es", "welcome-juarez", "Línea de Juárez.")
    assert "es/welcome-juarez" in build(tmp_path, ["es"], "911", speak=speaker).built
    assert ("Línea de Juárez.", "es-419", 195) in speaker.asked


# A language that nobody here speaks, and its recordings.


@pytest.fixture
def waiting(tmp_path, speaker) -> Path:
    build(tmp_path, ["es", "tar"], "911", speak=speaker)
    return tmp_path


def heard(directory: Path, language: str, name: str) -> Path:
    [file] = [file for file in sounds(directory, language) if file.stem == name]
    return file


def test_before_anything_is_recorded_another_language_is_heard(waiting, speaker):
    report = build(waiting, ["es", "tar"], "911", speak=speaker)
    assert report.standing_in == {f"tar/{name}": "es" for name in names.SAID}
    assert (report.built, report.unspoken) == ([], [])
    for name in names.SAID:
        assert heard(waiting, "tar", name) == waiting / "es" / f"{name}.sln"
    assert ("Rarámuri dos.", "es-419", 195) in speaker.asked
    assert heard(waiting, "es", "language-tar") == waiting / "es/language-tar.sln"


def test_check_says_who_stands_in_for_prompts_texts_and_keywords(waiting):
    missing = [each for each in check(waiting, ["es", "tar"], "911") if each.language == "tar"]
    assert {(each.problem, each.stands_in) for each in missing} == {(Problem.MISSING, "es")}
    by_kind = {
        kind: [each.name for each in missing if each.kind == kind]
        for kind in ("prompt", "sms", "keyword")
    }
    assert by_kind == {
        "prompt": list(names.SAID), "sms": list(names.WRITTEN), "keyword": list(names.KEYWORDS)
    }  # fmt: skip
    assert not any(each.fatal for each in missing)
    assert missing[0].todo == "es stands in until you record it"


def test_what_is_recorded_is_heard_and_the_rest_still_stands_in(waiting, speaker):
    save(waiting / "tar/welcome.wav", voice())
    assert build(waiting, ["es", "tar"], "911", speak=speaker).imported == ["tar/welcome"]
    assert heard(waiting, "tar", "welcome") == waiting / "tar/welcome.sln"
    assert heard(waiting, "tar", "goodbye") == waiting / "es/goodbye.sln"
    missing = {each.name for each in check(waiting, ["es", "tar"], "911") if each.stands_in}
    assert "welcome" not in missing
    assert "goodbye" in missing


def test_a_recording_is_of_the_words_that_stand_in_until_it_has_its_own(waiting, speaker):
    save(waiting / "tar/goodbye.wav", voice())
    build(waiting, ["es", "tar"], "911", speak=speaker)
    reword(waiting, "es", "goodbye", "Hasta luego.")
    report = build(waiting, ["es", "tar"], "911", speak=speaker)
    assert report.outdated == ["tar/goodbye"]


def test_a_recorded_offer_of_a_language_lies_with_the_first(waiting, speaker):
    save(waiting / "es/language-tar.wav", voice(0.8))
    assert build(waiting, ["es", "tar"], "911", speak=speaker).imported == ["es/language-tar"]


@pytest.mark.parametrize("languages", [["tar"], ["tar", "maz"]])
def test_a_line_without_the_language_that_stands_in_has_its_sounds_too(
    tmp_path, speaker, languages
):
    report = build(tmp_path, languages, "911", speak=speaker)
    assert {f"es/{name}" for name in names.SAID} <= set(report.built)
    for language in languages:
        there = {file.stem for file in sounds(tmp_path, language)}
        assert there == set(names.of_folder(languages, language))
    told = check(tmp_path, languages, "911")
    assert not any(each.fatal for each in told)
    assert {each.language for each in told if each.problem is Problem.SYNTHETIC} >= {"es"}


def test_a_human_voice_of_the_language_that_stands_in_is_heard(waiting, speaker):
    save(waiting / "es/advice.wav", voice(2.0))
    build(waiting, ["es", "tar"], "911", speak=speaker)
    assert heard(waiting, "tar", "advice").read_bytes() == (waiting / "es/advice.sln").read_bytes()


def test_a_synthetic_sound_of_a_language_that_lost_its_voice_makes_way(tmp_path, speaker):
    own = 'msgctxt "voice"\nmsgid "espeak-ng"\nmsgstr "{}"\n\nmsgctxt "prompt"\nmsgid "goodbye"\n'
    (tmp_path / "tar.po").write_text(own.format("es-419") + 'msgstr "x"\n')
    build(tmp_path, ["es", "tar"], "911", speak=speaker)
    assert heard(tmp_path, "tar", "goodbye") == tmp_path / "tar/goodbye.sln"
    (tmp_path / "tar.po").write_text(own.format("") + 'msgstr "x"\n')
    build(tmp_path, ["es", "tar"], "911", speak=speaker)
    assert heard(tmp_path, "tar", "goodbye") == tmp_path / "es/goodbye.sln"
    assert not (tmp_path / "tar/goodbye.sln").exists()


def test_where_nobody_can_say_it_check_is_fatal(waiting):
    (waiting / "es/goodbye.sln").unlink()
    fatal = [each for each in check(waiting, ["es", "tar"], "911") if each.fatal]
    assert [(each.language, each.name) for each in fatal] == [("es", "goodbye"), ("tar", "goodbye")]


def test_espeak_ng_speaks_the_language_that_stands_in_from_end_to_end(tmp_path):
    build(tmp_path, ["es", "tar"], "911")
    for name in ("welcome", "digit-7"):
        file = heard(tmp_path, "tar", name)
        assert shaping.measured(file.read_bytes()) == pytest.approx(-16, abs=0.5)
    assert not any(each.fatal for each in check(tmp_path, ["es", "tar"], "911"))
