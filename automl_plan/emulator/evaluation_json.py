"""How evaluations are kept in the database: as JSON of their fields."""

import json
from typing import Any

import msgspec

from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    DetectionMetrics,
    DetectionThreshold,
    Evaluation,
    IouEntry,
    Threshold,
)


def dump_evaluation(evaluation: Evaluation) -> str:
    """The text that `load_evaluation` reads."""
    return msgspec.json.encode(evaluation).decode()


def load_evaluation(text: str) -> Evaluation:
    """The evaluation that was dumped."""
    fields = json.loads(text)
    metrics = fields["metrics"]
    return Evaluation(
        label=fields["label"],
        evaluated_example_count=fields["evaluated_example_count"],
        metrics=_detection(metrics) if "entries" in metrics else _classification(metrics),
    )


def _classification(fields: dict[str, Any]) -> ClassificationMetrics:
    thresholds, confusion = fields.pop("thresholds"), fields.pop("confusion")
    return ClassificationMetrics(
        **fields,
        thresholds=tuple(Threshold(**entry) for entry in thresholds),
        confusion=None if confusion is None else tuple(tuple(row) for row in confusion),
    )


def _detection(fields: dict[str, Any]) -> DetectionMetrics:
    entries = []
    for entry in fields.pop("entries"):
        thresholds = tuple(DetectionThreshold(**each) for each in entry.pop("thresholds"))
        entries.append(IouEntry(**entry, thresholds=thresholds))
    return DetectionMetrics(**fields, entries=tuple(entries))
