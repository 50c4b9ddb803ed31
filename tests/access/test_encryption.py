"""Over https a FHIR server is believed only when its certificate is one that this system trusts, for that very name."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.fhir import server
from tests.access.fhir_server import serving
from tests.access.hospital import TOKEN, authorization, clinic, record, without_prefetch
from tests.contract.calls import answered, post, refused

NAME = "fhir.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `NAME` with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("certificate") / "server.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system that trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server.trusted.cache_clear()
    yield
    server.trusted.cache_clear()


def here(name: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.usefixtures("trusting")
def test_a_server_with_a_certificate_that_is_trusted_is_asked(tls: ssl.SSLContext) -> None:
    with serving(record(), tls=tls, token=TOKEN) as fhir:
        base = f"https://{NAME}:{fhir.port}/fhir"
        with clinic(base, private_networks=("127.0.0.1/32",), resolve=here) as service:
            answered(post(service, without_prefetch(base, fhirAuthorization=authorization())))
    assert len(fhir.asked) == 14


def test_a_server_whose_certificate_nobody_trusts_sees_no_token(tls: ssl.SSLContext) -> None:
    with serving(record(), tls=tls) as fhir:
        base = f"https://{NAME}:{fhir.port}/fhir"
        with clinic(base, private_networks=("127.0.0.1/32",), resolve=here) as service:
            issue = refused(post(service, without_prefetch(base, fhirAuthorization=authorization())), 412)
    assert "the FHIR server cannot be reached" in issue["details"]["text"]
    assert fhir.asked == []


@pytest.mark.usefixtures("trusting")
def test_a_certificate_for_another_name_is_not_trusted(tls: ssl.SSLContext) -> None:
    with serving(record(), tls=tls) as fhir:
        base = f"https://other.example.org:{fhir.port}/fhir"
        with clinic(base, private_networks=("127.0.0.1/32",), resolve=here) as service:
            refused(post(service, without_prefetch(base, fhirAuthorization=authorization())), 412)
    assert fhir.asked == []
