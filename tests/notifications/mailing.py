"""A mail server for tests, in a process of its own thread: TLS, log-in, and ways to misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "robot", "not to be seen either"


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(parents=True, exist_ok=True)
    public, secret = directory / "mail.pem", directory / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, secret


class _OnAnyPort(Controller):
    def _trigger_server(self) -> None:
        """Call it once, as the base class does, but at the port that it was given."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection((self.hostname, self.port)).close()


class MailServer:
    """What came, and how it is answered."""

    def __init__(self, directory: Path, *, implicit: bool = False, tls: bool = True) -> None:
        self.ca_file, key = certificate(directory)
        self.messages: list[EmailMessage] = []
        self.logins: list[str] = []
        self.answer = "250 taken"
        self.drops = False
        """Whether the connection ends in place of an answer."""
        self.struck: Callable[[], object] | None = None
        """Called once, when a message is there and not answered yet."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        wanted: dict[str, Any] = {}
        if tls and not implicit:  # its class knows only TLS that it has begun itself
            wanted = {
                "tls_context": context,
                "require_starttls": True,
                "authenticator": self._authenticate,
                "auth_required": True,
            }
        self._controller = _OnAnyPort(
            self,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if implicit else None,
            **wanted,
        )
        self._controller.start()
        self.port = self._controller.port

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()

    def ids(self) -> list[str]:
        """The Message-IDs of what was taken."""
        return [str(message["Message-ID"]) for message in self.messages]

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one message; the server calls it by this name."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        if not self.answer.startswith("250"):
            return self.answer
        self.messages.append(message)
        struck, self.struck = self.struck, None
        if struck is not None:
            struck()
        if self.drops:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.answer

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        good = data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good)
