"""One try to send one message by e-mail: SMTP, always over TLS with a checked certificate."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from pathlib import Path

from automl_plan.notifying.not_sent import SECONDS, NotSent, from_environment
from automl_plan.resources.notices import Mailing, Notice, Tls

_SUBJECTS = {"ended": "ended", "failed": "failed", "gate-rejected": "was turned down"}
_LONGEST_SUBJECT = 120


def mail(
    mailing: Mailing, key: str, notice: Notice, environ: Mapping[str, str], directory: Path
) -> None:
    """Try once; a CA file is looked for from `directory`. Raises NotSent.

    Nothing is said to a server before its certificate was checked.
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
        raise NotSent(f"its certificate is not trusted: {error.verify_message}") from None
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"it refused the credentials ({error.smtp_code})") from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent("it offers no STARTTLS, or no way to log in") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise NotSent(f"it refused all receivers ({', '.join(map(str, codes))})") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"it answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # A ValueError: what can't be said in SMTP, such as credentials that are no ASCII.
        raise NotSent(f"it gave no answer: {type(error).__name__}") from None


def message_of(mailing: Mailing, key: str, notice: Notice) -> EmailMessage:
    """The message, the same bytes at each try: mail systems know a repetition by its Message-ID."""
    message = EmailMessage(policy=SMTP)
    event = _SUBJECTS.get(notice.kind, str(notice.kind))
    subject = f"{notice.address}: {notice.action} {event}"
    # Names of resources hold no such letters, but a state can be written by others.
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
    """Whose certificates are taken: those of the CA file alone where there is one."""
    if mailing.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(directory / mailing.ca_file))
    except (OSError, ssl.SSLError):
        raise NotSent("its ca_file can't be read, or holds no certificates") from None


def _connected(mailing: Mailing, trusted: ssl.SSLContext) -> smtplib.SMTP:
    """A server that has shown its certificate."""
    if mailing.tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(mailing.host, mailing.port, timeout=SECONDS, context=trusted)
    server = smtplib.SMTP(mailing.host, mailing.port, timeout=SECONDS)
    try:
        server.starttls(context=trusted)
    except BaseException:
        server.close()
        raise
    return server
