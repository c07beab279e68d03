"""Applies `lifecycle.ignore_changes` to the declared resources. Pure.

An ignored field is declared to have its present value: the live one for fields that can be patched,
the recorded one for the rest. Everything after this treats it like any other field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.fields import Mutability
from automl_plan.model.json import Attributes
from automl_plan.model.live import Live
from automl_plan.model.model_types import ClassificationType
from automl_plan.model.recorded import RecordedResource
from automl_plan.planning.compare import differences, observed, of
from automl_plan.planning.drift import live_object
from automl_plan.planning.projection import NOT_YET_CREATED

_Declared = TypeVar("_Declared", DesiredDataset, DesiredModel)
_TRAINING = ("model_type", "train_budget_milli_node_hours", "base_model_id")


def without_ignored(
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    live: Live | None,
    replaced: Collection[Address] = (),
) -> Desired:
    """Return the declared resources with the present values of ignored fields.

    A resource that is gone or explicitly `replaced` is created as declared.
    """
    if not ignores(desired):
        return desired
    known = {a: r for a, r in resources.items() if a not in replaced}
    return replace(
        desired,
        datasets={a: _as_is(d, known.get(a), live) for a, d in desired.datasets.items()},
        models={a: _as_is(m, known.get(a), live) for a, m in desired.models.items()},
    )


def ignores(desired: Desired) -> bool:
    """Whether any field of any resource is ignored."""
    return any(d.lifecycle.ignore_changes for d in desired.datasets.values()) or any(
        m.lifecycle.ignore_changes for m in desired.models.values()
    )


def _as_is(declared: _Declared, record: RecordedResource | None, live: Live | None) -> _Declared:
    current = None if record is None else record.current
    if current is None or not declared.lifecycle.ignore_changes:
        return declared
    there: Attributes = current.attributes
    alive = None if live is None else live_object(live, declared.address.kind, current.id)
    if live is not None and alive is None and current.id != NOT_YET_CREATED:
        return declared
    if alive is not None:
        there = observed(declared.address.kind, there, alive.attributes())
    changed: dict[str, Any] = {}
    for path in declared.lifecycle.ignore_changes:
        changed |= _field(declared, path, there, changed)
    if isinstance(declared, DesiredDataset):
        kept = replace(declared, **{k: v for k, v in changed.items() if k != "data"})
        found = differences(there, kept.attributes())
        if of(ResourceKind.DATASET, found, Mutability.IMMUTABLE):
            return kept  # a new one is made, of what its sources hold now
    return replace(declared, **changed)


def _field(
    declared: DesiredDataset | DesiredModel, path: str, there: Attributes, changed: dict[str, Any]
) -> dict[str, Any]:
    """What one ignored path sets; nothing where it is not known what there is."""
    top, _, leaf = path.partition(".")
    value: Any = there.get(top)
    if top in ("display_name", "description"):
        return {} if value is None else {top: value}
    if top == "labels":
        labels = value if isinstance(value, dict) else {}
        return {"labels": _labels(changed.get("labels", declared.labels), labels, leaf)}
    if top == "deploy":
        if leaf and (value is None or getattr(declared, "node_count", None) is None):
            return {}  # the number of nodes is ignored, not whether it is deployed
        if not isinstance(value, dict):
            return {"node_count": None}
        reported = value.get("node_count")  # the service may not tell on how many
        return {"node_count": reported or getattr(declared, "node_count", None) or 1}
    if top == "sources":
        return {"data": there.get("data")} if there.get("data") is not None else {}
    if top == declared.problem and isinstance(value, dict):
        return _training_inputs(declared, value, leaf)
    return {}


def _labels(declared: Mapping[str, str], there: Mapping[str, str], key: str) -> dict[str, str]:
    if not key:
        return dict(there)
    others = {k: v for k, v in declared.items() if k != key}
    return {**others, key: there[key]} if key in there else others


def _training_inputs(
    declared: DesiredDataset | DesiredModel, kind: Mapping[str, Any], leaf: str
) -> dict[str, Any]:
    if isinstance(declared, DesiredDataset):
        found = kind.get("classification_type")
        return {} if found is None else {"classification_type": ClassificationType(found)}
    names = (leaf,) if leaf in _TRAINING else _TRAINING
    known = {name: kind.get(name) for name in names}
    return {k: v for k, v in known.items() if v is not None or k == "base_model_id"}
