"""How easy a text is to understand, by the two measures that are used for it in each language."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SENTENCE = re.compile(r"[^.!?:;]*\w[^.!?:;]*")
_STRONG, _WEAK, _HIATUS = "aeoáéó", "iuü", "íú"


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def sentences(text: str) -> list[str]:
    """A caller hears a pause at a colon or a semicolon, too."""
    return _SENTENCE.findall(text)


def inflesz(text: str) -> float:
    """Szigriszt-Pazos on the INFLESZ scale (Barrio-Cantalejo 2008): from 65 up "quite easy", as a
    primary school's books."""
    said = words(text)
    syllables = sum(spanish_syllables(word) for word in said)
    return 206.835 - 62.3 * syllables / len(said) - len(said) / len(sentences(text))


def flesch_kincaid(text: str) -> float:
    """The school grade (Kincaid 1975) that reads it."""
    said = words(text)
    syllables = sum(english_syllables(word) for word in said)
    return 0.39 * len(said) / len(sentences(text)) + 11.8 * syllables / len(said) - 15.59


def spanish_syllables(word: str) -> int:
    """Groups of vowels, cut between two strong ones and at an accented weak one."""
    word = re.sub(r"(?<=q)u|(?<=g)u(?=[eiéí])", "", word.lower())
    word = re.sub(r"y$|y(?=[^aeiouáéíóú])", "i", word)
    count, before = 0, ""
    for letter in word:
        vowel = letter in _STRONG + _WEAK + _HIATUS
        joined = before and (letter in _WEAK or before in _WEAK) and before not in _HIATUS
        joined = joined and letter not in _HIATUS
        count += vowel and not joined
        before = letter if vowel else ""
    return max(1, count)


def english_syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    word = word.lower()
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = re.search(r"[^aeiouyl]e(d|s)?$", word) and not re.search(r"[td]ed$|[cgsxz]es$", word)
    return max(1, groups - bool(silent))
