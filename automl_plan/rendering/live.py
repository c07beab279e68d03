"""Words that the lists of live datasets and models share."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.inventory.datasets import DatasetRow
from automl_plan.inventory.models import ModelRow
from automl_plan.resources.json import Json
from automl_plan.resources.live import LiveDataset, LiveModel, user_labels
from automl_plan.resources.model_types import Problem
from automl_plan.resources.ownership import Claim

_KINDS = {
    Problem.IMAGE_CLASSIFICATION: "Image classification",
    Problem.IMAGE_OBJECT_DETECTION: "Image object detection",
}


def kind_of(problem: Problem | None) -> str:
    """What Google's page calls a kind."""
    return "Other" if problem is None else _KINDS[problem]


def managed_as(row: DatasetRow | ModelRow) -> str:
    """The address that a live object belongs to, or whose it is otherwise."""
    if row.address is not None:
        return str(row.address) if row.current else f"{row.address} (former)"
    match row.ownership.claim:
        case Claim.BEING_MADE:
            return f"being made by {row.ownership.address}"
        case Claim.THIS_STATE:
            return "this state, not recorded"
        case Claim.OTHER_STATE:
            return "another state"
        case _:
            return "unmanaged"


def ownership_json(row: DatasetRow | ModelRow) -> dict[str, Json]:
    """The same for programs."""
    address = row.ownership.address if row.ownership.claim is Claim.BEING_MADE else None
    return {
        "claim": str(row.ownership.claim),
        "being_made_by": None if address is None else str(address),
    }


def labels_of(live: LiveDataset | LiveModel) -> Sequence[str]:
    """The user's labels, or a dash."""
    return [f"{k}={v}" for k, v in sorted(user_labels(live.labels).items())] or ["-"]
