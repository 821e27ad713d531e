"""The unmodified python-gsmmodem-new at the virtual modem: it connects, lists, hears and sends."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from gsmmodem.exceptions import CmsError, IncorrectPinError, PinRequiredError
from gsmmodem.modem import GsmModem, ReceivedSms

from tests.demo.conftest import Plug
from tipline_gw.demo.virtual_modem import VirtualModem

SENDER = "+5265611112222"


@pytest.fixture
def heard() -> queue.Queue[str]:
    return queue.Queue()


@pytest.fixture
def library(modem: VirtualModem, heard: queue.Queue[str]) -> Iterator[GsmModem]:
    def take(sms: ReceivedSms) -> None:
        heard.put(sms.text)

    driver = GsmModem(str(modem.link), smsReceivedCallbackFunc=take, requestDelivery=False)
    driver.connect()
    yield driver
    driver.close()


def test_it_connects_and_knows_the_modem(library: GsmModem) -> None:
    assert library.manufacturer == "Virtual"
    assert library.signalStrength == 24
    assert library.smsc == "+526560000000"
    assert library.networkName == "Red Virtual"
    assert library.waitForNetworkCoverage(5) == 24


def test_it_hears_of_a_message_by_its_notice(
    modem: VirtualModem, library: GsmModem, heard: queue.Queue[str]
) -> None:
    modem.control.receive(SENDER, "Robo en la esquina: áéí")
    assert heard.get(timeout=10) == "Robo en la esquina: áéí"
    modem.control.wait_empty()
    # Its own thread deletes after the callback: this command waits until that one is through.
    assert library.signalStrength == 24


def test_it_lists_what_lies_in_the_modem(modem: VirtualModem, library: GsmModem) -> None:
    modem.control.set(drop_notices=-1)
    modem.control.receive(SENDER, "Uno")
    modem.control.receive("Banco", "Dós")
    listed = library.listStoredSms(delete=True)
    assert [(sms.number, sms.text) for sms in listed] == [(SENDER, "Uno"), ("Banco", "Dós")]
    modem.control.wait_empty()


def test_it_sends_short_accented_and_long_ones(modem: VirtualModem, library: GsmModem) -> None:
    texts = ["Codigo: 1234 {ñ}", "Código: 1234", "Largo. " * 60, "Más largo. " * 20]
    for text in texts:
        library.sendSms("+5265699998888", text)
    sent = modem.control.wait_sent(4)
    assert [message["to"] for message in sent] == ["+5265699998888"] * 4
    assert [message["text"] for message in sent] == texts
    assert [message["encoding"] for message in sent] == ["gsm7", "ucs2", "gsm7", "ucs2"]


def test_a_refused_message_is_its_cms_error(modem: VirtualModem, library: GsmModem) -> None:
    modem.control.set(fail_cmgs=38)
    with pytest.raises(CmsError) as refused:
        library.sendSms("+5265699998888", "Hola")
    assert refused.value.code == 38


def test_it_asks_for_the_balance(library: GsmModem) -> None:
    assert library.sendUssd("*133#").message == "Saldo: 50.00 MXN"


def test_it_unlocks_the_sim(plug: Plug) -> None:
    modem = plug("--pin", "2580")
    for pin, error in ((None, PinRequiredError), ("1111", IncorrectPinError)):
        driver = GsmModem(str(modem.link))
        with pytest.raises(error):
            driver.connect(pin)
        driver.close()
    driver = GsmModem(str(modem.link))
    driver.connect("2580")
    assert driver.signalStrength == 24
    driver.close()


def test_it_works_one_byte_at_a_time(plug: Plug, tmp_path: Path) -> None:
    modem = plug("--trickle-us", "50")
    driver = GsmModem(str(modem.link), requestDelivery=False)
    driver.connect()
    modem.control.set(drop_notices=-1)
    modem.control.receive(SENDER, "Hola")
    assert [sms.text for sms in driver.listStoredSms(memory='"ME"')] == ["Hola"]
    driver.close()
