"""Sends one message to one receiver once: webhook, e-mail (SMTP over TLS) or command."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import subprocess
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from msgspec import to_builtins
from msgspec.structs import fields

from automl_plan import __version__
from automl_plan.model.notices import (
    MESSAGE_FORMAT,
    Mailing,
    Message,
    Notice,
    Receiver,
    Tls,
    Way,
)

SECONDS = 10.0
"""Seconds for which one attempt waits."""


class DeliveryError(Exception):
    """Why a message was not delivered. The text has no address and no secret."""


def from_environment(variable: str | None, environ: Mapping[str, str]) -> str:
    """Return the value of an environment variable. Raises DeliveryError when it is not set."""
    value = environ.get(variable or "")
    if not value:
        raise DeliveryError(f"{variable} is not set in the environment")
    return value


_SUBJECTS = {
    "ended": "ended",
    "failed": "failed",
    "gate-rejected": "was rejected",
    "gate-undecided": "needs a decision",
}
_LONGEST_SUBJECT = 120


def mail(
    mailing: Mailing, key: str, notice: Notice, environ: Mapping[str, str], directory: Path
) -> None:
    """Send one e-mail; a CA file is relative to `directory`. Raises DeliveryError.

    Nothing is sent to a server before its certificate was checked.
    """
    message = message_of(mailing, key, notice)
    login = None
    if mailing.username_env is not None:
        user = from_environment(mailing.username_env, environ)
        login = user, from_environment(mailing.password_env, environ)
    trusted = _trusted(mailing, directory)
    try:
        with _connected(mailing, trusted) as server:
            if login is not None:
                server.login(*login)
            server.send_message(message)
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(f"its certificate is not trusted: {error.verify_message}") from None
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(f"it refused the credentials ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryError("it offers no STARTTLS, or no login") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise DeliveryError(f"it refused all receivers ({', '.join(map(str, codes))})") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"it answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # A ValueError: what SMTP can't transmit, such as credentials that are not ASCII.
        raise DeliveryError(f"it gave no answer: {type(error).__name__}") from None


def message_of(mailing: Mailing, key: str, notice: Notice) -> EmailMessage:
    """Return the message, the same at each attempt: mail systems drop duplicate Message-IDs."""
    message = EmailMessage(policy=SMTP)
    event = _SUBJECTS.get(notice.kind, str(notice.kind))
    subject = f"{notice.address}: {notice.action} {event}"
    # Resource names have no such characters, but others can write a state.
    message["Subject"] = "".join(c if c.isprintable() else "?" for c in subject)[:_LONGEST_SUBJECT]
    message["From"] = Address(addr_spec=mailing.sender)
    message["To"] = tuple(Address(addr_spec=each) for each in mailing.to)
    message["Date"] = datetime.fromisoformat(notice.when)
    domain = mailing.sender.rpartition("@")[2]
    message["Message-ID"] = f"<{sha256(key.encode()).hexdigest()[:40]}.automl-plan@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text + "\n")
    return message


def _trusted(mailing: Mailing, directory: Path) -> ssl.SSLContext:
    """Return the trusted certificates: only those of the CA file where there is one."""
    if mailing.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(directory / mailing.ca_file))
    except (OSError, ssl.SSLError):
        raise DeliveryError("its ca_file can't be read, or has no certificates") from None


def _connected(mailing: Mailing, trusted: ssl.SSLContext) -> smtplib.SMTP:
    """Connect to a server whose certificate is checked."""
    if mailing.tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(mailing.host, mailing.port, timeout=SECONDS, context=trusted)
    server = smtplib.SMTP(mailing.host, mailing.port, timeout=SECONDS)
    try:
        server.starttls(context=trusted)
    except BaseException:
        server.close()
        raise
    return server


_DETAILS = frozenset(each.name for each in fields(Message) if not each.required)
SIGNATURE = "X-Automl-Plan-Signature"
"""`sha256=` and the hex HMAC-SHA256 of the body, as GitHub signs its webhooks."""
EVENT_ID = "X-Automl-Plan-Event-Id"


def send(
    receiver: Receiver, key: str, notice: Notice, environ: Mapping[str, str], directory: Path
) -> None:
    """Send one message; commands run in `directory`. Raises DeliveryError."""
    match receiver.way:
        case Way.COMMAND:
            _run(receiver, _body(key, notice), directory)
        case Way.EMAIL:
            assert receiver.mailing is not None  # noqa: S101 (it says that way)
            mail(receiver.mailing, key, notice, environ, directory)
        case Way.SLACK:
            url = from_environment(receiver.url_env, environ)
            escaped = notice.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            _post(url, json.dumps({"text": escaped}).encode(), {})
        case Way.WEBHOOK:
            url = receiver.url or from_environment(receiver.url_env, environ)
            body, headers = _body(key, notice), {EVENT_ID: key}
            if receiver.secret_env is not None:
                secret = from_environment(receiver.secret_env, environ)
                headers[SIGNATURE] = f"sha256={signature(body, secret)}"
            _post(url, body, headers)


def signature(body: bytes, secret: str) -> str:
    """Return the hex HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _body(key: str, notice: Notice) -> bytes:
    known = {key: value for key, value in notice.details.items() if key in _DETAILS}
    message = Message(
        **known,  # type: ignore[arg-type]  # their types are those of a notice's details
        format_version=MESSAGE_FORMAT,
        id=key,
        event=notice.kind,
        when=notice.when,
        address=notice.address,
        action=notice.action,
        operation_id=notice.operation_id,
        object_id=notice.object_id,
        seconds=notice.seconds,
        text=notice.text,
    )
    return json.dumps(to_builtins(message), sort_keys=True).encode()


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect: a redirected POST would be another request, to someone else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    if not url.startswith(("https://", "http://")):
        raise DeliveryError("its URL does not start with https://")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"automl-plan/{__version__}",
        **headers,
    }
    try:
        request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 (see above)
        with build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
            answer.read(1)
    except HTTPError as error:
        with error:
            raise DeliveryError(f"it answered {error.code}") from None
    except URLError as error:
        raise DeliveryError(f"it can't be reached: {type(error.reason).__name__}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise DeliveryError(f"it gave no answer: {type(error).__name__}") from None


def _run(receiver: Receiver, body: bytes, directory: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 (the configuration's own command, without a shell)
            receiver.command,
            input=body,
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"the command took more than {SECONDS:.0f} seconds") from None
    except OSError as error:
        raise DeliveryError(f"the command can't be run: {error.strerror}") from None
    if done.returncode != 0:
        raise DeliveryError(f"the command ended with {done.returncode}")
