"""What is written for each kind of trunk, as text: pjsip.conf, chan_dahdi.conf, dongle.conf."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.settings.trunks import DahdiTrunk, DongleTrunk, QuectelTrunk, SipTrunk
from tipline_gw.voice import trunk_dahdi, trunk_sip, trunk_sticks

FILES = {"/c": "/a/keys/c.pem", "/k": "/a/keys/k.pem", "/ca": "/a/keys/ca.pem"}


def sip(**more: object) -> SipTrunk:
    return SipTrunk(**{"name": "p", "kind": "sip", "host": "192.0.2.1", **more})


def sections(text: str) -> dict[tuple[str, str], dict[str, list[str]]]:
    """By type and name."""
    made = {}
    for name, body in re.findall(r"\[([^\]]+)\]\n((?:[^\[\n].*\n|\n)*)", text):
        pairs = [line.split(" = ", 1) for line in body.splitlines() if line]
        keys: dict[str, list[str]] = {}
        for key, value in pairs:
            keys.setdefault(key, []).append(value)
        made[keys["type"][0], name] = keys
    return made


@pytest.mark.parametrize("kind", ["loopback", "trunk"])
def test_every_endpoint_is_closed(kind: str) -> None:
    text = (
        trunk_sip.loopback("127.0.0.1:5060", "127.0.0.1")
        if kind == "loopback"
        else trunk_sip.trunks([sip()], {}, {})
    )
    (endpoint,) = (keys for (what, _), keys in sections(text).items() if what == "endpoint")
    for option in ("trust_id_inbound", "trust_id_outbound", "send_pai", "send_rpid",
                   "send_diversion", "send_connected_line", "allow_subscribe", "allow_transfer",
                   "direct_media"):  # fmt: skip
        assert endpoint[option] == ["no"], option
    assert endpoint["callerid_privacy"] == ["prohib"]
    assert endpoint["identify_by"] == ["ip"]
    assert endpoint["disallow"] == ["all"]
    assert endpoint["context"] == ["from-line" if kind == "loopback" else "from-line-p"]


def test_a_trunk_is_known_by_its_providers_addresses() -> None:
    made = sections(trunk_sip.trunks([sip(accept_from=["192.0.2.0/24", "2001:db8::/32"])], {}, {}))
    assert made["identify", "p"]["match"] == ["192.0.2.0/24", "2001:db8::/32"]
    made = sections(trunk_sip.trunks([sip(host="sip.example")], {}, {}))
    assert made["identify", "p"]["match"] == ["sip.example"]


def test_two_trunks_on_one_port_share_a_transport() -> None:
    trunks = [sip(), sip(name="q", host="192.0.2.2"), sip(name="r", transport="tcp")]
    made = sections(trunk_sip.trunks(trunks, {}, {}))
    assert [name for what, name in made if what == "transport"] == ["udp-1", "tcp-2"]
    assert [made["endpoint", n]["transport"] for n in "pqr"] == [["udp-1"], ["udp-1"], ["tcp-2"]]


def test_registration_and_the_passwords_of_both_sides() -> None:
    trunk = sip(registration=True, username="5000", secret_file=Path("/s"), transport="tcp",
                inbound_username="them", inbound_secret_file=Path("/t"),
                host="2001:db8::1")  # fmt: skip
    made = sections(trunk_sip.trunks([trunk], {"/s": "a;b", "/t": "x"}, {}))
    assert made["auth", "p-out"]["password"] == ["a\\;b"]
    assert made["auth", "p-in"]["username"] == ["them"]
    endpoint = made["endpoint", "p"]
    assert (endpoint["auth"], endpoint["outbound_auth"]) == (["p-in"], ["p-out"])
    registration = made["registration", "p"]
    assert registration["server_uri"] == ["sip:[2001:db8::1]:5060\\;transport=tcp"]
    assert registration["client_uri"] == ["sip:5000@[2001:db8::1]"]
    assert (registration["line"], registration["endpoint"]) == (["yes"], ["p"])


def test_tls_with_srtp_that_is_not_optional() -> None:
    trunk = sip(transport="tls", srtp=True, certificate=Path("/c"), key_file=Path("/k"),
                ca_file=Path("/ca"))  # fmt: skip
    made = sections(trunk_sip.trunks([trunk], {}, FILES))
    transport = made["transport", "tls-1"]
    assert transport["priv_key_file"] == ["/a/keys/k.pem"]
    assert transport["ca_list_file"] == ["/a/keys/ca.pem"]
    assert (transport["verify_server"], transport["method"]) == (["yes"], ["tlsv1_2"])
    endpoint = made["endpoint", "p"]
    assert endpoint["media_encryption"] == ["sdes"]
    assert endpoint["media_encryption_optimistic"] == ["no"]


def test_behind_nat_media_codecs_and_keys() -> None:
    trunk = sip(local_net=["10.0.0.0/8", "192.168.0.0/16"], external_address="203.0.113.9",
                codecs=["alaw", "gsm"], ptime=40, dtmf_mode="inband")  # fmt: skip
    made = sections(trunk_sip.trunks([trunk], {}, {}))
    assert made["transport", "udp-1"]["local_net"] == ["10.0.0.0/8", "192.168.0.0/16"]
    assert made["transport", "udp-1"]["external_media_address"] == ["203.0.113.9"]
    endpoint = made["endpoint", "p"]
    assert endpoint["rtp_symmetric"] == ["yes"]
    assert endpoint["allow"] == ["alaw:40,gsm:40"]
    assert endpoint["dtmf_mode"] == ["inband"]


def test_modules_are_loaded_for_what_is_used() -> None:
    assert list(trunk_sip.modules([sip()])) == []
    used = sip(registration=True, username="a", secret_file=Path("/s"), codecs=["g722"],
               local_net=["10.0.0.0/8"], external_address="203.0.113.9")  # fmt: skip
    assert list(trunk_sip.modules([used, used])) == [
        "res_pjsip_outbound_registration", "res_pjsip_outbound_authenticator_digest",
        "res_pjsip_nat", "codec_g722",
    ]  # fmt: skip


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128))
def test_any_password_is_read_by_asterisk_as_it_is(secret: str) -> None:
    trunk = sip(inbound_username="a", inbound_secret_file=Path("/s"))
    text = trunk_sip.trunks([trunk], {"/s": secret}, {})
    (line,) = (each for each in text.splitlines() if each.startswith("password = "))
    assert as_asterisk_reads(line) == secret


def as_asterisk_reads(line: str) -> str:
    """main/config.c: a semicolon begins a comment unless a backslash stands before it."""
    at = 0
    while (at := line.find(";", at)) >= 0:
        if not line[:at].endswith("\\"):
            line = line[:at]
            break
        line = line[: at - 1] + line[at:]
    return line.partition("=")[2].strip()


def test_an_e1_and_a_t1_one_after_the_other() -> None:
    e1 = DahdiTrunk(name="one", kind="dahdi", span=1, crc4=False)
    t1 = DahdiTrunk(name="two", kind="dahdi", span=2, line="t1", switchtype="national", timing=2)
    system = trunk_dahdi.system([t1, e1], [t1, e1]).splitlines()
    assert system[:8] == [
        "# one", "span = 1,1,0,ccs,hdb3", "bchan = 1-15,17-31", "dchan = 16", "",
        "# two", "span = 2,2,0,esf,b8zs", "bchan = 32-54",
    ]  # fmt: skip
    assert system[8] == "dchan = 55"
    channels = trunk_dahdi.chan_dahdi([t1, e1], [t1, e1])
    assert "context = from-line-two\ngroup = 2\nswitchtype = national" in channels
    assert "channel => 1-15,17-31" in channels


def test_no_line_of_a_span_takes_or_gives_who_calls() -> None:
    span = DahdiTrunk(name="one", kind="dahdi", span=1, overlap=True)
    text = trunk_dahdi.chan_dahdi([span], [span])
    before = text.partition("channel =>")[0].splitlines()
    for line in ("usecallerid = no", "callerid =", "hidecallerid = yes", "facilityenable = no",
                 "display_receive = block", "mcid_send = no", "callreturn = no",
                 "overlapdial = incoming"):  # fmt: skip
        assert line in before


@pytest.mark.parametrize(
    ("stick", "text"),
    [
        (DongleTrunk(name="s", kind="dongle", imei="1" * 15),
         trunk_sticks.dongle([DongleTrunk(name="s", kind="dongle", imei="1" * 15)])),
        (QuectelTrunk(name="s", kind="quectel", data="/dev/a", audio="/dev/b"),
         trunk_sticks.quectel([QuectelTrunk(name="s", kind="quectel", data="/dev/a",
                                            audio="/dev/b")])),
    ],
)  # fmt: skip
def test_a_stick_takes_no_texts_and_keeps_none(stick: object, text: str) -> None:
    for line in ("disablesms = yes", "smsdb = :memory:", "callwaiting = no", "exten = s",
                 "context = from-line-s"):  # fmt: skip
        assert line in text.splitlines()


def test_a_sound_card_is_named_as_each_fork_does() -> None:
    stick = QuectelTrunk(name="s", kind="quectel", data="/dev/a", alsa="hw:Android")
    text = trunk_sticks.quectel([stick])
    for line in ("uac = on", "quec_uac = 1", "alsadev = hw:Android"):
        assert line in text.splitlines()
    assert list(trunk_sticks.modules([stick])) == ["chan_quectel"]
