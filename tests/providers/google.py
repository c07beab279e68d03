"""Google's hosts as they seem to a client: a proxy with certificates of an authority of its own,
a service account's key, and the place where it gets its tokens."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.providers.service import Received, Reply, Service, answer

_HOSTS = (
    "automl.googleapis.com",
    "eu-automl.googleapis.com",
    "storage.googleapis.com",
    "oauth2.googleapis.com",
    "iamcredentials.googleapis.com",
    "sts.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "europe-west4-aiplatform.googleapis.com",
    "us-west9-aiplatform.googleapis.com",
    "us-central1-aiplatform-ours.p.googleapis.com",
)


@dataclass(frozen=True, slots=True)
class Google:
    """The hosts, and the endpoint that gives tokens: `secret-1`, `secret-2`, …"""

    hosts: Service
    tokens: Service
    folder: Path

    def key(self, **changed: Any) -> Path:
        """A service account's key file."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self.folder / "key.json"
        content = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "robot@p.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.tokens.url}/token",
        }
        path.write_text(json.dumps({**content, **changed}))
        return path


@contextmanager
def pretended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """The environment of a user whose requests to Google go through a proxy."""
    with Service(_tls(folder)) as hosts, Service() as tokens:
        tokens.default = _giver(tokens)
        monkeypatch.setenv("HTTPS_PROXY", hosts.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "authority.pem"))
        yield Google(hosts, tokens, folder)


def _giver(tokens: Service) -> Any:
    def give(_: Received) -> Reply:
        token = f"secret-{len(tokens.received)}"
        return answer({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    return give


def _tls(folder: Path) -> ssl.SSLContext:
    """For all of Google's hosts, trusted by who trusts `authority.pem`."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's authority")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in _HOSTS]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "authority.pem").write_bytes(public)
    (folder / "host.pem").write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "host.pem")
    return context
