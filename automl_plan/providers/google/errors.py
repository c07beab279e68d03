"""A failed, unusable or missing answer → one exception of automl_plan.errors."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from automl_plan import errors
from automl_plan.errors import ApiError, TransportError
from automl_plan.providers.google.hints import (
    advice_on,
    advice_on_bucket,
    advice_on_host,
    advice_on_path,
)

_CLASSES: dict[str, type[ApiError]] = {
    cls.status: cls
    for cls in (
        errors.InvalidArgument,
        errors.FailedPrecondition,
        errors.OutOfRange,
        errors.Unauthenticated,
        errors.PermissionDenied,
        errors.NotFound,
        errors.AlreadyExists,
        errors.Aborted,
        errors.ResourceExhausted,
        errors.Cancelled,
        errors.Internal,
        errors.Unknown,
        errors.DataLoss,
        errors.Unimplemented,
        errors.Unavailable,
        errors.DeadlineExceeded,
    )
}
_BY_HTTP_STATUS: dict[int, type[ApiError]] = {
    400: errors.InvalidArgument,
    401: errors.Unauthenticated,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.Aborted,
    412: errors.FailedPrecondition,
    429: errors.ResourceExhausted,
    499: errors.Cancelled,
    500: errors.Internal,
    501: errors.Unimplemented,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.DeadlineExceeded,
}
_HINTS: dict[type[ApiError], str] = {
    errors.PermissionDenied: "Check the project, the caller's roles and that the API is on.",
    errors.Unauthenticated: "Log in again: `gcloud auth application-default login`.",
    errors.ResourceExhausted: "A quota is used up: wait, or ask for more.",
}
_NO_METHOD = "Method not found."
"""What Google's services, and the embedded one, say of a path that is none of theirs."""
_LONGEST_TEXT = 4000
_LONGEST_WAIT = 86_400.0
"""Seconds; a longer time to wait is taken for none."""
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_SECRET = re.compile(
    r"(?i)(\bbearer\s+|\b(?:access_token|id_token|refresh_token|client_secret|key)[\"']?\s*[=:]"
    r"\s*[\"']?)[\w.~+/=-]{8,}|\bya29\.[\w.-]+|\beyJ[\w-]{8,}\.[\w.-]+"
)
"""What looks like a token: a proxy's error page may quote the request that it refused."""


def api_error(
    status: int, headers: Mapping[str, str], body: bytes, *, where: str, host: str
) -> ApiError:
    """The exception for an answer that is no success (google.rpc.Status in its envelope).

    400 and 409 mean several things: `error.status` decides where it is given.
    """
    error = _envelope(body)
    details = _objects(error.get("details"))
    cls = _CLASSES.get(str(error.get("status"))) or _BY_HTTP_STATUS.get(status)
    if cls is None:
        cls = errors.Internal if status >= 500 else errors.Unknown
    message = plain(error.get("message"))
    # Nothing of another body is shown: one who sets the endpoint may not be allowed to read it.
    text = message or f"HTTP {status}, and no error of Google's form."
    return cls(
        text,
        http_status=status,
        retry_after=_retry_after(headers, details),
        where=where,
        hint=_hint(status, details, host)
        or (None if error else advice_on_host(host))
        or (advice_on_path(host) if status == 404 and message in (_NO_METHOD, "") else None)
        or _usual_hint(cls, text, where),
    )


def error_text_in(body: bytes) -> str:
    """Code and message of an error of Google's form; "" where a body is none."""
    error = _envelope(body)
    code = error.get("code")
    shown = f"{code} " if isinstance(code, int) else ""
    return (shown + plain(error.get("message"))).strip()


def plain(text: object) -> str:
    """A text of a service on one line, safe to print: no control characters, no tokens."""
    if not isinstance(text, str):
        return ""
    line = _SECRET.sub(r"\1(hidden)", " ".join(text[:_LONGEST_TEXT].split()))
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list) and document:  # Google wraps errors of some APIs in a list
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _retry_after(headers: Mapping[str, str], details: list[dict[str, Any]]) -> float | None:
    """Seconds to wait, by google.rpc.RetryInfo or by the header."""
    candidates = [_seconds(str(d.get("retryDelay", "")).removesuffix("s")) for d in details]
    header = headers.get("Retry-After", "")
    candidates += [_seconds(header), _seconds_until(header)]
    return next((s for s in candidates if s is not None and 0 <= s < _LONGEST_WAIT), None)


def _seconds(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _seconds_until(text: str) -> float | None:
    """RFC 9110, Retry-After: it may be a date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _hint(status: int, details: list[dict[str, Any]], host: str) -> str | None:
    hints = []
    for detail in details:
        hints += [
            f"{plain(violation.get('field'))}: {plain(violation.get('description'))}"
            for violation in _objects(detail.get("fieldViolations"))
        ]
        hints += [f"See {plain(link.get('url'))}" for link in _objects(detail.get("links"))]
        if "reason" in detail:
            metadata = detail.get("metadata")
            hint = advice_on(str(detail["reason"]), metadata if isinstance(metadata, dict) else {})
            hints.append(hint or f"Google's reason: {plain(detail['reason'])}.")
    if status in (403, 404, 501) and host.endswith("automl.googleapis.com"):
        hints.append(
            "Google shut AutoML Vision down on 2024-03-31, so this host can't be expected to "
            "answer; the provider `local` speaks the same protocol."
        )
    return " ".join(hints) or None


def _usual_hint(cls: type[ApiError], message: str, where: str) -> str | None:
    """Return a hint for an answer without a reason."""
    hint = advice_on_bucket(message, where) if cls is errors.PermissionDenied else None
    return hint or _HINTS.get(cls)


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_BESIDE_A_LIST = frozenset({"kind", "etag", "prefixes", "selfLink", "totalSize", "unreachable"})
"""What an answer with an empty list may hold; fields without a value are left out of JSON."""


def json_object(content: bytes, method: str, path: str) -> dict[str, Any]:
    """The object that an answer holds; a write may be answered by nothing at all.

    Raises TransportError.
    """
    if not content.strip():
        if method != "GET":
            return {}
        raise _unusable("The answer is empty, and no JSON.", method, path)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise _unusable("The answer is not JSON.", method, path) from None
    if not isinstance(document, dict):
        raise _unusable("The answer is not a JSON object.", method, path)
    # An operation or a pipeline with an error has a name, too.
    if document.get("error") and "name" not in document:
        reason = error_text_in(content)
        text = f"The answer is an error under a status of success{f': {reason}' if reason else '.'}"
        raise _unusable(text, method, path)
    return document


def page(answer: Mapping[str, Any], key: str, path: str) -> tuple[list[dict[str, Any]], str]:
    """The items of a page of a list, and the token of the next page or "".

    Raises TransportError.
    """
    items, token = answer.get(key), answer.get("nextPageToken")
    items, token = [] if items is None else items, "" if token is None else token
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise strange(f"The answer's {key!r} is not a list of objects.", path)
    if not isinstance(token, str):
        raise strange("The answer's 'nextPageToken' is no text.", path)
    if key not in answer and "nextPageToken" not in answer and not answer.keys() <= _BESIDE_A_LIST:
        raise strange(f"The response is not the requested list: it has no {key!r}.", path)
    return items, token


def strange(text: str, path: str) -> TransportError:
    """The error for a page of a list that is none."""
    return TransportError(text, sent=True, where=f"GET {path}")


def _unusable(text: str, method: str, path: str) -> TransportError:
    return TransportError(text, sent=True, accepted=True, where=f"{method} {path}")


def transport_error(error: Exception, where: str, host: str, silence: float) -> TransportError:
    """Say what failed in our own words: the library's quote the whole URL."""
    import requests

    hint = None
    sent = not _never_sent(error)
    if _certificate_refused(error):
        text = f"The certificate of {host} is not trusted; nothing was sent."
        hint = "Behind a proxy that has its own, let REQUESTS_CA_BUNDLE name its authority."
    elif not sent:
        text = f"No connection to {host} could be made; nothing was sent."
        hint = advice_on_host(host) or "Check the network, the proxy and the endpoint."
    elif isinstance(error, requests.Timeout):
        text = f"{host} did not answer within {silence:.0f} seconds."
    else:
        text = f"The connection to {host} broke before the whole answer arrived."
    return TransportError(text, sent=sent, where=where, hint=hint)


def _never_sent(error: Exception) -> bool:
    """Whether it is certain that no byte of the request left: no connection came about."""
    import requests
    from urllib3.exceptions import NewConnectionError, ProxyError

    reason = _reason(error)
    if isinstance(reason, ProxyError):
        reason = reason.original_error
    return (
        isinstance(error, requests.ConnectTimeout)
        or isinstance(reason, NewConnectionError)
        or _certificate_refused(error)
    )


def _certificate_refused(error: Exception) -> bool:
    reason = _reason(error)
    causes = reason.args if isinstance(reason, Exception) else ()
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


def _reason(error: Exception) -> object:
    """What urllib3 says is behind an exception of requests."""
    return getattr(error.args[0] if error.args else None, "reason", None)
