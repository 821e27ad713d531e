"""The names of everything the line can say or write, in one place.

The dialog, the catalogues and the sound files know one another by these names alone. There is no
wording here (that is a catalogue's) and no path (that is the builder's).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tipline_gw.domain.tip import State

LANGUAGE_CHOICE: Final = "language-choice"
WELCOME: Final = "welcome"
MENU_MAIN: Final = "menu-main"
MENU_MAIN_HELP: Final = "menu-main-help"
MENU_MAIN_LANGUAGE: Final = "menu-main-language"
VOICE_OFFER: Final = "voice-offer"
VOICE_OWN: Final = "voice-own"
ADVICE: Final = "advice"
CHALLENGE: Final = "challenge"
CHALLENGE_FAILED: Final = "challenge-failed"

LEAVE_TIP: Final = "leave-tip"
NOTHING_HEARD: Final = "nothing-heard"
NOTHING_RECORDED: Final = "nothing-recorded"
MENU_NOTHING: Final = "menu-nothing"
NOTHING_NEW: Final = "nothing-new"
LIMIT_REACHED: Final = "limit-reached"
PART_LOST: Final = "part-lost"
VOICE_WILL_CHANGE: Final = "voice-will-change"
VOICE_CHANGED: Final = "voice-changed"
MENU_REVIEW: Final = "menu-review"
CANNOT_TAKE_NOW: Final = "cannot-take-now"
SEND_A_TEXT: Final = "send-a-text"

YOUR_CODE: Final = "your-code"
CODE_REPEAT: Final = "code-repeat"
CODE_AGAIN: Final = "code-again"
CODE_CARE: Final = "code-care"
ADDITION_KEPT: Final = "addition-kept"
GOODBYE: Final = "goodbye"

ENTER_CODE: Final = "enter-code"
CODE_MISTYPED: Final = "code-mistyped"
CODE_UNKNOWN: Final = "code-unknown"
TOO_MANY_TRIES: Final = "too-many-tries"
CANNOT_TELL_NOW: Final = "cannot-tell-now"
ANSWER_FOLLOWS: Final = "answer-follows"
ANSWER_NOT_NOW: Final = "answer-not-now"
MENU_CASE: Final = "menu-case"
MENU_CASE_ADD: Final = "menu-case-add"
MENU_CASE_BACK: Final = "menu-case-back"

TONE: Final = "tone"
PAUSE: Final = "pause"

SAID: Final = (
    WELCOME, MENU_MAIN, MENU_MAIN_HELP, MENU_MAIN_LANGUAGE, VOICE_OFFER, VOICE_OWN, ADVICE,
    CHALLENGE, CHALLENGE_FAILED,
    LEAVE_TIP, NOTHING_HEARD, NOTHING_RECORDED, MENU_NOTHING, NOTHING_NEW, LIMIT_REACHED,
    PART_LOST, VOICE_WILL_CHANGE, VOICE_CHANGED, MENU_REVIEW, CANNOT_TAKE_NOW,
    SEND_A_TEXT, YOUR_CODE, CODE_REPEAT, CODE_AGAIN, CODE_CARE, ADDITION_KEPT, GOODBYE,
    ENTER_CODE, CODE_MISTYPED, CODE_UNKNOWN, TOO_MANY_TRIES, CANNOT_TELL_NOW,
    ANSWER_FOLLOWS, ANSWER_NOT_NOW, MENU_CASE, MENU_CASE_ADD, MENU_CASE_BACK,
    *(f"state-{state.slug}" for state in State),
    *(f"digit-{digit}" for digit in range(10)),
)  # fmt: skip
"""Spoken in one language, from that language's catalogue."""

GENERATED: Final = (TONE, PAUSE)
"""Not speech: made by arithmetic, the same in every language."""

KEYWORD_STATUS: Final = "status"
KEYWORD_HELP: Final = "help"
KEYWORD_STOP: Final = "stop"
KEYWORD_CODE: Final = "code"
KEYWORD_FILLER: Final = "filler"
KEYWORDS: Final = (KEYWORD_STATUS, KEYWORD_HELP, KEYWORD_STOP, KEYWORD_CODE, KEYWORD_FILLER)
"""What a sender may write to ask for something: words separated by commas, the first of them the
one that the answers name. ``code``: what may stand before a code. ``filler``: small words that
mean nothing beside a keyword or a code."""

RECEIVED_CODE: Final = "received-code"
RECEIVED_CODE_NOT_OPEN: Final = "received-code-not-open"
RECEIVED: Final = "received"
ADDED: Final = "added"
HELP: Final = "help"
STOPPED: Final = "stopped"
TOO_MANY: Final = "too-many"
STATUS_UNKNOWN: Final = "status-unknown"
STATUS_NO_CODE: Final = "status-no-code"
UNAVAILABLE: Final = "unavailable"
WRITTEN: Final = (
    RECEIVED_CODE, RECEIVED_CODE_NOT_OPEN, RECEIVED, ADDED, HELP, STOPPED, TOO_MANY,
    STATUS_UNKNOWN, STATUS_NO_CODE, UNAVAILABLE,
    *(f"status-{state.slug}" for state in State),
)  # fmt: skip
"""Texts of SMS replies."""


def state(state: State) -> str:
    return f"state-{state.slug}"


def status(state: State) -> str:
    return f"status-{state.slug}"


def digit(digit: str) -> str:
    return f"digit-{digit}"


def language(language: str) -> str:
    """The line of the language menu that offers ``language``, in that language's own voice."""
    return f"language-{language}"


def is_greeting(name: str) -> bool:
    """The welcome, or what an operator has said in its place, if it is named after it."""
    return name == WELCOME or name.startswith(f"{WELCOME}-")


def language_menu(languages: Sequence[str]) -> tuple[str, ...]:
    """The whole language menu; empty where there is nothing to choose."""
    return tuple(language(code) for code in languages) if len(languages) > 1 else ()


def before_tone(languages: Sequence[str]) -> tuple[str, ...]:
    """All that is said to a caller who leaves a tip and interrupts nothing."""
    return (*language_menu(languages), WELCOME, MENU_MAIN, LEAVE_TIP)


def of_folder(languages: Sequence[str], language: str) -> tuple[str, ...]:
    """Every sound that must lie in the folder of ``language``.

    The language menu is in the folder of the first language alone: the dialog speaks that one
    until the caller chose.
    """
    menu = language_menu(languages) if language == languages[0] else ()
    return (*menu, *SAID, *GENERATED)
