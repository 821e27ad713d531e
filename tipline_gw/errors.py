"""Every error this program raises on purpose: what happened, and what to do about it.

An error never carries a payload: no PDU, no line from a modem, no address, no text of a tip,
no parameters of a statement. A driver's own error is translated with ``from None``, so that
its arguments do not travel along in a traceback.
"""


class TiplineError(Exception):
    """The one base. ``what`` says what happened, ``todo`` what the reader can do."""

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}: {self.todo}" if self.todo else self.what


class ConfigError(TiplineError):
    """The configuration, or a file it names, cannot be used."""


class PduError(TiplineError):
    """A TPDU or a user data header that does not follow 3GPP TS 23.040."""


class BoundaryError(TiplineError):
    """The hardware boundary refused something, or a token it was given is not known (any more)."""


class SealError(TiplineError):
    """A recipient or an identity cannot be used for sealing."""


class OpenError(TiplineError):
    """A sealed file does not open. ``truncated`` says its chunks up to the end were whole."""

    def __init__(self, what: str, todo: str = "", *, truncated: bool = False) -> None:
        super().__init__(what, todo)
        self.truncated = truncated


class StoreError(TiplineError):
    """The store could not do what it was asked; nothing of it was done."""


class AnswerError(TiplineError):
    """A reviewers' answer to a case cannot be taken in, or cannot be played."""


class NotYetError(TiplineError):
    """What was asked for is being made: ask again in a moment."""


class ModemError(TiplineError):
    """A modem did not answer, answered with an error, or is gone."""


class ModemSilentError(ModemError):
    """A modem let a command's time pass: what it says next may answer that one. Begin anew."""


class LinkError(TiplineError):
    """The process at the other end of the link is gone, or does not keep to the protocol."""


class VoiceError(TiplineError):
    """Asterisk, or whoever spoke on its sockets, did not follow the protocol."""


class CallerHungUp(VoiceError):  # noqa: N818 - the normal end, not an error
    """The caller is gone. The normal end of most calls, not a failure."""

    def __init__(self) -> None:
        super().__init__("the caller hung up")


class PromptError(TiplineError):
    """A prompt is missing or could not be synthesised."""
