"""One try to give a receiver one message."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from automl_plan import __version__
from automl_plan.notifying.mail import mail
from automl_plan.notifying.not_sent import SECONDS, NotSent, from_environment
from automl_plan.resources.notices import Notice, Receiver, Way

FORMAT_VERSION = "1.0"
SIGNATURE = "X-Automl-Plan-Signature"
"""`sha256=` and the hex HMAC-SHA256 of the body, as GitHub signs its webhooks."""
EVENT_ID = "X-Automl-Plan-Event-Id"


def send(
    receiver: Receiver, key: str, notice: Notice, environ: Mapping[str, str], directory: Path
) -> None:
    """Try once; `directory` is where commands run. Raises NotSent."""
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
    """The hex HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _body(key: str, notice: Notice) -> bytes:
    document = {
        **notice.details,
        "format_version": FORMAT_VERSION,
        "id": key,
        "event": str(notice.kind),
        "when": notice.when,
        "address": notice.address,
        "action": notice.action,
        "operation_id": notice.operation_id,
        "object_id": notice.object_id,
        "seconds": notice.seconds,
        "text": notice.text,
    }
    return json.dumps(document, sort_keys=True).encode()


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would be another request, to somebody else."""

    def redirect_request(self, *_: object) -> None:
        return None


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    if not url.startswith(("https://", "http://")):
        raise NotSent("its address does not begin with https://")
    told = {
        "Content-Type": "application/json",
        "User-Agent": f"automl-plan/{__version__}",
        **headers,
    }
    try:
        request = Request(url, data=body, headers=told, method="POST")  # noqa: S310 (see above)
        with build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
            answer.read(1)
    except HTTPError as error:
        with error:
            raise NotSent(f"it answered {error.code}") from None
    except URLError as error:
        raise NotSent(f"it is not reached: {type(error.reason).__name__}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotSent(f"it gave no answer: {type(error).__name__}") from None


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
        raise NotSent(f"the command took more than {SECONDS:.0f} seconds") from None
    except OSError as error:
        raise NotSent(f"the command can't be run: {error.strerror}") from None
    if done.returncode != 0:
        raise NotSent(f"the command ended with {done.returncode}")
