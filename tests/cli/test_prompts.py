import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.prompts.voices import hum
from tests.prompts.wavs import save, voice
from tipline_gw.cli.prompts import app
from tipline_gw.errors import PromptError
from tipline_gw.prompts import build as building
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names


@dataclass
class Given:
    """Stands where ``ctx.obj`` does."""

    prompts: Path
    languages: tuple[str, ...] = ("es", "en")

    def settings(self):
        line = SimpleNamespace(languages=list(self.languages), emergency_number="911")
        return SimpleNamespace(line=line, voice=SimpleNamespace(prompts=self.prompts))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What a build makes, once for all."""
    folder = tmp_path_factory.mktemp("made")
    building.build(folder, ["es", "en", "tar"], "911")
    return folder


@pytest.fixture
def run(tmp_path):
    def invoke(*arguments, languages=("es", "en")):
        return CliRunner().invoke(app, arguments, obj=Given(tmp_path, languages))

    return invoke


@pytest.fixture
def built(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def test_build_makes_every_prompt_and_says_how_many(run, tmp_path):
    first, second = run("build"), run("build")
    assert first.exit_code == second.exit_code == 0
    count = len(list(tmp_path.rglob("*.sln")))
    assert first.stdout == f"{count} made, 0 unchanged, 0 recorded\n"
    assert second.stdout == f"0 made, {count} unchanged, 0 recorded\n"


def test_build_as_json_names_what_was_made(run):
    report = json.loads(run("build", "--json").stdout)
    assert {"es/welcome", "en/welcome", "es/language-en"} <= set(report["built"])
    assert json.loads(run("build", "--json").stdout)["built"] == []


def test_build_tells_of_recordings_with_old_words(run, built, tmp_path):
    (tmp_path / "es" / "goodbye.sln").write_bytes(hum(1.0, rate=8000).samples)
    assert "1 recorded" in run("build").stdout
    entry = 'msgctxt "prompt"\nmsgid "goodbye"\nmsgstr "Hasta luego."\n'
    (tmp_path / "es.po").write_text(entry)
    assert "es/goodbye: recorded before its words were changed" in run("build").stdout


def test_build_shows_no_progress_where_nobody_looks(run, built):
    assert run("build").stderr == ""


def test_build_shows_progress_on_a_terminal(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    from tipline_gw.cli import prompts

    monkeypatch.setenv("TERM", "xterm")  # a dumb one is shown none
    terminal = Terminal()
    monkeypatch.setattr(prompts.sys, "stderr", terminal)
    with prompts._progress(shown=True) as progress:
        assert progress is not None
        progress(1, 2)
    assert "prompts" in terminal.getvalue()
    with prompts._progress(shown=False) as progress:
        assert progress is None


def test_check_names_the_synthetic_prompts_and_exits_0(run, built):
    checked = run("check")
    assert checked.exit_code == 0
    assert f"en: {len(names.SAID)} synthetic: welcome, menu-main" in checked.stdout


def test_check_fails_where_a_prompt_cannot_be_played(run, built, tmp_path):
    (tmp_path / "es" / "welcome.sln").unlink()
    checked = run("check")
    assert checked.exit_code == 1
    assert "es/welcome: missing: run tipline-gw prompts build, or record it" in checked.stdout
    assert isinstance(checked.exception, PromptError)
    assert checked.exception.what == "prompts that cannot be played: 1"


def test_check_as_json_gives_each_finding(run, built, tmp_path):
    (tmp_path / "es" / "welcome.sln").unlink()
    findings = json.loads(run("check", "--json").stdout)
    assert {
        "problem": "missing",
        "language": "es",
        "name": "welcome",
        "seconds": None,
        "stands_in": None,
        "loudness": None,
        "kind": "prompt",
        "fatal": True,
        "todo": "run tipline-gw prompts build, or record it",
    } in findings


def test_check_is_content_with_recordings(run, tmp_path):
    for language in ("es", "en"):
        for name in names.of_folder(["es", "en"], language):
            sound = hum(0.5, rate=8000).samples
            manifests.write(tmp_path / language / f"{name}.sln", sound)
    checked = run("check")
    assert (checked.exit_code, checked.stdout) == (0, "every prompt is there and recorded\n")


def test_check_tells_when_it_takes_too_long_until_the_tone(run, built, tmp_path):
    (tmp_path / "en" / "welcome.sln").write_bytes(hum(9.0, rate=8000).samples)
    checked = run("check")
    assert checked.exit_code == 0
    assert "en/before-tone: too-long (" in checked.stdout


def test_build_says_what_it_took_in_and_what_it_could_not_use(run, built, tmp_path):
    save(tmp_path / "es/welcome.wav", voice())
    save(tmp_path / "es/welcom.wav", voice())
    (tmp_path / "en/goodbye.wav").write_bytes(b"ID3")
    done = run("build")
    assert done.exit_code == 1
    assert "2 made (2 from recordings)" in done.stdout
    assert f"{tmp_path}/en/goodbye.wav: not a WAV file: save it as WAV, 16 bit PCM" in done.stdout
    assert f"{tmp_path}/es/welcom.wav: no prompt here has that name" in done.stdout
    assert isinstance(done.exception, PromptError)
    assert done.exception.what == "recordings that cannot be used: 1"


def test_build_and_check_say_which_language_stands_in(run, built):
    languages = ("es", "tar")
    assert (
        f"tar: {len(names.SAID)} not recorded yet: es stands in"
        in run("build", languages=languages).stdout
    )
    checked = run("check", languages=languages)
    assert checked.exit_code == 0
    assert f"tar: {len(names.SAID)} not recorded, es stands in: welcome, menu" in checked.stdout
    assert f"tar: {len(names.WRITTEN)} texts not translated, es stands in: rec" in checked.stdout
    assert f"tar: {len(names.KEYWORDS)} keywords not translated, es stands in: " in checked.stdout


def test_list_gives_words_and_file_names_for_a_recording_session(run, built, tmp_path):
    listed = run("list", "--language", "tar").stdout
    assert f"{tmp_path}/tar/goodbye.wav (es stands in)\n    es: Gracias por llamar. Adi" in listed
    everything = json.loads(run("list", "--json").stdout)
    assert {line["language"] for line in everything} == {"es", "en"}
    assert len(everything) == 2 * len(names.SAID) + 2


def test_po_prints_a_catalogue_for_translators(run):
    printed = run("po", "tar").stdout
    assert 'msgid "goodbye"\nmsgstr ""' in printed
    assert printed.startswith("# What the line says and writes in the language tar.")
