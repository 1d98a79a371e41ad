"""A dashboard behind TLS with an authority of one's own."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rayfill.cluster.client import connect
from rayfill.spec.errors import InputError
from tests.fake_dashboard import VERSION, fake_dashboard


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that nobody trusts yet, as a file and as a server uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key_file)
    return cert, context


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_of_one_s_own_is_trusted_where_it_is_named_and_only_there(
    certificate: tuple[Path, ssl.SSLContext], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    cert, context = certificate
    monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
    answers = {"/api/version": VERSION}
    with fake_dashboard(answers, token="right", tls=context) as url:
        with pytest.raises(
            InputError, match="its certificate is not trusted; name your authority's file in REQUESTS_CA_BUNDLE"
        ):
            connect(url)
        monkeypatch.setenv(variable, str(cert))
        cluster = connect(url)
        assert url.startswith("https://")
        assert (cluster.verify, cluster.ray_version) == (str(cert), "2.60.0")
