"""The measurement: prints what docs/disguise.md says."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tests.bench.disguise import attack, corpus, words
from tests.bench.disguise.attack import Change, Voices, every_shift_back, linking, shifted
from tests.bench.disguise.corpus import Samples
from tests.bench.disguise.stoi import stoi
from tipline_gw.voice.disguise import Disguise

KNOWN, PIECES = 2, 4
DRAWS = 2
"""How often the informed attacker disguises each recording of a known speaker."""
FACTOR = 1.2
"""Of the plain pitch shift it is compared with."""


def disguised(samples: Samples, seed: bytes) -> Samples:
    disguise = Disguise(seed)
    return np.frombuffer(disguise.feed(samples.tobytes()) + disguise.flush(), "<i2")


def unchanged(samples: Samples, _seed: bytes) -> Samples:
    return samples


def _shift(samples: Samples, _seed: bytes) -> Samples:
    return shifted(samples, FACTOR)


def measured() -> None:
    """Cost, intelligibility, and what each attacker has of it."""
    _cost()
    strangers = [corpus.said_by(voice, PIECES) for voice in corpus.BACKGROUND]
    speakers = [corpus.said_by(voice, PIECES) for voice in corpus.SPEAKERS]
    _intelligibility(speakers)
    _attacks("espeak-ng", strangers, speakers)
    people = list(corpus.people(PIECES).values())
    if people:
        _attacks("people", strangers, people)


def _cost() -> None:
    speech = np.tile(corpus.spoken(corpus.SENTENCES[0], corpus.SPEAKERS[0]), 10)
    pcm = memoryview(speech.tobytes())
    cost = min(_seconds(pcm) for _ in range(5)) / (len(speech) / corpus.RATE)
    print(f"disguise            {cost * 1000:6.2f} ms of CPU a second of speech")


def _seconds(pcm: memoryview) -> float:
    started = time.process_time()
    disguise = Disguise()
    for at in range(0, len(pcm), 3200):
        disguise.feed(pcm[at : at + 3200])
    disguise.flush()
    return time.process_time() - started


def _intelligibility(speakers: Voices) -> None:
    alike = [stoi(each[0], disguised(each[0], bytes([who]))) for who, each in enumerate(speakers)]
    print(f"STOI                {np.mean(alike):6.2f}   worst voice {min(alike):.2f}")
    voices = corpus.SPEAKERS[:6]
    for name, change in (("not disguised", unchanged), ("disguised", disguised)):
        share = np.mean([words.recognised(voice, change) for voice in voices])
        print(f"words, {name:<13s}{share:6.1%}   of {len(words.WORDS)} Spanish ones, by shape")
    changes: dict[str, Change] = {"not disguised": unchanged, "disguised": disguised}
    for name, (count, share) in words.spoken_english(changes).items():
        print(f"words, {name:<13s}{share:6.1%}   of {count} English ones of a person, PocketSphinx")


def _attacks(whose: str, strangers: Voices, speakers: Voices) -> None:
    known = [each[:KNOWN] for each in speakers]
    calls = [each[KNOWN:] for each in speakers]
    for name, method in attack.methods().items():
        for attacker, outcome in _outcomes(method, strangers, known, calls).items():
            print(f"{whose:<10s} {name:<9s}{attacker:<44s} EER {outcome.eer:5.1%}   "
                  f"linked {outcome.linked:5.1%}", flush=True)  # fmt: skip


def _outcomes(
    method: Any, strangers: Voices, known: Voices, calls: Voices
) -> dict[str, attack.Outcome]:
    moved = attack.changed(calls, _shift)
    hidden = attack.changed(calls, lambda samples, seed: disguised(samples, b"call" + seed))
    own = attack.changed(known, disguised, DRAWS)
    learnt = attack.changed([each[:KNOWN] for each in strangers], disguised)
    return {
        "not disguised": linking(method, strangers, known, calls),
        "pitch shift": linking(method, strangers, known, moved),
        "pitch shift, searched back": linking(method, strangers, known, moved, every_shift_back),
        "disguised": linking(method, strangers, known, hidden),
        "disguised, searched back": linking(method, strangers, known, hidden, every_shift_back),
        "disguised, attacker disguises known voices": linking(method, learnt, own, hidden),
    }
