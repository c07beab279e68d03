"""What the methods of the fronts share: query parameters, paging, masks, locations, metrics."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.store import Window
from automl_plan.emulator.training.types import Threshold
from automl_plan.emulator.wire.messages import camel, snake

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
_INT32 = 2**31 - 1

_SYSTEM_PARAMETERS = frozenset(
    {
        *("$alt", "alt", "$prettyPrint", "prettyPrint", "$fields", "fields", "$.xgafv", "key"),
        *("$key", "quotaUser", "$quotaUser", "userIp", "access_token", "oauth_token", "callback"),
        *("uploadType", "upload_protocol", "$unique"),
    }
)
"""Query parameters that every Google API takes (discovery documents, "parameters")."""

LIST_PARAMETERS = frozenset({"filter", "pageSize", "pageToken"})


def check_query(request: Request, known: Collection[str] = ()) -> None:
    """Refuse query parameters that the method doesn't have."""
    for name in request.query:
        if name not in _SYSTEM_PARAMETERS and camel(name) not in known:
            raise ServiceError(
                Code.INVALID_ARGUMENT,
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message.",
            )


def parameter(request: Request, name: str) -> str | None:
    """A query parameter in camel or snake case."""
    value = request.query.get(name)
    return request.query.get(snake(name)) if value is None else value


def enums_as_numbers(request: Request) -> bool:
    """Whether the client asked for enum numbers: `$alt=json;enum-encoding=int`."""
    alt = request.query.get("$alt", request.query.get("alt", ""))
    return "enum-encoding=int" in alt.split(";")


def timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC with six digits, as the service writes it."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def filled(fields: Mapping[str, object]) -> dict[str, object]:
    """Proto3 JSON leaves out what is empty. A message that is there though empty stays."""
    return {name: value for name, value in fields.items() if value or isinstance(value, dict)}


class Paging(Struct, frozen=True):
    """One page that was asked for; its token belongs to one list with one filter."""

    window: Window
    origin: str

    def token(self, next_before: int | None) -> dict[str, object]:
        """`nextPageToken`, or nothing after the last page."""
        if next_before is None:
            return {}
        raw = json.dumps([next_before, self.origin]).encode()
        return {"nextPageToken": base64.urlsafe_b64encode(raw).decode().rstrip("=")}


def paging(request: Request) -> Paging:
    """The page that `pageSize` and `pageToken` ask for."""
    size_text = parameter(request, "pageSize") or "0"
    if not re.fullmatch(r"-?\d{1,10}", size_text, re.ASCII) or int(size_text) > _INT32:
        raise invalid(("page_size", "The page size must be a number."))
    if int(size_text) < 0:
        raise invalid(("page_size", "The page size must not be negative."))
    size = min(int(size_text) or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    listed = f"{request.path}?{parameter(request, 'filter') or ''}"
    origin = hashlib.sha256(listed.encode()).hexdigest()[:16]
    token = parameter(request, "pageToken")
    return Paging(Window(size, _read_token(token, origin) if token else None), origin)


def _read_token(token: str, origin: str) -> int:
    try:
        padded = token + "=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        content = None
    match content:
        case [int(before), str(of)] if of == origin and 0 < before < 2**63:
            return before
    raise invalid(("page_token", "The page token is not one of this list and filter."))


def masked(request: Request, mutable: Mapping[str, bool]) -> list[str]:
    """The fields to write: those of `updateMask`, or without one those that are given.

    `mutable` says of each field that can be changed whether the body gives it.
    """
    mask = parameter(request, "updateMask")
    if not mask:
        return [name for name, given in mutable.items() if given]
    names = [camel(path.strip()) for path in mask.split(",")]
    if names == ["*"]:
        return list(mutable)
    for name in names:
        if name not in mutable:
            allowed = ", ".join(snake(each) for each in mutable)
            raise invalid(
                ("update_mask", f"{snake(name)} can't be updated. The fields {allowed} can.")
            )
    return names


class LocationMethods:
    """The locations that an API has, with their display names."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._locations = locations

    def list(self, request: Request) -> Reply:
        """All of them, for any project."""
        check_query(request, LIST_PARAMETERS)
        project = request.params["project"]
        return json_reply({"locations": [self._render(project, each) for each in self._locations]})

    def get(self, request: Request) -> Reply:
        """One of them."""
        check_query(request)
        location = request.params["location"]
        if location not in self._locations:
            raise not_found(f"Location {location} does not exist.")
        return json_reply(self._render(request.params["project"], location))

    def _render(self, project: str, location: str) -> dict[str, str]:
        return {
            "name": f"projects/{project}/locations/{location}",
            "locationId": location,
            "displayName": self._locations[location],
        }


_EVERY_POSITION = 2**31 - 1
"""All predictions of an example count."""


def threshold_json(entry: Threshold, position: str) -> dict[str, object]:
    """A ConfidenceMetricsEntry; `position` is the field that tells how many predictions count."""
    counts = {
        "truePositiveCount": entry.true_positive_count,
        "falsePositiveCount": entry.false_positive_count,
        "falseNegativeCount": entry.false_negative_count,
        "trueNegativeCount": entry.true_negative_count,
    }
    return filled(
        {
            "confidenceThreshold": entry.confidence_threshold,
            position: _EVERY_POSITION,
            "recall": entry.recall,
            "precision": entry.precision,
            "falsePositiveRate": entry.false_positive_rate,
            "f1Score": entry.f1_score,
            "recallAt1": entry.recall_at1,
            "precisionAt1": entry.precision_at1,
            "falsePositiveRateAt1": entry.false_positive_rate_at1,
            "f1ScoreAt1": entry.f1_score_at1,
            **{name: str(count) for name, count in counts.items() if count},
        }
    )
