"""Mutual TLS for real: our server ends it, with certificates made here, and curl knocks.

In operation a terminator in front may end it instead; `test_door.py` proves its headers.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from club.integrations.espp import messages
from club.integrations.espp.messages import Accepted, Check, Permitted
from club.outcomes import Done
from simulators.espp import PayingAgent, over_http

BASE = Path(__file__).resolve().parents[2]
START_S = 60
CHECK = messages.write(
    Check(phone="998901234567", amount_tiyin=100, agent="beepul", contract="C-17")
)


class Authority:
    """A certificate authority of one afternoon."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._sign(self._name, self._key.public_key(), is_authority=True)
        self.file = self._write(f"{name}.pem", self._certificate)

    def issue(self, name: str, usage: x509.ObjectIdentifier) -> tuple[str, str]:
        """Files with a certificate and its key (PKCS#8, as granian wants it)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._write(f"{name}.pem", self._sign(subject, key.public_key(), usage))
        key_file = self._folder / f"{name}.key"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, str(key_file)

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        file = self._folder / name
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(file)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        usage: x509.ObjectIdentifier | None = None,
        *,
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        # Python 3.13 verifies strictly: who signed it, and what its key may do, must be said.
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            critical=False,
        ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        if is_authority:
            builder = builder.add_extension(_may_sign_certificates(), critical=True)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _may_sign_certificates() -> x509.KeyUsage:
    nothing_else = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "crl_sign", "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    return x509.KeyUsage(key_cert_sign=True, **nothing_else)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder) -> Authority:
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def agents_certificate(authority) -> tuple[str, str]:
    return authority.issue("beepul", ExtendedKeyUsageOID.CLIENT_AUTH)


@pytest.fixture(scope="module")
def strangers_certificate(folder) -> tuple[str, str]:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Authority(elsewhere, "elsewhere").issue("beepul", ExtendedKeyUsageOID.CLIENT_AUTH)


@pytest.fixture(scope="module")
def url(folder, authority, django_db_setup, database_url) -> Iterator[str]:
    """The door, served by granian with the options of docs/operations.md."""
    certificate, key = authority.issue("server", ExtendedKeyUsageOID.SERVER_AUTH)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "CLUB_SECRET_KEY": "of the test",
        "CLUB_HOME": str(folder),
        "CLUB_ESPP_AGENTS": json.dumps({"beepul": {"channel": "app", "contract": "C-17"}}),
        "GRANIAN_SSL_CERTIFICATE": certificate,
        "GRANIAN_SSL_KEYFILE": key,
        "GRANIAN_SSL_CA": authority.file,
        "GRANIAN_SSL_CLIENT_VERIFY": "true",
        "GRANIAN_SSL_PROTOCOL_MIN": "tls1.2",
        "PORT": str(port),
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "club", "serve"],
            cwd=BASE,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        until_s = time.monotonic() + START_S
        while not is_listening(port):
            said = (folder / "server.log").read_text()
            assert server.poll() is None, f"the server ended at once: {said}"
            assert time.monotonic() < until_s, f"the server does not listen: {said}"
            time.sleep(0.1)
        yield f"https://127.0.0.1:{port}/intake/espp"
    finally:
        server.terminate()
        server.wait(timeout=20)
        # Its connections would keep the next test from cloning the database.
        with psycopg.connect(database_url, autocommit=True) as own:
            own.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def client(authority: Authority, certificate: tuple[str, str] | None) -> httpx.Client:
    trust = ssl.create_default_context(cafile=authority.file)
    if certificate:
        trust.load_cert_chain(*certificate)
    return httpx.Client(verify=trust, timeout=20)


@pytest.fixture
def agent(url, authority, agents_certificate, now, transactional_db) -> Iterator[PayingAgent]:
    """The agent with its certificate, over the wire; the club is open."""
    from club.demo import programme

    programme.load(now=now)
    with client(authority, agents_certificate) as connection:
        yield PayingAgent(over_http(url, connection), agent="beepul", contract="C-17")


# ---- with the standard library's TLS ---------------------------------------------------------------


def test_an_agent_with_a_certificate_pays_over_mutual_tls(agent, now):
    paid = agent.pay("998901234567", amount_uzs=50_000, at=now)
    assert isinstance(paid, Done)
    assert isinstance(agent.state(paid.value), Done)


def test_without_a_certificate_and_with_a_strangers_the_handshake_fails(
    url, authority, strangers_certificate
):
    for certificate in (None, strangers_certificate):
        with client(authority, certificate) as connection, pytest.raises(httpx.TransportError):
            connection.post(url, content=CHECK)


def test_a_chunked_body_is_read_and_over_the_limit_refused(
    url, authority, agents_certificate, agent, now
):
    document = messages.write(agent.document("998901234567", amount_uzs=50_000, at=now))
    with client(authority, agents_certificate) as connection:
        taken = connection.post(url, content=iter([document[:50], document[50:]]))
        refused = connection.post(url, content=iter([b" " * 65_536] * 64))

    assert taken.request.headers["Transfer-Encoding"] == "chunked"
    assert isinstance(messages.parse(taken.content), Accepted)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_ten_declared_megabytes_are_refused_before_they_are_sent(
    url, authority, agents_certificate
):
    trust = ssl.create_default_context(cafile=authority.file)
    trust.load_cert_chain(*agents_certificate)
    port = httpx.URL(url).port
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as wire,
    ):
        wire.sendall(
            b"POST /intake/espp HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/xml\r\nContent-Length: 10485760\r\n\r\n<a"
        )
        assert wire.recv(4_096).startswith(b"HTTP/1.1 413 ")


# ---- with curl ------------------------------------------------------------------------------------------


def curl(url: str, authority: Authority, *options: str) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is missing: apt-get install curl")
    return subprocess.run(
        [program, "--silent", "--show-error", "--max-time", "20", "--cacert", authority.file,
         "--noproxy", "*", "--header", "Content-Type: application/xml", "--data-binary", "@-",
         *options, url],
        input=CHECK,
        capture_output=True,
        check=False,
    )  # fmt: skip


@pytest.mark.peer
def test_curl_with_the_agents_certificate_is_answered(url, authority, agents_certificate):
    certificate, key = agents_certificate
    answer = curl(url, authority, "--cert", certificate, "--key", key)
    assert answer.returncode == 0, answer.stderr.decode()
    assert isinstance(messages.parse(answer.stdout), Permitted)


@pytest.mark.peer
def test_curl_without_a_certificate_is_turned_away_in_the_handshake(url, authority):
    answer = curl(url, authority)
    assert answer.returncode in (35, 55, 56)  # TLS handshake, or the alert while sending
    assert answer.stdout == b""


@pytest.mark.peer
def test_curl_with_a_certificate_of_another_authority_is_turned_away(
    url, authority, strangers_certificate
):
    certificate, key = strangers_certificate
    answer = curl(url, authority, "--cert", certificate, "--key", key)
    assert answer.returncode in (35, 55, 56)
    assert answer.stdout == b""
