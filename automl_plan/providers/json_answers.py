"""What a body of JSON says, or why it can't be used: nothing of another body is shown.

Whoever names the endpoint, as a pull request may, need not be who may read what answers there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from automl_plan.errors import TransportError
from automl_plan.providers.answers import error_told

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
        told = error_told(content)
        text = f"The answer is an error under a status of success{f': {told}' if told else '.'}"
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
        raise strange(f"The answer is not the list that was asked for: it has no {key!r}.", path)
    return items, token


def strange(text: str, path: str) -> TransportError:
    """The error for a page of a list that is none."""
    return TransportError(text, sent=True, where=f"GET {path}")


def _unusable(text: str, method: str, path: str) -> TransportError:
    return TransportError(text, sent=True, accepted=True, where=f"{method} {path}")
