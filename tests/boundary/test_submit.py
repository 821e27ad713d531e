import pytest

from tests.boundary import pdus
from tipline_gw.boundary.submit import destination, readdress
from tipline_gw.domain.sms import ReplyToken
from tipline_gw.errors import PduError

TOKEN = ReplyToken("TABCDEFGHIJ")


def to_token(text: str = "hola", smsc: str = "00") -> bytes:
    udl, data = pdus.user_data(text)
    return bytes.fromhex(f"{smsc}3107{pdus.alphanumeric(TOKEN)}0000A7{udl:02X}{data.hex()}")


def field(number: str = pdus.NUMBER) -> bytearray:
    return bytearray.fromhex(pdus.address(number))


def test_the_token_is_found() -> None:
    assert destination(to_token()) == TOKEN
    assert destination(bytes.fromhex(pdus.submit())) is None


@pytest.mark.parametrize("number", [pdus.NUMBER, "52656123456", "1234567", "1" * 20])
def test_the_address_takes_the_tokens_place_and_the_length_is_true(number: str) -> None:
    real, length = readdress(to_token(), field(number))
    assert real.hex().upper() == (
        f"001107{pdus.address(number)}0000A7" + to_token().hex().upper()[36:]
    )
    assert length == len(real) - 1


def test_a_service_centre_does_not_count_in_the_length() -> None:
    real, length = readdress(to_token(smsc=pdus.smsc_field()), field())
    assert length == pdus.tpdu_length(real.hex())
    assert real.hex().upper().startswith(pdus.smsc_field())


def test_no_status_report_is_asked_for() -> None:
    real, _ = readdress(to_token(), field())
    assert real[1] & 0x20 == 0
    assert to_token()[1] & 0x20


@pytest.mark.parametrize("pdu", [pdus.deliver(), pdus.status_report(), "", "00", "0011"])
def test_anything_but_a_submit_is_refused(pdu: str) -> None:
    with pytest.raises(PduError):
        readdress(bytes.fromhex(pdu), field())
