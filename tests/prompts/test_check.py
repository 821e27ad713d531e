from pathlib import Path

import numpy as np
import pytest

from tests.prompts.voices import hum
from tipline_gw.prompts import names
from tipline_gw.prompts.check import BEFORE_TONE, Finding, Problem, before_tone_seconds, check

RECORDING = hum(1.0, rate=8000).samples


def problems(directory: Path, *, but: Problem = Problem.SYNTHETIC) -> list[Finding]:
    return [found for found in check(directory, ["es", "en"], "911") if found.problem is not but]


def test_after_a_build_every_prompt_is_there_and_synthetic(built):
    found = check(built, ["es", "en"], "911")
    assert {each.problem for each in found} == {Problem.SYNTHETIC}
    assert len(found) == 2 * len(names.SAID) + 2
    assert not any(each.fatal for each in found)


def test_an_empty_folder_lacks_everything(tmp_path):
    found = check(tmp_path, ["es"], "911")
    assert [each.name for each in found] == list(names.of_folder(["es"], "es"))
    assert all(each.problem is Problem.MISSING and each.fatal for each in found)


def test_a_missing_prompt_is_named(built):
    (built / "en" / "state-received.sln").unlink()
    assert problems(built) == [Finding(Problem.MISSING, "en", "state-received")]


def test_a_recording_is_no_longer_synthetic_even_before_the_next_build(built):
    (built / "es" / "welcome.sln").write_bytes(RECORDING)
    synthetic = [(each.language, each.name) for each in check(built, ["es", "en"], "911")]
    assert ("es", "welcome") not in synthetic
    assert ("en", "welcome") in synthetic


def test_a_wav_under_a_wrong_name_is_told(built):
    (built / "es" / "welcome.sln").write_bytes(b"RIFF" + RECORDING)
    assert problems(built) == [Finding(Problem.UNREADABLE, "es", "welcome")]


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00"])
def test_a_file_that_is_no_sound_is_told(built, content):
    (built / "es" / "welcome.sln").write_bytes(content)
    assert problems(built) == [Finding(Problem.UNREADABLE, "es", "welcome")]


def test_a_clipped_recording_is_told(built):
    (built / "es" / "goodbye.sln").write_bytes(RECORDING + b"\xff\x7f" * 10)
    assert problems(built) == [Finding(Problem.CLIPPED, "es", "goodbye", 1.0)]


def test_a_prompt_that_never_ends_is_told(built):
    (built / "es" / "advice.sln").write_bytes(RECORDING * 41)
    assert problems(built) == [Finding(Problem.TOO_LONG, "es", "advice", 41.0)]


def test_more_than_eight_seconds_before_the_tone_are_told_for_that_language(built):
    (built / "en" / "welcome.sln").write_bytes(RECORDING * 8)
    [found] = problems(built)
    assert (found.problem, found.language, found.name) == (Problem.TOO_LONG, "en", BEFORE_TONE)
    assert found.seconds is not None
    assert found.seconds > 8
    assert not found.fatal


def test_a_slow_language_menu_is_counted_for_every_language(built):
    (built / "es" / "language-en.sln").write_bytes(RECORDING * 9)
    assert [each.language for each in problems(built)] == ["es", "en"]


def test_the_time_before_the_tone_is_the_sum_of_its_prompts(built):
    for name in ("language-es", "language-en", "welcome", "menu-main", "leave-tip"):
        (built / "es" / f"{name}.sln").write_bytes(RECORDING)
    assert before_tone_seconds(built, ["es", "en"], "es") == 5.0
    assert before_tone_seconds(built, ["es"], "es") == 3.0


@pytest.mark.parametrize(
    ("height", "problem"), [(0.02, Problem.TOO_QUIET), (0.95, Problem.TOO_LOUD)]
)
def test_a_sound_made_by_hand_much_softer_or_louder_than_the_rest_is_told(built, height, problem):
    (built / "es/goodbye.sln").write_bytes(hum(1.0, 8000, height, 1000.0).samples)
    [finding] = problems(built)
    assert (finding.problem, finding.name, finding.fatal) == (problem, "goodbye", False)
    assert finding.loudness == pytest.approx(20 * np.log10(height) - 3.01, abs=0.6)


def test_a_sound_of_nothing_but_silence_is_too_quiet_in_numbers_that_json_has(built):
    (built / "es/goodbye.sln").write_bytes(bytes(16000))
    [finding] = problems(built)
    assert (finding.problem, finding.loudness) == (Problem.TOO_QUIET, -99.9)


def test_words_that_were_changed_since_the_build_are_told(built):
    (built / "es.po").write_text('msgctxt "prompt"\nmsgid "goodbye"\nmsgstr "Hasta luego."\n')
    [finding] = problems(built)
    assert (finding.problem, finding.language, finding.name) == (
        Problem.NOT_BUILT,
        "es",
        "goodbye",
    )


def test_check_changes_nothing(built):
    before = {file: file.read_bytes() for file in built.rglob("*") if file.is_file()}
    check(built, ["es", "en", "tar"], "112")
    assert {file: file.read_bytes() for file in built.rglob("*") if file.is_file()} == before


def test_the_operators_guide_explains_every_finding():
    guide = (Path(__file__).parents[2] / "docs/prompts.md").read_text("utf-8")
    assert [each for each in Problem if f"`{each}`" not in guide] == []


def test_every_finding_says_what_to_do():
    for problem in Problem:
        assert Finding(problem, "es", "welcome").todo
