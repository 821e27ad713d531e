from pathlib import Path

import pytest

from tests.prompts.voices import Hummer, hum
from tipline_gw.errors import ConfigError, PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names
from tipline_gw.prompts.build import Report, build
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.prompts.check import before_tone_seconds
from tipline_gw.prompts.manifest import Origin
from tipline_gw.resources import catalogues

RECORDING = hum(1.0, rate=8000).samples


@pytest.fixture
def voice() -> Hummer:
    return Hummer()


def stamps(directory: Path) -> dict[str, tuple[int, int]]:
    files = [file for file in directory.rglob("*") if file.is_file()]
    return {str(file): (file.stat().st_mtime_ns, file.stat().st_ino) for file in files}


def reword(directory: Path, language: str, name: str, text: str) -> None:
    entry = f'msgctxt "prompt"\nmsgid "{name}"\nmsgstr "{text}"\n'
    (directory / f"{language}.po").write_text(entry, "utf-8")


@pytest.mark.parametrize("languages", [["es", "en"], ["en", "es"]])
def test_espeak_ng_says_all_before_the_tone_within_eight_seconds(tmp_path, languages):
    report = build(tmp_path, languages, "911")
    assert len(report.built) == 2 * len(names.SAID) + 2 * len(names.GENERATED) + 2
    for language in languages:
        seconds = before_tone_seconds(tmp_path, languages, language)
        assert 4.0 < seconds <= 8.0, (language, seconds)


def test_every_sound_of_the_dialog_is_there_and_asterisk_can_play_it(built):
    for language in ("es", "en"):
        wanted = {f"{name}.sln" for name in names.of_folder(["es", "en"], language)}
        there = {file.name for file in (built / language).iterdir()} - {manifests.FILE}
        assert there == wanted
    for file in built.rglob("*.sln"):
        assert file.stat().st_size > 0
        assert file.stat().st_size % 2 == 0


def test_a_second_build_does_nothing_at_all(built, voice):
    before = stamps(built)
    report = build(built, ["es", "en"], "911", speak=voice)
    assert stamps(built) == before
    assert voice.asked == []
    assert report == Report(unchanged=len(before) - 2)


def test_each_language_is_spoken_by_its_own_voice_also_in_the_language_menu(tmp_path, voice):
    build(tmp_path, ["es", "en"], "911", speak=voice)
    assert ("English two.", "en-us", 195) in voice.asked
    assert ("Español uno.", "es-419", 195) in voice.asked
    assert {used for _, used, _ in voice.asked} == {"es-419", "en-us"}


def test_what_is_before_the_tone_is_hurried_and_nothing_else(tmp_path, voice):
    build(tmp_path, ["en"], "911", speak=voice)
    hurried = {text for text, _, speed in voice.asked if speed == 195}
    assert hurried == {
        "Danger? Nine one one. We keep your voice, not your number. The phone company does.",
        "Tip one. Code two.",
        "Talk at the tone.",
    }


def test_the_emergency_number_is_said_digit_by_digit(tmp_path, voice):
    build(tmp_path, ["es"], "089", speak=voice)
    said = "¿Peligro? Cero ocho nueve. Guardamos su voz, no su número. La telefónica sí."
    assert said in voice.texts()


def test_another_emergency_number_remakes_what_names_it_and_nothing_else(built, voice):
    report = build(built, ["es", "en"], "112", speak=voice)
    named = [
        f"{language}/{name}"
        for language in ("es", "en")
        for name, text in Catalogue.load(language).prompts.items()
        if "{emergency}" in text
    ]
    assert {"es/welcome", "en/advice", "es/cannot-take-now"} <= set(named)
    assert sorted(report.built) == sorted(named)
    assert len(voice.asked) == len(report.built)


def test_reworded_text_is_spoken_again(built, voice):
    reword(built, "es", "goodbye", "Hasta luego.")
    assert build(built, ["es", "en"], "911", speak=voice).built == ["es/goodbye"]
    assert voice.texts() == {"Hasta luego."}


def test_a_missing_file_is_made_again(built, voice):
    (built / "es" / "tone.sln").unlink()
    (built / "en" / "digit-7.sln").unlink()
    report = build(built, ["es", "en"], "911", speak=voice)
    assert report.built == ["es/tone", "en/digit-7"]
    assert voice.texts() == {"Seven"}


def test_the_order_of_the_languages_moves_the_language_menu(built, voice):
    report = build(built, ["en", "es"], "911", speak=voice)
    assert report.built == ["en/language-en", "en/language-es"]
    assert voice.texts() == {"English one.", "Español dos."}


def test_a_recording_is_never_written_over(built, voice):
    (built / "es" / "welcome.sln").write_bytes(RECORDING)
    for emergency in ("911", "112", "911"):
        report = build(built, ["es", "en"], emergency, speak=voice)
        assert "es/welcome" in report.recorded
        assert (built / "es" / "welcome.sln").read_bytes() == RECORDING


def test_a_recording_that_was_there_before_the_first_build_is_kept(tmp_path, voice):
    (tmp_path / "es").mkdir()
    (tmp_path / "es" / "goodbye.sln").write_bytes(RECORDING)
    assert build(tmp_path, ["es"], "911", speak=voice).recorded == ["es/goodbye"]
    assert (tmp_path / "es" / "goodbye.sln").read_bytes() == RECORDING
    assert manifests.load(tmp_path / "es")["goodbye"].origin is Origin.RECORDED


def test_a_recording_whose_words_were_changed_since_is_told(built, voice):
    (built / "es" / "welcome.sln").write_bytes(RECORDING)
    assert build(built, ["es", "en"], "911", speak=voice).outdated == []
    assert build(built, ["es", "en"], "112", speak=voice).outdated == ["es/welcome"]
    (built / "es" / "welcome.sln").write_bytes(RECORDING[:4000])
    assert build(built, ["es", "en"], "112", speak=voice).outdated == []


def test_taking_a_recording_away_brings_the_synthetic_voice_back(built, voice):
    (built / "es" / "welcome.sln").write_bytes(RECORDING)
    build(built, ["es", "en"], "911", speak=voice)
    (built / "es" / "welcome.sln").unlink()
    assert build(built, ["es", "en"], "911", speak=voice).built == ["es/welcome"]
    assert manifests.load(built / "es")["welcome"].origin is Origin.SYNTHETIC


def test_a_language_without_a_voice_waits_for_recordings(tmp_path, voice):
    text = (catalogues() / "es.po").read_text("utf-8").replace('msgstr "es-419"', 'msgstr ""')
    (tmp_path / "nah.po").write_text(text, "utf-8")
    report = build(tmp_path, ["es", "nah"], "911", speak=voice)
    assert set(report.unspoken) == {"es/language-nah", *(f"nah/{name}" for name in names.SAID)}
    assert {"nah/tone", "nah/pause"} <= set(report.built)


def test_a_voice_that_fails_leaves_everything_as_it_was(built, voice):
    before = stamps(built)

    def mute(text, voice, speed):
        raise PromptError("no voice", "find one")

    with pytest.raises(PromptError, match="no voice"):
        build(built, ["es", "en"], "112", speak=mute)
    assert stamps(built) == before


@pytest.mark.parametrize("cut_after", range(5))
def test_a_build_that_was_cut_off_leaves_nothing_that_counts_as_recorded(
    built, voice, monkeypatch, cut_after
):
    writes, really = [], Path.replace

    def replace(source, target):
        writes.append(target)
        if len(writes) > cut_after:
            raise KeyboardInterrupt
        return really(source, target)

    with monkeypatch.context() as cut:
        cut.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            build(built, ["es", "en"], "112", speak=voice)
    assert build(built, ["es", "en"], "112", speak=voice).recorded == []
    assert build(built, ["es", "en"], "112", speak=voice).built == []


def test_progress_is_told_after_each_prompt(tmp_path, voice):
    told = []
    report = build(tmp_path, ["es"], "911", lambda made, total: told.append((made, total)), voice)
    count = len(report.built)
    assert told == [(made, count) for made in range(1, count + 1)]


def test_a_language_without_a_catalogue_is_refused_before_anything_is_made(tmp_path, voice):
    with pytest.raises(ConfigError, match="nah"):
        build(tmp_path, ["es", "nah"], "911", speak=voice)
    assert list(tmp_path.iterdir()) == []
