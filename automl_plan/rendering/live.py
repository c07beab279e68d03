"""Words that the lists of live datasets and models share."""

from __future__ import annotations

from automl_plan.inventory.datasets import DatasetRow
from automl_plan.inventory.models import ModelRow
from automl_plan.resources.live import LiveDataset, LiveModel, user_labels
from automl_plan.resources.model_types import Problem

_KINDS = {
    Problem.IMAGE_CLASSIFICATION: "Image classification",
    Problem.IMAGE_OBJECT_DETECTION: "Image object detection",
}


def kind_of(problem: Problem | None) -> str:
    """What Google's page calls a kind."""
    return "Other" if problem is None else _KINDS[problem]


def managed_as(row: DatasetRow | ModelRow) -> str:
    """The address that a live object belongs to, or `unmanaged`."""
    if row.address is None:
        return "unmanaged"
    return str(row.address) if row.current else f"{row.address} (former)"


def labels_of(live: LiveDataset | LiveModel) -> str:
    """The user's labels, one a line."""
    return "\n".join(f"{k}={v}" for k, v in sorted(user_labels(live.labels).items())) or "-"
