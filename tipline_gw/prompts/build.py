"""Makes the sound files of the prompts: from people's recordings, and else from the catalogues.

A line must speak before anybody had time to record it, and it must never speak old words after
they were changed, nor lose a recording to a synthetic voice. So this builds what is missing or
was changed, leaves alone what is current, never writes over a file that it did not make, and never
touches a recording itself. One recording that cannot be used stops no other prompt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tipline_gw.errors import PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names, sound
from tipline_gw.prompts.folder import AS_WAV, Folder, fingerprint
from tipline_gw.prompts.manifest import Entry, Origin
from tipline_gw.prompts.plan import VERSION, Piece, Plan, plan
from tipline_gw.prompts.speech import Speak, espeak

Progress = Callable[[int, int], None]
"""Called with (made, to make) after each prompt made."""

_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE: Final = 0.35
_LONGEST_PAUSE_HURRIED: Final = 0.1
"""No shorter: the closure of a plosive is a pause, too."""
_UNFINISHED: Final = "unfinished"
"""Stands for a source while a build replaces the sound."""


@dataclass(slots=True)
class Report:
    """What a build did; each prompt as ``<language>/<name>``.

    ``built``: all that was made; ``imported``: those of them from a WAV. ``outdated``: recorded,
    but the words were changed since. ``standing_in``: what another language says, and which.
    ``unspoken``: nobody does. ``failed``: what was wrong with a recording. ``strange``: WAV files
    that no prompt is named after; they are taken in if they could be a greeting.
    """

    built: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    standing_in: dict[str, str] = field(default_factory=dict)
    unspoken: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    unchanged: int = 0


class _Task(NamedTuple):
    """One file to be made. ``wav``: from that recording, with that fingerprint, of those words.
    ``silent``: without it old words would be heard, or none."""

    piece: Piece
    silent: bool = True
    wav: Path | None = None
    source: str = ""
    wording: str = ""


class _Made(NamedTuple):
    entry: Entry
    content: bytes


def build(
    directory: Path,
    languages: Sequence[str],
    emergency: str,
    progress: Progress | None = None,
    speak: Speak = espeak,
) -> Report:
    """Make ``<directory>/<language>/<name>.sln`` for all that is missing or was changed.

    ``directory`` may hold an operator's own ``<language>.po``, and ``<language>/<name>.wav``.
    ``emergency`` is the number said in the prompts. Raises ConfigError for a catalogue,
    PromptError where nothing can be read, spoken or written; what was there before an error is
    still there and whole.
    """
    planned = plan(directory, languages, emergency)
    report = Report()
    for (language, name), piece in planned.heard.items():
        if piece.language != language:
            report.standing_in[f"{language}/{name}"] = piece.language
    tasks = [task for piece in planned.pieces() for task in _tasks(piece, planned, report)]
    made = _make(tasks, speak, progress, report)
    for folder in planned.folders.values():
        _put(folder, {p.name: made[p] for p in made if p.language == folder.language})
        _take_away(folder, planned)
        report.failed += [f"{file}: not a WAV file: {AS_WAV}" for file in folder.unusable]
        report.strange += _strange(folder, planned)
    report.built += [piece.label for piece in made]
    return report


def source_of(wav: Path) -> str:
    """The fingerprint of a recording and of what is done to it."""
    return f"{VERSION}-{fingerprint(wav)}"


def _tasks(piece: Piece, planned: Plan, report: Report) -> list[_Task]:
    """Whether ``piece`` is to be made; notes in the report why not."""
    folder = planned.folders[piece.language]
    wav = _wav(folder, piece, report)
    there, entry = folder.state(piece.name)
    if wav is not None and there is not None and (entry is None or _by_hand(entry)):
        report.failed.append(
            f"{wav}: {piece.name}.sln beside it was not made by this program: take one away"
        )
    elif wav is not None:
        before = folder.known.get(piece.name)
        return _of_recording(piece, wav, entry, before, report)
    if there is None:
        folder.known.pop(piece.name, None)
        if piece.voice.name or piece.generated:
            return [_Task(piece)]
        report.unspoken.append(piece.label)
    elif entry is None or entry.origin is Origin.RECORDED:
        kept = entry or Entry(Origin.RECORDED, piece.wording, (there,))
        folder.known[piece.name] = kept
        _note_recording(piece, kept, report)
    elif entry.words != piece.sounding:
        return [_Task(piece)]
    else:
        report.unchanged += 1
    return []


def _wav(folder: Folder, piece: Piece, report: Report) -> Path | None:
    try:
        return folder.wav(piece.name)
    except PromptError as error:
        report.failed.append(str(error))
        return None


def _by_hand(entry: Entry) -> bool:
    return entry.origin is Origin.RECORDED and not entry.source


def _of_recording(
    piece: Piece, wav: Path, entry: Entry | None, before: Entry | None, report: Report
) -> list[_Task]:
    """``entry`` is of the sound that is there; ``before`` of the last one, if it is lost."""
    source, wording = source_of(wav), piece.wording
    if entry is not None and entry.source == source:
        _note_recording(piece, entry, report)
        return []
    if before is not None and _same_recording(before.source, source):
        wording = before.words
    stale = entry is None or (entry.origin is Origin.SYNTHETIC and entry.words != piece.sounding)
    return [_Task(piece, stale, wav, source, wording)]


def _same_recording(one: str, other: str) -> bool:
    """Only what is done to it is new."""
    return one.partition("-")[2] == other.partition("-")[2]


def _note_recording(piece: Piece, entry: Entry, report: Report) -> None:
    report.recorded.append(piece.label)
    if entry.words != piece.wording:
        report.outdated.append(piece.label)


def _make(
    tasks: list[_Task], speak: Speak, progress: Progress | None, report: Report
) -> dict[Piece, _Made]:
    """All of them, side by side. The first that cannot be spoken ends it, and nothing is written;
    a recording that cannot be used is told of."""
    made: dict[Piece, _Made] = {}
    # A recording may take hundreds of megabytes while it is worked on: no more than processors.
    with ThreadPoolExecutor(os.cpu_count(), "prompts") as pool:
        try:
            results = pool.map(partial(_attempt, speak), tasks)
            for done, (task, (result, error)) in enumerate(zip(tasks, results, strict=True), 1):
                if result:
                    made[task.piece] = result
                if error:
                    report.failed.append(str(error))
                elif task.wav:
                    report.imported.append(task.piece.label)
                if progress:
                    progress(done, len(tasks))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return made


def _attempt(speak: Speak, task: _Task) -> tuple[_Made | None, PromptError | None]:
    if task.wav is None:
        return _spoken(speak, task.piece), None
    try:
        return _imported(task, task.wav), None
    except PromptError as error:
        # Until it is mended, the synthetic voice says it.
        speaks = task.silent and task.piece.voice.name
        return (_spoken(speak, task.piece) if speaks else None), error


def _imported(task: _Task, wav: Path) -> _Made:
    from tipline_gw.prompts import shaping
    from tipline_gw.prompts import wav as wavs

    recording = wavs.load(wav)
    try:
        content = shaping.recorded(recording.signal, recording.rate)
    except PromptError as error:
        raise PromptError(f"{wav}: {error.what}", error.todo) from None
    digest = manifests.digest_of(content)
    return _Made(
        Entry(Origin.RECORDED, task.wording, (digest,), task.source, recording.clipped),
        content,
    )


def _spoken(speak: Speak, piece: Piece) -> _Made:
    content = _sound(speak, piece)
    digest = manifests.digest_of(content)
    return _Made(Entry(Origin.SYNTHETIC, piece.sounding, (digest,)), content)


def _sound(speak: Speak, piece: Piece) -> bytes:
    from tipline_gw.prompts import shaping

    if piece.name == names.TONE:
        return shaping.tone()
    if piece.name == names.PAUSE:
        return sound.silence(_PAUSE_SECONDS)
    pause = _LONGEST_PAUSE_HURRIED if piece.hurried else _LONGEST_PAUSE
    return shaping.synthetic(speak(piece.text, piece.voice.name, piece.speed), pause)


def _put(folder: Folder, made: Mapping[str, _Made]) -> None:
    """Write the sounds. The manifest claims them before and settles after, so that a build that
    is cut off leaves no file of ours that a later one would take for another's work."""
    for name, new in made.items():
        old = folder.known.get(name)
        sounds = (*(old.sounds if old else ()), *new.entry.sounds)
        source = _UNFINISHED if new.entry.source else ""
        words = old.words if old else ""
        folder.known[name] = Entry(new.entry.origin, words, sounds, source)
    if made:
        manifests.save(folder.path, folder.known)
    for name, new in made.items():
        manifests.write(folder.sound(name), new.content)
        folder.known[name] = new.entry
    if folder.known != manifests.load(folder.path):
        manifests.save(folder.path, folder.known)


def _take_away(folder: Folder, planned: Plan) -> None:
    """A sound of ours would hide the language that now stands in for it."""
    for (language, name), piece in planned.heard.items():
        if language != folder.language or piece.language == language:
            continue
        _, entry = folder.state(name)
        if entry is not None and entry.origin is Origin.SYNTHETIC:
            manifests.remove(folder.sound(name))
            del folder.known[name]
            manifests.save(folder.path, folder.known)


def _strange(folder: Folder, planned: Plan) -> list[str]:
    worded = [piece for piece in planned.pieces() if piece.text or piece.generated]
    known = {piece.name for piece in worded if piece.language == folder.language}
    # What stands in lies in a folder of which not everything is needed.
    known |= {*names.SAID, *names.GENERATED}
    found = folder.recordings()
    return [str(file) for name in found if name not in known for file in found[name]]
