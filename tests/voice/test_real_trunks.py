"""Trunks as a provider meets them, in a real Asterisk: who may call, what is encrypted, which
number was dialled, and what a flood on one of them does."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.voice.conftest import tone
from tests.voice.raw_sip import CRYPTO, Call, Registrar
from tests.voice.test_listener import until
from tests.voice.test_real_asterisk import free_port
from tipline_gw.asterisk_live import live_faults
from tipline_gw.demo.asterisk_host import Asterisk, Host
from tipline_gw.demo.search import search_files, search_octets
from tipline_gw.settings.trunks import Number, SipTrunk
from tipline_gw.voice.asterisk_config import Plan, write
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.dialplan import APOLOGISING
from tipline_gw.voice.fastagi import FastAgiServer

CANARY = "+526569081736"
SECRET = 'a;b\\;c;--"d=>'
CENTRO, SIERRA = "6141000001", "6141000002"


def certificate(folder: Path) -> None:
    """A self-signed one for 127.0.0.1, as certificate and authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "trunk")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


@dataclass
class Site:
    directory: Path
    asterisk: Asterisk
    registrar: Registrar
    ports: dict[str, int]
    environments: list[Mapping[str, str]]
    calls: list[Call] = field(default_factory=list)

    def close(self) -> None:
        for call in self.calls:
            call.close()

    def call(self, trunk: str, source: str, dialled: str = CENTRO) -> Call:
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connection.settimeout(10)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.ports[trunk]))
        self.calls.append(Call(connection, f"sip:{dialled}@127.0.0.1:{self.ports[trunk]}"))
        return self.calls[-1]

    def safe_call(self, folder: Path) -> Call:
        context = ssl.create_default_context(cafile=folder / "cert.pem")
        context.check_hostname = False
        at = ("127.0.0.1", self.ports["safe"])
        raw = socket.create_connection(at, 10, source_address=("127.0.0.5", 0))
        target = f"sip:{SIERRA}@127.0.0.1:{self.ports['safe']};transport=tls"
        self.calls.append(Call(context.wrap_socket(raw), target, "TLS"))
        return self.calls[-1]

    def told(self) -> Mapping[str, str]:
        """What the gateway was told of the next call."""
        assert until(lambda: self.environments)
        return self.environments.pop(0)


def trunks(folder: Path, ports: Mapping[str, int], registrar: int) -> list[SipTrunk]:
    """As the loader would give them. Each provider has an address of its own on the loopback."""
    secret, local = folder / "secret", "127.0.0.1"
    listens = {name: f"{local}:{port}" for name, port in ports.items()}
    return [
        SipTrunk(name="mine", kind="sip", host=local, port=registrar, listen=listens["mine"],
                 registration=True, username="5000", secret_file=secret, number="sierra",
                 local_net=["127.0.0.0/8"], external_address=local, codecs=["alaw", "gsm", "ulaw"]),
        SipTrunk(name="theirs", kind="sip", host="127.0.0.3", listen=listens["theirs"],
                 inbound_username="carrier", inbound_secret_file=secret, dtmf_mode="rfc4733"),
        SipTrunk(name="few", kind="sip", host="127.0.0.4", listen=listens["theirs"], max_calls=1),
        SipTrunk(name="safe", kind="sip", host="sip.provider.example", transport="tls", srtp=True,
                 accept_from=["127.0.0.5/32"], listen=listens["safe"],
                 certificate=folder / "cert.pem", key_file=folder / "key.pem"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Passwords, keys, prompts."""
    made = tmp_path_factory.mktemp("trunks")
    certificate(made)
    (made / "secret").write_text(f"{SECRET}\n")
    (made / "secret").chmod(0o600)
    for language in ("es", "en"):
        (made / "prompts" / language).mkdir(parents=True)
        for name in ("cannot-take-now", "language-es", "language-en"):
            (made / "prompts" / language / f"{name}.sln").write_bytes(tone(500, 1.5))
    (made / "prompts" / "en" / "language-es.sln").unlink()
    return made


@pytest.fixture(scope="module")
def site(host: Host, folder: Path) -> Iterator[Site]:
    environments: list[Mapping[str, str]] = []

    def answer(channel: Channel, environment: Mapping[str, str]) -> None:
        environments.append(environment)
        channel.hangup()

    registrar = Registrar("5000", SECRET)
    registrar.start()
    server = FastAgiServer("127.0.0.1:0", answer, max_calls=10)
    server.serve_forever()
    ports = {name: free_port() for name in ("mine", "theirs", "safe")}
    numbers = [
        Number(name="centro", dialled=CENTRO, languages=["en", "es"]),
        Number(name="sierra", dialled=[SIERRA, "sierra"]),
    ]
    with host.workspace() as workspace:
        directory = workspace / "asterisk"
        plan = Plan(
            directory, server.address, folder / "prompts", ("es", "en"), 40, None, host.root,
            trunks(folder, ports, registrar.port), numbers, "123",
        )  # fmt: skip
        assert write(plan).missing == ()
        with Asterisk(host, directory) as asterisk:
            made = Site(directory, asterisk, registrar, ports, environments)
            yield made
            made.close()
    server.close()
    registrar.close()


def test_every_kind_of_sip_trunk_starts_without_a_complaint_and_leaks_nothing(site: Site) -> None:
    assert site.asterisk.complaints == []
    assert live_faults(site.directory, ["safe"]) == []
    shown = site.asterisk.console("pjsip show transports")
    assert {kind for kind in ("udp", "tls") if f" {kind} " in shown} == {"udp", "tls"}


def test_a_registration_gives_the_password_whole_and_its_calls_have_their_trunk(
    site: Site,
) -> None:
    assert site.registrar.registered.wait(20)
    uri = site.registrar.contact.partition("<")[2].partition(">")[0]
    assert re.match(r"sip:5000@127\.0\.0\.1:\d+;line=\w+$", uri)
    call = site.call("mine", "127.0.0.1")
    call.target = uri
    assert call.invite(CANARY) == 200
    # 5000 is no number of the line: the one that the trunk names is taken.
    assert site.told() == site_told("mine", "sierra", "es_ZZ")


def site_told(trunk: str, number: str, language: str) -> Mapping[str, str]:
    class Told(dict[str, str]):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Mapping) and self.items() <= other.items()

        __hash__ = None  # type: ignore[assignment]

    return Told(agi_arg_1=trunk, agi_arg_2=number, agi_language=language)


def test_a_provider_that_gives_a_password_is_asked_for_it(site: Site) -> None:
    assert site.call("theirs", "127.0.0.3").invite(CANARY) == 401
    assert site.call("theirs", "127.0.0.3").invite(CANARY, user="carrier", secret="x") == 401
    assert site.environments == []
    call = site.call("theirs", "127.0.0.3")
    assert call.invite(CANARY, user="carrier", secret=SECRET) == 200
    assert site.told() == site_told("theirs", "centro", "en_ZZ")


def test_a_caller_s_name_that_is_no_utf_8_is_not_quoted(site: Site) -> None:
    call = site.call("theirs", "127.0.0.3")
    call.name = "José Pérez"
    assert call.invite(CANARY, user="carrier", secret=SECRET) == 200
    assert site.told() == site_told("theirs", "centro", "en_ZZ")
    log = "\n".join(site.asterisk.log)
    assert "UTF-8" not in log
    assert CANARY not in log


def test_nobody_else_calls(site: Site) -> None:
    assert site.call("theirs", "127.0.0.9").invite(CANARY) == 401
    assert site.environments == []


def test_speech_that_would_go_in_clear_is_refused_where_encryption_was_asked_for(
    site: Site, folder: Path
) -> None:
    assert site.safe_call(folder).invite(CANARY) == 488
    assert site.environments == []
    call = site.safe_call(folder)
    assert call.invite(CANARY, crypto=CRYPTO) == 200
    assert "RTP/SAVP" in call.answer
    assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80" in call.answer
    assert site.told() == site_told("safe", "sierra", "es_ZZ")


def test_a_flood_by_one_trunk_is_busy_before_it_takes_the_others_places(
    site: Site, host: Host
) -> None:
    dialplan = site.directory / "extensions.conf"
    text = dialplan.read_text()
    # As if the gateway were away: every call hears the apology.
    dialplan.write_text(re.sub(r"AGI\(agi://[0-9.:]+", f"AGI(agi://127.0.0.1:{free_port()}", text))
    site.asterisk.console("dialplan reload")
    try:
        calls = [site.call("theirs", "127.0.0.4") for _ in range(APOLOGISING + 2)]
        answers = [call.invite(CANARY) for call in calls]
        assert answers == [200] * (APOLOGISING + 1) + [486]
        other = site.call("theirs", "127.0.0.3")
        assert other.invite(CANARY, user="carrier", secret=SECRET) == 200
    finally:
        dialplan.write_text(text)
        site.asterisk.console("dialplan reload")


def test_the_language_menu_is_beside_the_prompts_of_every_number_s_first_language(
    site: Site,
) -> None:
    assert (site.directory / "sounds/en/tipline/language-es.sln").is_file()


def test_neither_a_caller_nor_a_password_is_where_it_does_not_belong(site: Site) -> None:
    log = "\n".join(site.asterisk.log)
    assert list(search_octets(log.encode(), [CANARY])) == []
    _, hits = search_files([site.directory], [CANARY])
    assert hits == []
    assert SECRET not in log
    for path in site.directory.rglob("*"):
        holds = path.is_file() and SECRET.replace(";", "\\;") in path.read_text(errors="replace")
        assert holds == (path.name == "pjsip.conf")
    assert (site.directory / "pjsip.conf").stat().st_mode & 0o137 == 0
