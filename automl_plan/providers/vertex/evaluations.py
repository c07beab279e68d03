"""Vertex AI v1's model evaluations and their slices → our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from automl_plan.providers.metrics import box_thresholds, confusion, label_thresholds, objects
from automl_plan.providers.values import integer, items, mapping, moment, number, tail, text
from automl_plan.resources.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation

BY_LABEL = "annotationSpec"
"""The dimension of slices that are labels (proto: ModelEvaluationSlice.Slice.dimension)."""


def overall(answers: Iterable[Mapping[str, Any]]) -> Evaluation | None:
    """The first evaluation that a model was given: later ones may be of other data."""
    found = sorted(answers, key=lambda answer: str(answer.get("createTime") or ""))
    if not found:
        return None
    first = found[0]
    return _evaluation(first, None)


def by_label(answers: Iterable[Mapping[str, Any]]) -> list[Evaluation]:
    """The slices that are labels, by label."""
    found = []
    for answer in answers:
        told = mapping(answer.get("slice"))
        if told.get("dimension") == BY_LABEL:
            found.append(_evaluation(answer, text(told.get("value")) or ""))
    return sorted(found, key=lambda each: (each.label or "", each.id))


def _evaluation(answer: Mapping[str, Any], label: str | None) -> Evaluation:
    metrics = mapping(answer.get("metrics"))
    found = Evaluation(
        id=tail(answer.get("name")),
        label=label,
        example_count=0,
        create_time=moment(answer.get("createTime")),
        simulated=mapping(answer.get("metadata")).get("simulated") is True,
    )
    if "boundingBoxMetrics" in metrics or "boundingBoxMeanAveragePrecision" in metrics:
        return replace(
            found,
            example_count=integer(metrics.get("evaluatedBoundingBoxCount")) or 0,
            mean_average_precision=number(metrics.get("boundingBoxMeanAveragePrecision")),
            thresholds=box_thresholds(metrics.get("boundingBoxMetrics"), "confidenceMetrics"),
        )
    thresholds = label_thresholds(metrics.get("confidenceMetrics"), "maxPredictions")
    return replace(
        found,
        example_count=_examples(thresholds),
        au_prc=number(metrics.get("auPrc")),
        au_roc=number(metrics.get("auRoc")),
        log_loss=number(metrics.get("logLoss")),
        thresholds=thresholds,
        confusion=_confusion(metrics.get("confusionMatrix")),
    )


def _examples(thresholds: Iterable[ConfidenceMetrics]) -> int:
    """How many labels were judged: what the service tells in place of a number of images."""
    first = next(iter(thresholds), None)
    return 0 if first is None else (first.true_positives or 0) + (first.false_negatives or 0)


def _confusion(matrix: object) -> ConfusionMatrix | None:
    told = mapping(matrix)
    specs = objects(told.get("annotationSpecs"))
    labels = tuple(str(spec.get("displayName", "")) for spec in specs)
    return confusion(labels, items(told.get("rows")))
