"""Why a sealed file did not open, told apart: a reviewer does something different for each.

None of these carries anything of the file: no stanza, no key, no octet of the payload.
"""

from __future__ import annotations

from tipline_gw.errors import OpenError


class NotAnAgeFileError(OpenError):
    """The first line is not that of an age file: another kind of file, or an empty one."""


class HeaderFormError(OpenError):
    """An age file whose header, or the nonce after it, does not follow the C2SP age grammar.

    ``truncated`` is set where the file ended before its header did.
    """


class NoMatchError(OpenError):
    """The header is sound, but was sealed for others than the identities given."""


class HeaderMacError(OpenError):
    """A file key was unwrapped, but the header's HMAC is not the one made with it."""


class PayloadError(OpenError):
    """A chunk does not open, the final chunk is missing, or something follows it.

    Whatever was given out before this error is authentic and in its place. ``truncated`` is set
    where the file simply ends too early: the mark of a writer that was killed.
    """
