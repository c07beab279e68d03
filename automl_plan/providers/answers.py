"""An HTTP answer with an error → one exception of the tree in automl_plan.errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from automl_plan import errors
from automl_plan.errors import ApiError

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
_SHOWN = 300
"""Characters of a body that is not JSON which are shown."""


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
    message = error.get("message")
    if not isinstance(message, str) or not message.strip():
        message = f"HTTP {status}. {shown(body)}".strip()
    return cls(
        message.strip(),
        http_status=status,
        retry_after=_retry_after(headers, details),
        where=where,
        hint=_hint(cls, status, details, host),
    )


def shown(body: bytes) -> str:
    """The start of a body that is no JSON, safe to print."""
    text = re.sub(r"\s+", " ", body[: 2 * _SHOWN].decode("utf-8", "replace"))
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:_SHOWN]


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
    """Seconds to wait, by the header or by google.rpc.RetryInfo."""
    candidates = [headers.get("Retry-After", "")]
    candidates += [str(d.get("retryDelay", "")).removesuffix("s") for d in details]
    for text in candidates:
        try:
            seconds = float(text)
        except ValueError:
            continue
        if 0 <= seconds < 86_400:
            return seconds
    return None


def _hint(cls: type[ApiError], status: int, details: list[dict[str, Any]], host: str) -> str | None:
    hints = []
    for detail in details:
        hints += [
            f"{violation.get('field')}: {violation.get('description')}"
            for violation in _objects(detail.get("fieldViolations"))
        ]
        hints += [f"See {link.get('url')}" for link in _objects(detail.get("links"))]
        if "reason" in detail:
            hints.append(f"Google's reason: {detail['reason']}.")
    if status in (403, 404, 501) and host.endswith("automl.googleapis.com"):
        hints.append(
            "Google shut AutoML Vision down on 2024-03-31, so this host can't be expected to "
            "answer; the provider `local` speaks the same protocol."
        )
    elif not hints and cls in _HINTS:
        hints.append(_HINTS[cls])
    return " ".join(hints) or None


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
