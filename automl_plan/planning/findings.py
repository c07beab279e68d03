"""Findings that last until someone acts: drift, and models that expire. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.desired import DesiredModel
from automl_plan.model.json import Json
from automl_plan.model.lifespan import WARNING, days_left
from automl_plan.model.live import LiveModel
from automl_plan.model.notices import NoticeKind
from automl_plan.model.ownership_labels import CURRENT
from automl_plan.model.recorded import RecordedResource, Status
from automl_plan.planning.drift import FIELD
from automl_plan.planning.plan import Difference, Drift

_SHOWN = 5
"""Differences that a message lists."""
_LONGEST = 80
"""Characters of one value in a message."""
_DIGITS = 16
_STATUS_PATH = f"{FIELD}.status"
_DATA_PATH = f"{FIELD}.data"
_FINGERPRINT = re.compile(r"v1-[0-9a-f]+")


class LastingFinding(Struct, frozen=True):
    """A lasting finding, reported once."""

    kind: NoticeKind
    address: Address
    object_id: str
    what: str
    """What distinguishes it from other findings on the same object."""
    text: str
    """What a person reads: what, where, and the next command."""

    @property
    def key(self) -> str:
        """Identifies the finding as long as it lasts; kept in the state."""
        return f"{self.kind} {self.address} {self.object_id} {self.what}"


def address_of(key: str) -> str:
    """Return the address in a finding's key."""
    return key.split(" ", 2)[1]


def busy_addresses(resources: Mapping[Address, RecordedResource]) -> frozenset[Address]:
    """Return the addresses with open operations: a difference there may be our own doing."""
    return frozenset(address for address, record in resources.items() if record.operations)


def drift_findings(
    drift: Iterable[Drift], but: Collection[Address] = ()
) -> tuple[LastingFinding, ...]:
    """Return a finding for each object that changed outside, except at the addresses `but`."""
    return tuple(
        LastingFinding(NoticeKind.DRIFT, item.address, item.object_id, _digest(item), _text(item))
        for item in map(_by_others, drift)
        if item is not None and item.address not in but
    )


def _by_others(item: Drift) -> Drift | None:
    """Drift without labels that an interrupted run of ours may have left outdated.

    A status or a fingerprint of data in the form that we give them is such a label.
    """
    differences = tuple(d for d in item.differences if not _unfinished(d))
    if item.differences and not differences:
        return None
    return replace(item, differences=differences)


def _unfinished(difference: Difference) -> bool:
    there = difference.after
    if difference.path == _STATUS_PATH:
        return there == CURRENT or there in set(Status)
    return difference.path == _DATA_PATH and bool(_FINGERPRINT.fullmatch(str(there)))


def expiry_findings(
    models: Mapping[Address, DesiredModel],
    resources: Mapping[Address, RecordedResource],
    live: Mapping[str, LiveModel],
    now: datetime,
) -> tuple[LastingFinding, ...]:
    """Return a finding for each declared model whose current version expires soon or has expired.

    Near is `retrain.before_expiry`, else the time of the warning in plans. `now` is the
    service's time.
    """
    found = []
    for address, model in sorted(models.items()):
        record = resources.get(address)
        there = live.get(record.current.id) if record and record.current else None
        ends = None if there is None else there.expires
        limit = model.retrain_before_expiry or WARNING
        if there is None or ends is None or ends - now > limit:
            continue
        over = ends <= now
        text = f"{address}: {_life(there.id, ends, now)}. {_next(address, model, over=over)}"
        what = "over" if over else _named(limit)
        found.append(LastingFinding(NoticeKind.EXPIRY, address, there.id, what, text))
    return tuple(found)


def _life(object_id: str, ends: datetime, now: datetime) -> str:
    if ends <= now:
        return f"{object_id} expired on {ends.date()} and serves no predictions"
    days = days_left(ends, now)
    left = f"in {days} day{'s' if days != 1 else ''}" if days else "in less than a day"
    return f"{object_id} expires {left}, on {ends.date()}, and serves no predictions after that"


def _next(address: Address, model: DesiredModel, *, over: bool) -> str:
    if model.retrain_before_expiry is not None and not over:
        return "retrain.before_expiry requires a new version. Next: automl-plan apply"
    return f"Next: automl-plan apply --replace {address}"


def _named(limit: timedelta) -> str:
    return f"{limit // timedelta(hours=1)}h"


def _digest(item: Drift) -> str:
    differences = [[_recorded_path(d.path), d.before, d.after] for d in item.differences]
    content = json.dumps([item.gone, item.trained, differences], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]


def _recorded_path(path: str) -> str:
    """The path as version 0.1 named it: findings that are already recorded stay the same."""
    return path.replace(f"{FIELD}.", "bookkeeping.", 1) if path.startswith(f"{FIELD}.") else path


def _text(item: Drift) -> str:
    if item.trained is not None:
        what = f"someone else trained a model on it: {_printable(item.trained)} ({item.object_id})"
    elif item.gone:
        what = f"{item.object_id} was deleted outside automl-plan"
    else:
        shown = [_difference(difference) for difference in item.differences[:_SHOWN]]
        rest = len(item.differences) - len(shown)
        shown += [f"and {rest} more"] if rest else []
        what = f"{item.object_id} was changed outside automl-plan: {'; '.join(shown)}"
    return f"{item.address}: {what}. Next: automl-plan plan"


def _difference(difference: Difference) -> str:
    path = _printable(difference.path)
    return f"{path}: {_value(difference.before)} → {_value(difference.after)}"


def _value(value: Json) -> str:
    return "(none)" if value is None else _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    """Text from outside without what a terminal acts on, and not too long."""
    seen = text[: _LONGEST - 1] + "…" if len(text) > _LONGEST else text
    return "".join(c if c.isprintable() else "�" for c in seen)
