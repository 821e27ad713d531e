"""The one place that starts espeak-ng.

It refuses to go on without it (a silent file would be worse than none), to wait for it without
end, and to put a text on a command line.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from typing import Final, NamedTuple

from tipline_gw.errors import PromptError

SECONDS: Final = 30.0
"""Longest wait for one prompt. The longest takes a tenth of a second; a loaded machine more."""

_FORMAT, _DATA = b"fmt ", b"data"


class Pcm(NamedTuple):
    """Signed linear 16-bit little-endian mono ``samples`` at ``rate`` Hz."""

    rate: int
    samples: bytes


Speak = Callable[[str, str, int], Pcm]
"""(text, espeak-ng voice, words per minute) → sound."""


def espeak(text: str, voice: str, words_per_minute: int, seconds: float | None = None) -> Pcm:
    """Synthesise ``text``, waiting ``seconds`` at most. Raises PromptError: no espeak-ng, or it
    did not speak."""
    longest = SECONDS if seconds is None else seconds
    # -z leaves off the pause after the last sentence, -b 1 says that the text is UTF-8.
    command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-z", "-b", "1"]
    try:
        done = subprocess.run(
            [*command, "--stdin", "--stdout"],
            input=text.encode(),
            capture_output=True,
            timeout=longest,
            check=True,
        )
    except FileNotFoundError:
        raise PromptError(
            "espeak-ng, which speaks the prompts, is not installed", "apt-get install espeak-ng"
        ) from None
    except subprocess.TimeoutExpired:
        raise PromptError(f"espeak-ng did not end within {longest:.0f} s", "try again") from None
    except (subprocess.CalledProcessError, OSError):
        raise PromptError(
            f"espeak-ng failed with the voice {voice}", "see whether espeak-ng --voices lists it"
        ) from None
    return unwrapped(done.stdout)


def unwrapped(wav: bytes) -> Pcm:
    """The sound in a RIFF/WAVE that was written to a pipe, so that its lengths say nothing.

    Raises PromptError: not 16-bit mono PCM.
    """
    at_format, at_data = wav.find(_FORMAT), wav.find(_DATA)
    if not wav.startswith(b"RIFF") or at_format < 0 or len(wav) < at_format + 24 or at_data < 0:
        raise PromptError("espeak-ng gave no sound", "see whether its voice data is installed")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", wav, at_format + 8)
    if (kind, channels, bits) != (1, 1, 16) or not rate:
        raise PromptError("espeak-ng gave a sound that is not 16-bit mono", "use espeak-ng 1.50 up")
    samples = wav[at_data + 8 :]
    return Pcm(rate, samples[: len(samples) // 2 * 2])
