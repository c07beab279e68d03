"""The checked configuration → what is desired, and its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from automl_plan.config.rules import Checked
from automl_plan.resources.address import dataset_address, model_address
from automl_plan.resources.desired import (
    Desired,
    DesiredDataset,
    DesiredModel,
    OnSourceChange,
)
from automl_plan.resources.model_types import DEFAULT_MODEL_TYPE, ClassificationType, Problem

DEFAULT_STATE_PATH = "state/default.json"


def desired(checked: Checked) -> Desired:
    """All declared resources, sorted by name: the order in the files has no meaning."""
    datasets = (_dataset(name, checked.datasets[name]) for name in sorted(checked.datasets))
    models = (_model(name, checked.models[name]) for name in sorted(checked.models))
    return Desired({d.address: d for d in datasets}, {m.address: m for m in models})


def digest(checked: Checked, wanted: Desired) -> str:
    """`sha256:` and the hex digest of the canonical JSON of all that the configuration says."""
    content = {
        "provider": {str(checked.provider): checked.provider_settings},
        "state": checked.state_path,
        "datasets": {
            d.address.name: {
                **d.attributes(),
                "sources": d.sources,
                "on_source_change": d.on_source_change,
            }
            for d in wanted.datasets.values()
        },
        "models": {
            m.address.name: {
                "display_name": m.display_name,
                "dataset": m.dataset.name,
                m.problem: {
                    "model_type": m.model_type,
                    "train_budget_milli_node_hours": m.train_budget_milli_node_hours,
                    "base_model_id": m.base_model_id,
                },
                "deploy": m.node_count,
                "labels": m.labels,
            }
            for m in wanted.models.values()
        },
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _dataset(name: str, entry: Mapping[str, Any]) -> DesiredDataset:
    problem = next(problem for problem in Problem if problem in entry)
    classification_type = None
    if problem is Problem.IMAGE_CLASSIFICATION:
        classification_type = ClassificationType(entry[problem]["classification_type"])
    return DesiredDataset(
        address=dataset_address(name),
        display_name=entry.get("display_name", name),
        problem=problem,
        classification_type=classification_type,
        description=entry.get("description", ""),
        labels=entry.get("labels", {}),
        sources=tuple(entry.get("sources", ())),
        on_source_change=OnSourceChange(entry.get("on_source_change", OnSourceChange.REPLACE)),
    )


def _model(name: str, entry: Mapping[str, Any]) -> DesiredModel:
    problem = next(problem for problem in Problem if problem in entry)
    kind = entry[problem]
    deploy = entry.get("deploy")
    return DesiredModel(
        address=model_address(name),
        display_name=entry.get("display_name", name),
        dataset=dataset_address(entry["dataset"]),
        problem=problem,
        model_type=kind.get("model_type", DEFAULT_MODEL_TYPE[problem]),
        # 8e3 is an integer for JSON Schema, and a float for Python.
        train_budget_milli_node_hours=int(kind["train_budget_milli_node_hours"]),
        base_model_id=kind.get("base_model_id"),
        labels=entry.get("labels", {}),
        node_count=None if deploy is None else int(deploy.get("node_count", 1)),
    )
