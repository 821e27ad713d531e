"""Commands that would read or show a number: what the boundary never sends to a modem.

Why it exists apart from the writer that refuses them: whoever types one is told so, and why. It
refuses by what a command does, whatever maker's prefix it has and wherever in a line it stands.
"""

from __future__ import annotations

import re
from typing import Final

_IGNORED: Final = re.compile(rb"[^\x08!-~]")
"""What a modem skips in a command line (ITU-T V.250 §5.2.1, §5.2.2)."""

# After any maker's prefix, which tells nothing: +CPBR is ^CPBR elsewhere. Test forms are fine.
_NAMES: Final = (
    # Own numbers and those of calls, diversions and voicemail; ^DSCI and *ECAM show calls.
    rb"[A-Z]?CNUM|[A-Z]{0,2}LCC|CCFCU?|CSVM|SCNI|MBN|DSCI|ECAM",
    # Phone books and lists of calls, as ^SPBG, +CPBW, #PBR; not +CPBS and ^SPBD, which name them.
    rb"[A-Z]{0,2}PB[A-CE-RT-Z][A-Z]*|SPBS",
    # The SIM itself, its files and its toolkit's texts; frames instead of lines.
    rb"CRSM|CRLA|CSIM|CGLA|S?STGI|QSTKGI|CMUX",
    # Messages written or sent from the modem's storage.
    rb"CMGW|CMSS|CMGC",
    # Messages read past +CMGR and +CMGL, which alone are rewritten: ^SMGR, +QCMGR, +MMGL, +CMGRO.
    rb"(?<=[^+])CMG[RL]|(?!CMG[RL](?![A-Z]))[A-Z]{0,3}MG[RL][A-Z]*",
)
_FORMS: Final = (
    # Text mode, where a message's number stands in clear, and all of its header.
    rb"\+(?:CMGF|CSDH)=0*[1-9]",
    # Numbers shown with calls and services (27.007 §7.8 to §7.17, §7.30).
    rb"\+(?:COLP|CDIP|CNAP|CCWA)=0*[1-9]|\+CSSN=\d*,0*[1-9]",
    # Status reports sent on directly.
    rb"\+CNMI=(?:\d*,){3}0*1(?!\d)",
    # A message or a PIN that does not begin its line, and so was not seen.
    rb"\+(?:CMGS|CPIN)=(?!\?)",
    # The last command again, as V.250 §5.2.4 has it: it may have been the PIN.
    rb"^A/",
    # Characters that end and edit lines: with others the boundary would read other commands.
    rb"(?:^AT|;)[^-+^%$*#!;]*S0*[345]=|\x08",
)
_REVEALING: Final = re.compile(
    rb"[-+^%%$*#!_](?:%s)(?![A-Z])(?!=\?)|%s" % (b"|".join(_NAMES), b"|".join(_FORMS)),
    re.IGNORECASE,
)


def revealing(line: bytes) -> bytes | None:
    """The command in ``line`` that would show a number, or may have been one that did; None: there
    is none."""
    match = _REVEALING.search(_IGNORED.sub(b"", line))
    return match[0] if match else None
