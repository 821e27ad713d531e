"""A number as it is written at home: without its country code, and in groups.

The last ten digits of a number, which ``demo.search`` looks for, hold a part of the country code
where the rest is shorter. A rest of eight or nine digits is short enough to stand in other things
by chance: it counts only where no digit adjoins it but a trunk prefix, and as semi-octets only in
an address, which says its length and kind (3GPP TS 23.040 §9.1.2.5), or where there are enough of
them. It refuses what is shorter, and ``not_searched`` says so: a search that cries wolf is not
believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from tipline_gw.demo.search import NATIONAL_DIGITS, forms

SHORTEST: Final = 8
"""Digits. Every machine is full of whole numbers of seven."""
BARE_OCTETS: Final = 5
"""Semi-octets with nothing around them: any four stand once in four gigabytes of noise."""
TRUNK: Final = ("0", "06", "8")
"""What is dialled before a national number, where anything is."""

_SEPARATORS: Final = b" .()/-\xc2\xa0"
_ESCAPED_SPACE: Final = b"%20"
_BETWEEN: Final = rb"(?:[ .()/-]|\xc2\xa0|%20){0,2}"


@dataclass(frozen=True, slots=True)
class Spelling:
    """``pattern`` is slow, and cannot match where ``core`` is not found. ``grouped``: the core is
    looked for after all separators were taken out."""

    form: str
    core: bytes
    pattern: re.Pattern[bytes]
    grouped: bool = False


def found(piece: bytes, numbers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Form and number, once for each place in ``piece``: what no form of ``demo.search`` finds,
    and those forms of it that are long enough."""
    numbers = list(numbers)
    joined = _joined(piece) if any(map(spellings, numbers)) else b""
    for number in numbers:
        for spelling in spellings(number):
            if spelling.core in (joined if spelling.grouped else piece):
                for _ in spelling.pattern.finditer(piece):
                    yield spelling.form, number


def long_forms(number: str) -> dict[str, bytes]:
    """The forms of ``demo.search`` but for semi-octets that chance writes as well. Only numbers of
    less than ten digits have such."""
    every = forms(number)
    if len(number.lstrip("+")) >= NATIONAL_DIGITS:
        return every
    return {form: octets for form, octets in every.items() if not _by_chance(form, octets)}


def _by_chance(form: str, octets: bytes) -> bool:
    least = BARE_OCTETS * 2 if "hex" in form else BARE_OCTETS
    return "semi-octets" in form and len(octets) < least


def not_searched(numbers: Iterable[str]) -> list[str]:
    """A line for each way of writing ``numbers`` that was not looked for; never their digits."""
    told = (line for number in numbers for line in _too_short(national(number)))
    return list(dict.fromkeys(told))


def _too_short(digits: str) -> Iterator[str]:
    said = f"a telephone of yours: its {len(digits)} digits without country code"
    if len(digits) < SHORTEST:
        yield f"{said} were not searched for: chance writes as few as that"
    elif len(digits) < NATIONAL_DIGITS:
        yield f"{said} were searched for where no further digit adjoins them, {_packed(digits)}"


def _packed(digits: str) -> str:
    if len(digits) < 2 * BARE_OCTETS - 1:
        return "and as semi-octets only in an address of a PDU: bare ones are too short"
    return "and as bare semi-octets only with the filler F"


def national(number: str) -> str:
    """The digits without the country code (ITU-T E.164), if one stands there: behind ``+`` or 00,
    or before so many digits that one must. The whole of them where none is known."""
    digits = number.lstrip("+")
    if digits.startswith("00"):
        digits = digits[2:]
    elif not number.startswith("+") and (digits.startswith("0") or len(digits) <= NATIONAL_DIGITS):
        return digits.lstrip("0")
    for length in (1, 2, 3):
        if int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE:
            return digits[length:]
    return digits


@cache
def spellings(number: str) -> tuple[Spelling, ...]:
    """Of the national digits; of all of them where both are few."""
    whole, digits = number.lstrip("+"), national(number)
    if len(digits) < SHORTEST and len(whole) < NATIONAL_DIGITS:
        digits = whole
    if len(digits) < SHORTEST:
        return ()
    grouped = _grouped(digits, whole.removesuffix(digits))
    if len(digits) >= NATIONAL_DIGITS:  # whole, it is what ``demo.search`` looks for
        return (grouped,)
    return (*_alone(digits), grouped, *_in_address(digits), *_bare(digits))


def _joined(piece: bytes) -> bytes:
    return piece.replace(_ESCAPED_SPACE, b" ").translate(None, _SEPARATORS)


Encode = Callable[[str], bytes]

_TEXTS: Final[dict[str, tuple[Encode, bytes]]] = {
    "plain": (str.encode, rb"[0-9]"),
    "utf-16le": (lambda text: text.encode("utf-16-le"), rb"[0-9]\x00"),
    "utf-16be": (lambda text: text.encode("utf-16-be"), rb"\x00[0-9]"),
    "utf-32le": (lambda text: text.encode("utf-32-le"), rb"[0-9]\x00\x00\x00"),
    "utf-16be in hex": (lambda text: text.encode("utf-16-be").hex().encode(), rb"003[0-9]"),
    "digits in hex": (lambda text: text.encode().hex().encode(), rb"3[0-9]"),
}
"""How text is written down, and what any digit is then."""


def _alone(digits: str) -> Iterator[Spelling]:
    """With no digit beside them."""
    for form, (encode, digit) in _TEXTS.items():
        before = b"|".join(re.escape(encode(prefix)) for prefix in TRUNK)
        core = encode(digits)
        pattern = rb"(?<!%b)(?:%b)?%b(?!%b)" % (digit, before, re.escape(core), digit)
        yield Spelling(f"{form}, national", core, re.compile(pattern, re.DOTALL))


def _grouped(digits: str, country: str) -> Spelling:
    """With a separator or two at some place at least, however the groups are cut."""
    core = digits.encode()
    apart = _BETWEEN.join(bytes([digit]) for digit in core)
    before = b"|".join(prefix.encode() for prefix in (*TRUNK, country, "00" + country))
    alone = rb"(?<![0-9])(?:(?:%b)%b)?(?!%b)%b(?![0-9])"
    pattern = re.compile(alone % (before, _BETWEEN, core, apart))
    return Spelling("in groups, national", core, pattern, grouped=True)


def _in_address(digits: str) -> Iterator[Spelling]:
    """Behind its length and kind, whatever fills the last octet. The length counts digits, or the
    octets that follow, as a service centre's and a SIM's do (3GPP TS 23.040 §9.1.2.5, TS 51.011
    §10.5.1)."""
    for prefix in ("", "0"):
        written = prefix + digits
        core, odd = _whole_octets(written), written[len(written) // 2 * 2 :]
        lengths = bytes((len(written), (len(written) + 1) // 2 + 1))
        last = b"[%b]" % b"".join(rb"\x%x%b" % (n, odd.encode()) for n in range(16)) if odd else b""
        pattern = rb"[%b][\x80-\xff]%b%b" % (re.escape(lengths), re.escape(core), last)
        form = "semi-octets in an address, national"
        yield Spelling(form, core, re.compile(pattern, re.DOTALL))
        counts = b"|".join(b"%02x" % length for length in lengths)
        last = b"[0-9a-f]" + odd.encode() if odd else b""
        text = rb"(?:%b)[89a-f][0-9a-f]%b%b" % (counts, core.hex().encode(), last)
        form = "semi-octets in an address in hex, national"
        yield Spelling(form, core.hex().encode(), re.compile(text, re.IGNORECASE))


def _bare(digits: str) -> Iterator[Spelling]:
    """With nothing around: as text between other things than hex, as octets where there are
    enough of them."""
    core, odd = _whole_octets(digits), digits[len(digits) // 2 * 2 :]
    last = b"F" + odd.encode() if odd else b""
    text = core.hex().encode()
    pattern = re.compile(rb"(?<![0-9a-f])%b%b(?![0-9a-f])" % (text, last), re.IGNORECASE)
    yield Spelling("semi-octets alone in hex, national", text, pattern)
    packed = core + bytes.fromhex(last.decode())
    if len(packed) >= BARE_OCTETS:
        form = "semi-octets alone, national"
        yield Spelling(form, packed, re.compile(re.escape(packed), re.DOTALL))


def _whole_octets(digits: str) -> bytes:
    """Nibbles swapped (3GPP TS 23.040 §9.1.2.3); an odd last digit is left out."""
    pairs = zip(digits[::2], digits[1::2], strict=False)
    return bytes(int(second + first, 16) for first, second in pairs)
