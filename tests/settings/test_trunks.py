"""[[trunk]] and [[number]] as a file gives them: what is taken, and each refusal with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.settings.test_loader import GOOD, complaint, written
from tipline_gw.settings import load
from tipline_gw.settings.trunks import DahdiTrunk, SipTrunk, first_channel

SIP = '\n[[trunk]]\nname = "p"\nkind = "sip"\nhost = "192.0.2.20"\n'
TLS = SIP + 'transport = "tls"\n'
PRI = '\n[[trunk]]\nname = "pri"\nkind = "dahdi"\nspan = 1\n'
STICK = '\n[[trunk]]\nname = "stick"\nkind = "dongle"\nimei = "123456789012345"\n'
NUMBER = '\n[[number]]\nname = "centro"\ndialled = "6561110000"\n'
LINES = len(GOOD.splitlines())


def test_each_kind_loads_with_its_defaults_and_absolute_paths(tmp_path):
    text = GOOD + SIP + 'inbound_username = "them"\ninbound_secret_file = "them.secret"\n' + PRI
    text += STICK + '\n[[trunk]]\nname = "mod"\nkind = "quectel"\ndata = "/dev/ttyUSB2"\n'
    loaded = load(written(tmp_path, text + 'alsa = "hw:Android"\n' + NUMBER))
    sip, pri, stick, mod = loaded.trunk
    assert isinstance(sip, SipTrunk)
    assert (sip.host_port, sip.codecs, sip.ptime) == (5060, ["ulaw", "alaw"], 20)
    assert sip.inbound_secret_file == tmp_path / "them.secret"
    assert isinstance(pri, DahdiTrunk)
    assert (pri.signalling, pri.channels) == ("pri_cpe", 31)
    assert (stick.max_calls, mod.max_calls, sip.max_calls) == (1, 1, None)
    assert loaded.number[0].dialled == ["6561110000"]
    assert loaded.line.sms_number is None


def test_tls_is_port_5061_and_files_are_beside_the_configuration(tmp_path):
    text = GOOD + TLS + 'certificate = "c.pem"\nkey_file = "k.pem"\nsrtp = true\n'
    (trunk,) = load(written(tmp_path, text)).trunk
    assert trunk.host_port == 5061
    assert (trunk.certificate, trunk.key_file) == (tmp_path / "c.pem", tmp_path / "k.pem")


def test_several_numbers_may_be_dialled_for_one(tmp_path):
    text = GOOD + NUMBER.replace('"6561110000"', '["6561110000", "+526561110000", "tips"]')
    assert len(load(written(tmp_path, text)).number[0].dialled) == 3


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (SIP.replace("sip", "sipp"), "4: trunk.0.kind: must be one of sip, dahdi, quectel, dongle"),
        (SIP.replace('kind = "sip"\n', ""), "2: trunk.0.kind: must be one of"),
        (SIP + "colour = 1\n", "6: trunk.0.colour: unknown key"),
        (SIP.replace("192.0.2.20", "a b"), "5: trunk.0.host: must be a host's name or address"),
        (SIP + 'listen = "here"\n', "6: trunk.0.listen: must be HOST:PORT"),
        (SIP + 'accept_from = ["x"]\n', "6: trunk.0.accept_from.0: must be an address"),
        (SIP + "ptime = 25\n", "6: trunk.0.ptime: must be one of 10, 20"),
        (SIP + 'codecs = ["g729"]\n', "6: trunk.0.codecs.0: "),
        (SIP + "codecs = []\n", "6: trunk.0.codecs: "),
        (SIP + 'username = "a:b"\nsecret_file = "s"\nregistration = true\n',
         "6: trunk.0.username: must be letters"),
        (SIP + 'username = "a"\n', "2: trunk.0: username and secret_file go together"),
        (SIP + "registration = true\n", "2: trunk.0: registration = true, username and"),
        (SIP + 'username = "a"\nsecret_file = "s"\n', "2: trunk.0: registration = true, username"),
        (SIP + 'local_net = ["10.0.0.0/8"]\n', "2: trunk.0: local_net and external_address go"),
        (SIP + "srtp = true\n", "2: trunk.0: srtp needs transport"),
        (SIP + 'certificate = "c"\nkey_file = "k"\n', "2: trunk.0: certificate and ca_file need"),
        (TLS, "2: trunk.0: tls needs certificate and key_file"),
        (TLS + 'username = "a"\nsecret_file = "s"\nregistration = true\n',
         "2: trunk.0: verify_server needs ca_file"),
        (SIP.replace('"p"', '"line"'), "3: trunk.0.name: line is a name that Asterisk's files use"),
        (SIP.replace('"p"', '"p12345"'), "3: trunk.0.name: must be a short name"),
        (SIP.replace('"p"', '"p12-345"'), "3: trunk.0.name: must not have more than 4 digits"),
        (PRI.replace("span = 1", "span = 0"), "5: trunk.0.span: "),
        (PRI + 'switchtype = "r2"\n', "6: trunk.0.switchtype: "),
        (STICK.replace("45", ""), "5: trunk.0.imei: "),
        (STICK.replace("45", "४५"), "5: trunk.0.imei: "),
        (STICK.replace('imei = "123456789012345"\n', ""), "2: trunk.0: data and audio are needed"),
        (STICK + "max_calls = 2\n", "6: trunk.0.max_calls: "),
        (STICK + 'data = "ttyUSB0"\n', "6: trunk.0.data: must be a device"),
        (STICK.replace("dongle", "quectel") + 'alsa = "hw:1"\naudio = "/dev/ttyUSB4"\n',
         "2: trunk.0: audio and alsa exclude one another"),
        (NUMBER.replace('"6561110000"', '"_X."'), "4: number.0.dialled.0: must be what the trunk"),
        (NUMBER.replace('"6561110000"', '"s"'), "4: number.0.dialled.0: must not be a name"),
        (NUMBER.replace('"6561110000"', '"sms"'), "4: number.0.dialled.0: must not be a name"),
        (SIP + 'listen = "::1:5060"\n', "6: trunk.0.listen: must be HOST:PORT"),
        (SIP + 'listen = "0.0.0.0 ; x:5060"\n', "6: trunk.0.listen: must be HOST:PORT"),
        (SIP + 'listen = "x\\ny:5060"\n', "6: trunk.0.listen: must be HOST:PORT"),
        (NUMBER.replace('"6561110000"', "[]"), "4: number.0.dialled: "),
        (NUMBER + 'greeting = "welcome-../x"\n', "5: number.0.greeting: "),
        (NUMBER + 'greeting = "hello"\n', "5: number.0.greeting: "),
        (NUMBER + "languages = []\n", "5: number.0.languages: "),
        # What no table can see by itself.
        (SIP + SIP, "8: trunk.1.name: p is the name of another [[trunk]]"),
        (SIP + SIP.replace('"p"', '"q"'), "10: trunk.1.host: another [[trunk]] takes calls from"),
        (SIP + SIP.replace('"p"', '"q"') + 'accept_from = ["192.0.2.0/24"]\n',
         "11: trunk.1.accept_from: another [[trunk]] takes calls from"),
        (SIP + SIP.replace('"p"', '"q"').replace("20", "21") + 'external_address = "192.0.2.1"\n'
         'local_net = ["10.0.0.0/8"]\n', "12: trunk.1.local_net: must be that of p"),
        (SIP + 'number = "centro"\n', "6: trunk.0.number: there is no [[number]] named centro"),
        (PRI + PRI.replace('"pri"', '"second"'), "10: trunk.1.span: another [[trunk]] has its"),
        (STICK + 'data = "/dev/ttyUSB0"\n', "6: trunk.0.data: is a [[modem]]"),
        (NUMBER + NUMBER.replace("centro", "sierra"), "8: number.1.dialled: another [[number]]"),
        (NUMBER + NUMBER.replace("10000", "10001"), "7: number.1.name: centro is the name of"),
        (NUMBER + 'languages = ["es", "fr"]\n', "5: number.0.languages: fr is not in line.l"),
        (NUMBER + 'languages = ["es", "es"]\n', "5: number.0.languages: names one twice"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_line(tmp_path, tables, said):
    line, _, rest = said.partition(":")
    want = f"tipline.toml:{LINES + int(line)}:{rest}"
    told = complaint(tmp_path, GOOD + tables).splitlines()
    assert [each for each in told if each.startswith(want)], told


@pytest.mark.parametrize("number", ["12", "+526561234567", "656 123 4567", "1" * 16])
def test_a_number_for_texts_is_digits(tmp_path, number):
    text = GOOD.replace("[line]", f'[line]\nsms_number = "{number}"')
    assert "tipline.toml:2: line.sms_number: " in complaint(tmp_path, text)


def test_spans_count_their_channels_after_one_another():
    e1, t1 = DahdiTrunk(name="a", kind="dahdi", span=1), DahdiTrunk(
        name="b", kind="dahdi", span=2, line="t1"
    )  # fmt: skip
    third = DahdiTrunk(name="c", kind="dahdi", span=4)
    spans = [third, t1, e1]
    assert [first_channel(span, spans) for span in (e1, t1, third)] == [1, 32, 56]
    moved = e1.model_copy(update={"first_channel": 5})
    assert first_channel(t1, [moved, t1]) == 36


@given(st.text(max_size=40))
def test_any_host_is_one_or_refused(text):
    try:
        host = SipTrunk(name="p", kind="sip", host=text).host
    except ValueError:
        return
    assert not set(host) & set(" ;\r\n\t[]@=")


def test_the_shipped_file_shows_each_kind_in_a_form_that_loads(tmp_path):
    shipped = Path(__file__).parents[2] / "config" / "tipline.toml"
    lines = shipped.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("#[["))
    shown = [line.removeprefix("#") if line.startswith("#") and line[1:2] not in (" ", "")
             else line for line in lines[first:]]  # fmt: skip
    text = "\n".join([*lines[:first], *shown]).replace("#sms_number", "sms_number")
    loaded = load(written(tmp_path, text))
    assert {trunk.kind for trunk in loaded.trunk} == {"sip", "dahdi", "quectel", "dongle"}
    assert len(loaded.number) == 2
    assert loaded.line.sms_number


UDP_AT = '\n[[trunk]]\nname = "{}"\nkind = "sip"\nhost = "192.0.2.{}"\nlisten = "{}"\n'
TCP_AT = UDP_AT + 'transport = "tcp"\n'
TLS_AT = UDP_AT + 'transport = "tls"\ncertificate = "c"\nkey_file = "k"\n'


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (TCP_AT.format("a", 1, "0.0.0.0:5060"), TLS_AT.format("b", 2, "0.0.0.0:5060"), True),
        (UDP_AT.format("a", 1, "0.0.0.0:5060"), UDP_AT.format("b", 2, "127.0.0.1:5060"), True),
        (TCP_AT.format("a", 1, "127.0.0.1:5060"), TLS_AT.format("b", 2, "0.0.0.0:5060"), True),
        (UDP_AT.format("a", 1, "0.0.0.0:5060"), UDP_AT.format("b", 2, "0.0.0.0:5060"), False),
        (UDP_AT.format("a", 1, "0.0.0.0:5060"), TCP_AT.format("b", 2, "0.0.0.0:5060"), False),
        (UDP_AT.format("a", 1, "0.0.0.0:5060"), UDP_AT.format("b", 2, "[::]:5060"), False),
        (UDP_AT.format("a", 1, "0.0.0.0:5060"), UDP_AT.format("b", 2, "0.0.0.0:5070"), False),
        (UDP_AT.format("a", 1, "10.0.0.1:5060"), UDP_AT.format("b", 2, "10.0.0.2:5060"), False),
    ],
)
def test_trunks_that_want_the_same_socket_are_refused(tmp_path, one, other, clash):
    if clash:
        line = LINES + one.count("\n") + 6
        assert f"{line}: trunk.1.listen: is the port of a as well" in complaint(
            tmp_path, GOOD + one + other
        )
    else:
        assert len(load(written(tmp_path, GOOD + one + other)).trunk) == 2
