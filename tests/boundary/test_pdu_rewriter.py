"""Rewriting PDU lines: the message stays, the address goes, whatever comes."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary.pdu import decode_hex
from tipline_gw.boundary.pdu_rewriter import PduRewriter, sender
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Part, Undecodable
from tipline_gw.errors import BoundaryError, PduError


def rewriter() -> PduRewriter:
    return PduRewriter(Vault(60), b"k" * 32)


def rewritten(own: PduRewriter, line: str, length: int | None = None) -> str:
    length = pdus.tpdu_length(line) if length is None else length
    clean, size = own.received(bytearray(line.encode()), length)
    assert size == pdus.tpdu_length(clean.decode())
    pdus.assert_no_trace(clean)
    pdus.assert_no_trace(clean, pdus.SMSC)
    return clean.decode()


@pytest.mark.parametrize(
    "line",
    [pdus.deliver("Hola €"), pdus.deliver("Ayudá 🚨", encoding="ucs2"),
     pdus.deliver("Áé", single=2, header=pdus.element(0x24, b"\x02")),
     pdus.deliver("parte", header=pdus.concat(300, 2, 1, wide=True)),
     pdus.deliver(b"\x00\xff", encoding="8bit", dcs=0xF5), pdus.deliver("", smsc="00"),
     pdus.deliver("Buzon", dcs=0xD8), pdus.deliver(b"wap", encoding="8bit", header=pdus.element(
         0x05, b"\x0b\x84\x23\xf0"))],
)  # fmt: skip
def test_a_message_says_the_same_behind_the_boundary(line: str) -> None:
    own = rewriter()
    before, after = decode_hex(line), own.part(rewritten(own, line))
    assert isinstance(before, Part)
    assert isinstance(after, Part)
    for name in ("encoding", "text", "data", "concat", "sms_class", "received", "kind"):
        assert getattr(after, name) == getattr(before, name)
    assert after.sender is not None
    assert after.sender[0] == "T"


def test_the_token_is_the_vaults_and_its_hold_the_parts_fingerprint() -> None:
    vault = Vault(60)
    own = PduRewriter(vault)
    part = own.part(rewritten(own, pdus.deliver()))
    assert part.sender is not None
    assert vault.count == 1
    vault.release(part.sender, [part.fingerprint])
    assert vault.count == 0


def test_one_sender_has_one_token_and_every_delivery_its_fingerprint() -> None:
    own = rewriter()
    first, again = (own.part(rewritten(own, pdus.deliver("uno"))) for _ in range(2))
    other = own.part(rewritten(own, pdus.deliver("dos")))
    assert first == again
    assert first.sender == other.sender
    assert len({first.fingerprint, other.fingerprint}) == 2
    assert len(first.fingerprint) == 16


def test_fingerprints_of_ports_with_the_same_key_agree() -> None:
    line = "00AB"
    assert rewriter().fingerprint(line) == rewriter().fingerprint("00ab\r")
    assert rewriter().fingerprint(line) != PduRewriter(Vault(60)).fingerprint(line)


@pytest.mark.parametrize("name", ["BANCO", "T1234567890", "TABCDEFGHIJ"])
def test_an_alphanumeric_sender_is_never_answerable(name: str) -> None:
    own = rewriter()
    part = own.part(rewritten(own, pdus.deliver(sender=pdus.alphanumeric(name))))
    assert part.sender is not None
    assert part.sender[0] == "A"
    assert part.sender != name


def test_modems_that_give_no_service_centre_field() -> None:
    own = rewriter()
    bare = pdus.deliver("Hola", smsc="")
    part = own.part(rewritten(own, bare, len(bare) // 2))
    assert isinstance(part, Part)
    assert part.text == "Hola"


def test_one_octet_of_padding_is_taken_off() -> None:
    own = rewriter()
    line = pdus.deliver("ochochar")
    assert rewritten(own, line + "00") == rewritten(own, line)


def test_a_message_that_ends_before_its_pdu_passes_nothing() -> None:
    own = rewriter()
    bare = pdus.deliver("Hola", smsc="")
    glued = bare + pdus.deliver("otra")
    assert unreadable(own, glued, len(glued) // 2).data == b""


def test_a_message_that_ends_behind_its_pdu_passes_what_is_beyond_reach() -> None:
    line = pdus.deliver("Hola a todos", length=100)
    part = unreadable(rewriter(), line, pdus.tpdu_length(line))
    assert part.data == bytes.fromhex(line)[26:]


def test_a_number_in_a_header_element_does_not_pass() -> None:
    own = rewriter()
    reply_to = pdus.element(0x22, bytes.fromhex(pdus.address(pdus.NUMBER)))
    header = pdus.concat(7, 2, 1) + reply_to
    part = own.part(rewritten(own, pdus.deliver("Hola", header=header)))
    assert isinstance(part, Part)
    assert part.text == "Hola"
    assert part.concat is not None
    broken = b"\x22\x50" + bytes.fromhex(pdus.address(pdus.NUMBER))
    assert isinstance(own.part(rewritten(own, pdus.deliver("Hola", header=broken))), Part)


def test_a_status_report_keeps_its_kind_and_loses_its_address() -> None:
    vault = Vault(60)
    own = PduRewriter(vault)
    report = own.part(rewritten(own, pdus.status_report() + "FF" * 3))
    assert isinstance(report, Undecodable)
    assert (report.error, report.sender) == ("status-report", None)
    assert vault.count == 0


def test_a_stored_reply_keeps_nothing_but_its_kind() -> None:
    own = rewriter()
    stored = own.part(rewritten(own, pdus.submit("1234 5678 9012")))
    assert isinstance(stored, Undecodable)
    assert stored.error == "not-received"
    assert len(stored.data) < 8


def unreadable(own: PduRewriter, line: str, length: int) -> Undecodable:
    part = own.part(rewritten(own, line, length))
    assert isinstance(part, Undecodable)
    assert (part.error, part.sender) == ("bad-address", None)
    return part


MMS_NOTICE = (
    b"\x01\x06\x22application/vnd.wap.mms-message\x00\xaf\x84"
    b"\x8c\x82\x98T7001\x00\x8d\x92\x89\x19\x80+" + pdus.NUMBER.encode() + b"/TYPE=PLMN\x00"
    b"\x8a\x80\x8e\x02\x75\x30\x88\x05\x81\x03\x03\xf4\x80\x83http://mms.example/7001\x00"
)
"""M-Notification.ind as an operator pushes it to whoever is sent an MMS (OMA MMS Encapsulation)."""
PUSH = pdus.element(0x05, b"\x0b\x84\x23\xf0")


@pytest.mark.parametrize("cut", [None, MMS_NOTICE.index(b"+") + 7])
@pytest.mark.parametrize("port", [b"\x0b\x84", b"\x0b\x85"])
def test_the_notice_of_an_mms_says_nothing_of_who_sent_it(cut: int | None, port: bytes) -> None:
    own = rewriter()
    bodies = [MMS_NOTICE] if cut is None else [MMS_NOTICE[:cut], MMS_NOTICE[cut:]]
    for seq, body in enumerate(bodies, 1):
        header = pdus.element(0x05, port + b"\x23\xf0")
        header += b"" if cut is None else pdus.concat(9, 2, seq)
        line = pdus.deliver(body, encoding="8bit", header=header, sender=pdus.address("7373", "81"))
        for part in (own.part(rewritten(own, line)), decode_hex(line)):
            assert isinstance(part, Part)
            assert (part.kind, part.data) == ("port", bytes(len(body)))
            assert (part.text, part.concat is None) == ("\0" * len(body), cut is None)


@pytest.mark.parametrize("first", [0x04, 0x24])
def test_the_notice_of_an_mms_that_is_cut_short_says_nothing_of_who_sent_it(first: int) -> None:
    line = pdus.deliver(MMS_NOTICE, encoding="8bit", header=PUSH, length=140, first=first)
    part = unreadable(rewriter(), line, pdus.tpdu_length(line))
    assert set(part.data[-len(MMS_NOTICE) :]) == {0}
    raw = decode_hex(line)
    assert isinstance(raw, Undecodable)
    assert set(raw.data[-len(MMS_NOTICE) :]) == {0}


def test_what_other_programs_are_sent_is_kept() -> None:
    card = b"BEGIN:VCARD"
    header = pdus.element(0x05, b"\x23\xf4\x00\x00")
    own = rewriter()
    part = own.part(rewritten(own, pdus.deliver(card, encoding="8bit", header=header)))
    assert isinstance(part, Part)
    assert (part.kind, part.data) == ("port", card)


def test_a_number_in_a_header_element_of_what_is_cut_short_does_not_pass() -> None:
    reply_to = pdus.element(0x22, bytes.fromhex(pdus.address(pdus.NUMBER)))
    header = pdus.concat(7, 2, 1) + reply_to
    line = pdus.deliver("Hola a todos", header=header, length=100)
    part = unreadable(rewriter(), line, pdus.tpdu_length(line))
    pdus.assert_no_trace(part.data)
    assert part.data.endswith(bytes.fromhex(pdus.deliver("Hola a todos", header=header))[-8:])


@pytest.mark.parametrize("change", ["00", "02", "05", "0B", "FF"])
def test_a_service_centre_length_that_disagrees_with_the_header(change: str) -> None:
    line = pdus.deliver("Hola a todos, esto es largo")
    part = unreadable(rewriter(), change + line[2:], pdus.tpdu_length(line))
    assert part.data == b""


def test_what_is_as_long_as_its_header_says_shows_what_no_address_reaches() -> None:
    line = pdus.deliver("Hola a todos, esto es largo", sender="FF" + pdus.address(pdus.NUMBER)[2:])
    part = unreadable(rewriter(), line, pdus.tpdu_length(line))
    assert part.data == bytes.fromhex(line)[26:] != b""


@settings(max_examples=1000, deadline=None, database=None)
@given(st.integers(1, 150), st.integers(0, 45), st.booleans())
def test_octets_lost_between_two_messages_show_no_number(kept: int, gone: int, smsc: bool) -> None:
    """The end of the first line is lost, and the header and the beginning of the second."""
    field = None if smsc else ""
    first = pdus.deliver("A" * 150, sender=pdus.address("491711111111"), smsc=field)
    second = pdus.deliver("Texto corto", smsc=field)
    length = pdus.tpdu_length(first) if smsc else len(first) // 2
    glued = first[: 2 * kept] + second[2 * gone :]
    assume(len(glued) // 2 not in (length, length + 1 + int(glued[:2], 16)))
    own = rewriter()
    clean, _ = own.received(bytearray(glued.encode()), length)
    pdus.assert_no_trace(clean)
    part = own.part(clean.decode())
    assert isinstance(part, Undecodable)
    pdus.assert_no_trace(part.data)


def test_two_pdus_run_together_pass_nothing() -> None:
    line = pdus.deliver("Hola")
    part = unreadable(rewriter(), line + pdus.deliver("otra"), pdus.tpdu_length(line))
    assert part.data == b""


def test_a_garbled_line_and_a_lost_line_pass_nothing() -> None:
    own = rewriter()
    line = pdus.deliver("Hola")
    assert unreadable(own, f"{line[:30]}?{line[31:]}", pdus.tpdu_length(line)).data == b""
    assert unreadable(own, line[:-1], pdus.tpdu_length(line)).data == b""
    lost = own.part(own.received(None, 30)[0].decode())
    assert isinstance(lost, Undecodable)
    assert lost.data == b""


def test_a_header_without_a_length_passes_nothing() -> None:
    clean, _ = rewriter().received(bytearray(pdus.deliver("Hola" * 30).encode()), None)
    assert decode_hex(clean) == decode_hex("0000FF")


def test_different_unreadable_messages_are_not_the_same_delivery() -> None:
    own = rewriter()
    came = (bytearray(b"ZZ"), bytearray(b"XX"), None, None)
    lines = [own.received(line, 30)[0].decode() for line in came]
    assert len({own.fingerprint(line) for line in lines}) == 4
    assert own.received(bytearray(b"ZZ"), 30)[0].decode() == lines[0]


def test_a_message_goes_out_to_the_address_its_token_stands_for() -> None:
    own = rewriter()
    token = own.part(rewritten(own, pdus.deliver())).sender
    assert token is not None
    outgoing, length = own.outgoing(to(token).encode())
    assert bytes(outgoing) == pdus.submit("hola", first=0x01).encode() + b"\x1a"
    assert length == pdus.tpdu_length(pdus.submit())


def to(name: str) -> str:
    return pdus.submit().replace(pdus.address(pdus.NUMBER), pdus.alphanumeric(name))


@pytest.mark.parametrize("name", ["TABCDEFGHIJ", "AABCDEFGHIJ", "BANCO"])
def test_nothing_goes_out_to_what_is_no_known_token(name: str) -> None:
    with pytest.raises(BoundaryError):
        rewriter().outgoing(to(name).encode())


def test_nothing_goes_out_to_a_number() -> None:
    with pytest.raises(BoundaryError) as caught:
        rewriter().outgoing(pdus.submit().encode())
    pdus.assert_no_trace(str(caught.value))


@pytest.mark.parametrize("line", [b"", b"hola", b"00", pdus.deliver().encode()])
def test_what_is_no_submit_does_not_go_out(line: bytes) -> None:
    with pytest.raises(PduError):
        rewriter().outgoing(line)


def test_a_senders_token_is_read_from_rewritten_lines_only() -> None:
    own = rewriter()
    line = rewritten(own, pdus.deliver())
    assert sender(line) == own.part(line).sender
    assert [sender(other) for other in (pdus.deliver(), "", "ZZ", "é", "0000FF")] == [None] * 5


@settings(max_examples=3000, deadline=None, database=None)
@given(st.binary(max_size=80), st.integers(0, 90) | st.none())
def test_any_line_becomes_a_valid_pdu(raw: bytes, length: int | None) -> None:
    own = rewriter()
    for line in (raw, raw.hex().encode()):
        clean, size = own.received(bytearray(line), length)
        assert size == pdus.tpdu_length(clean.decode())
        assert clean.startswith(b"00")
        own.part(clean.decode())


@settings(max_examples=2000, deadline=None, database=None)
@given(st.data())
def test_a_line_damaged_anywhere_never_shows_the_address(data: st.DataObject) -> None:
    """One octet changed, its header whole: wherever the damage is, the address is found or lost."""
    line = pdus.deliver("Hola, esto es un aviso", header=pdus.concat(1, 2, 1))
    at = data.draw(st.integers(0, len(line) // 2 - 1)) * 2
    octet = data.draw(st.integers(0, 255))
    damaged = f"{line[:at]}{octet:02X}{line[at + 2 :]}"
    clean, _ = rewriter().received(bytearray(damaged.encode()), pdus.tpdu_length(line))
    decoded = decode_hex(clean)
    pdus.assert_no_trace(repr(decoded) + decoded.data.hex())
    pdus.assert_no_trace(clean)
