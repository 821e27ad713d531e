"""The channel of one call: pyst2's ``AGI``, made safe. The only importer of that library.

What of it is used is ``execute`` and the making of a command line. What is not: its constructor
(it installs a SIGHUP handler, which fails off the main thread, and writes the caller's number to
stderr), its reader of the environment, its reader of results, its quoting (which quotes
nothing), and every method that answers with a variable.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

from asterisk.agi import AGI, AGIException

from tipline_gw.errors import CallerHungUp, VoiceError
from tipline_gw.voice.agi_reply import Reply, read_reply
from tipline_gw.voice.keypad import Keypad
from tipline_gw.voice.lines import Lines

KEYS = "0123456789*#"

_PROMPT_SECONDS = 120.0
_MARGIN = 10.0
"""Seconds that Asterisk may take beyond what a command itself takes."""


@dataclass(frozen=True, slots=True)
class Played:
    """``key`` interrupted the prompt after ``samples`` of it; empty: it was played to its end."""

    key: str
    samples: int


class _NoStderr:
    """Takes what pyst2 wants to tell: every command and every reply."""

    def write(self, text: str) -> None:
        del text


class _CommandOut:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def write(self, text: str) -> None:
        self._lines.write(text.encode("utf-8"))

    def flush(self) -> None:
        return


class Channel(AGI):  # type: ignore[misc]
    """Commands to Asterisk and their replies. CallerHungUp when the caller is gone, from any
    method; VoiceError when Asterisk does not answer in time or not as AGI says."""

    def __init__(self, lines: Lines) -> None:
        # Never AGI.__init__, see above. These are the attributes its other methods use.
        self.stdin = None
        self.stdout = _CommandOut(lines)
        self.stderr = _NoStderr()
        self.env: dict[str, str] = {}
        self._got_sighup = False
        self._lines = lines
        self.keypad = Keypad()
        """Of the whole call: a key that began in one command may be doubled in the next."""
        self.hung_up = False

    def answer(self) -> None:
        self._command(_MARGIN, "ANSWER")

    def hangup(self) -> None:
        """Hangs up. That a caller did so before is no error, nor what Asterisk says to it: the
        session ends with it anyway."""
        try:
            self._command(_MARGIN, "HANGUP")
        except VoiceError:
            return
        finally:
            self.hung_up = True

    def set_language(self, language: str) -> None:
        """The language of prompts from here on: a folder of Asterisk's ``sounds``."""
        arguments = self._quote("CHANNEL(language)"), self._quote(language)
        self._command(_MARGIN, "SET VARIABLE", *arguments)

    def stream_file(self, prompt: str, keys: str = "", offset: int = 0) -> Played:
        """Plays ``tipline/<name>`` from sample ``offset`` on, until one of ``keys``."""
        while True:
            played = self._stream(prompt, keys, offset)
            if not played.key or self.keypad.press(played.key, time.monotonic()):
                return played
            # Not a press: the caller must not notice it.
            offset = max(offset, played.samples)

    def wait_for_digit(self, seconds: float) -> str:
        """One key, or nothing when none came in ``seconds``."""
        until = time.monotonic() + seconds
        while seconds > 0:
            key = self._wait(seconds)
            if not key:
                return ""
            if key in KEYS and self.keypad.press(key, time.monotonic()):
                return key
            seconds = until - time.monotonic()
        return ""

    def _stream(self, prompt: str, keys: str, offset: int) -> Played:
        arguments = self._quote(prompt), self._quote(keys), offset
        reply = self._command(_PROMPT_SECONDS, "STREAM FILE", *arguments)
        if reply.result < 0:
            self._still_there()
            raise VoiceError("a prompt cannot be played", "write Asterisk's configuration again")
        return Played(_key(reply), reply.endpos)

    def _wait(self, seconds: float) -> str:
        reply = self._command(seconds + _MARGIN, "WAIT FOR DIGIT", max(1, round(seconds * 1000)))
        if reply.result < 0:
            self.hung_up = True
            raise CallerHungUp
        return _key(reply)

    def exec_audiosocket(self, uuid: str, service: str, seconds: float) -> None:
        """Hands the channel's audio to ``service`` (``host:port``); returns when it is back, at
        most ``seconds`` and a margin later."""
        options = self._quote(f"{uuid},{service}")
        if self._command(seconds + _MARGIN, "EXEC AudioSocket", options).result < 0:
            self._still_there()

    def get_result(self, stdin: object = None) -> Reply:
        """The reply to the command just sent (pyst2's ``execute`` calls this)."""
        del stdin
        return read_reply(self._lines.readline)

    def _command(self, seconds: float, name: str, *arguments: object) -> Reply:
        if self.hung_up:
            raise CallerHungUp
        self._lines.allow(seconds)
        try:
            reply = cast(Reply, self.execute(name, *arguments))
        except CallerHungUp:
            self.hung_up = True
            raise
        except (OSError, AGIException):
            # Asterisk closed the connection under the command.
            self.hung_up = True
            raise CallerHungUp from None
        if reply.hung_up:
            self.hung_up = True
            raise CallerHungUp
        return reply

    def _still_there(self) -> None:
        """CallerHungUp if it is so. A result of -1 means a hang-up or a failure, and the line
        ``HANGUP`` may come only after the next command; waiting for a key tells them apart."""
        self._wait(0.001)

    def _quote(self, string: object) -> str:
        """A quoted AGI argument. VoiceError for what would end the line or the string."""
        text = str(string)
        if any(mark in text for mark in "\r\n\0"):
            raise VoiceError("an argument of a command to Asterisk holds a line end")
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(reply: Reply) -> str:
    """The key of a reply: its ASCII code, 0 for none. May be A to D, which exist in the standard
    and on no telephone: a line invents them."""
    return chr(reply.result) if 0 < reply.result < 128 else ""
