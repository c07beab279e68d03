"""What AutoML v1 and Vertex AI v1 measure alike, but for the names of some fields.

Neither reports all that its documentation lists: recorded entries of both have a threshold, a
precision and a recall only (vertex-ai-samples, "UJ1 … Image Classification", of both APIs). What
is absent is zero or not told, and no answer says which: it is None, unless other numbers of the
answer prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

from msgspec.structs import replace

from automl_plan.model.evaluation import (
    ConfidenceMetrics,
    ConfusionMatrix,
    Counts,
    Evaluation,
    counts_of,
)
from automl_plan.providers.google.json_fields import integer, items, number

ALL_PREDICTIONS = 2**31 - 1
"""The position of entries that count all predictions (proto: ConfidenceMetricsEntry; schema:
classification metrics)."""
SHOWN_IOU = 0.5
_SAME = 1e-6
_Entries = tuple[ConfidenceMetrics, ...]


def label_thresholds(entries: object, position: str) -> _Entries:
    """Return entries of classification by rising threshold; `position` names the field that
    limits predictions. Entries of one threshold that contradict each other have no numbers."""
    found: list[tuple[ConfidenceMetrics, bool]] = []
    for entry in objects(entries):
        place = integer(entry.get(position))
        if place in (None, 0, ALL_PREDICTIONS):
            found.append((_of_label(entry), place == ALL_PREDICTIONS))
    return _in_order(_once_each(found))


def _of_label(entry: Mapping[str, Any]) -> ConfidenceMetrics:
    precision, recall = number(entry.get("precision")), number(entry.get("recall"))
    found = ConfidenceMetrics(
        threshold=number(entry.get("confidenceThreshold")),
        precision=precision,
        recall=recall,
        f1_score=unless_denied(number(entry.get("f1Score")), precision and recall),
    )
    hits, wrong, missed, right = (
        integer(entry.get(f"{name}Count"))
        for name in ("truePositive", "falsePositive", "falseNegative", "trueNegative")
    )
    if recall and (hits, wrong, missed) == (0, 0, 0):
        return found  # noughts for what is not counted
    return replace(
        found,
        false_positive_rate=number(entry.get("falsePositiveRate")),
        true_positives=hits,
        false_positives=wrong,
        false_negatives=missed,
        true_negatives=right,
    )


_Number = TypeVar("_Number", int, float)


def unless_denied(told: _Number | None, evidence: object) -> _Number | None:
    """Return a number; None for a nought where there is evidence that it is none.

    ProtoJSON may also be written with noughts for what is not set.
    """
    return None if not told and evidence else told


def found_any(entries: _Entries) -> bool:
    """Return whether anything was found at any threshold: then there was something to find."""
    return any(entry.recall or entry.true_positives for entry in entries)


def box_thresholds(entries: object, inner: str) -> _Entries:
    """Return entries of object detection as reported, by rising threshold; `inner` holds
    an IoU's entries. None where which of them is that of the shown IoU is not known."""
    by_iou = [(number(entry.get("iouThreshold")), entry) for entry in objects(entries)]
    told = [(abs(iou - SHOWN_IOU), entry) for iou, entry in by_iou if iou is not None]
    if not told:
        return ()
    distance, nearest = min(told, key=lambda each: each[0])
    if distance > _SAME and len(told) < len(by_iou):
        return ()
    found = [(_of_label(entry), False) for entry in objects(nearest.get(inner))]
    return _in_order(_once_each(found))


def _once_each(entries: Iterable[tuple[ConfidenceMetrics, bool]]) -> list[ConfidenceMetrics]:
    """Return one entry for each threshold: the one that is of all predictions for certain."""
    kept: dict[float | int, ConfidenceMetrics] = {}
    certain: dict[float | int, bool] = {}
    for number_of, (entry, sure) in enumerate(entries):
        key = -1 - number_of if entry.threshold is None else entry.threshold
        if key not in kept or (sure and not certain[key]):
            kept[key], certain[key] = entry, sure
        elif sure == certain[key]:
            kept[key] = ConfidenceMetrics(entry.threshold, None, None, None)
    return list(kept.values())


def _in_order(entries: list[ConfidenceMetrics]) -> _Entries:
    """Return entries by rising threshold; those without one stay between their neighbours.

    None where the order of the answer does not tell where those are.
    """
    told = [entry.threshold for entry in entries if entry.threshold is not None]
    if all(before < after for before, after in pairwise(told)):
        return tuple(entries)
    if all(before > after for before, after in pairwise(told)):
        return tuple(reversed(entries))
    if len(told) < len(entries):
        return ()
    return tuple(sorted(entries, key=lambda entry: entry.threshold or 0.0))


def completed(entries: _Entries, positives: int | None) -> _Entries:
    """Return entries with the shares that follow from their other numbers.

    `positives` are the labels or boxes that are there to be found. F1 follows from precision and
    recall. A share of nothing is none, whatever number the service writes for it; a precision of 1
    is none, too, where no other number proves that anything was predicted.
    """
    return tuple(_completed(entry, counts_of(entry, positives)) for entry in entries)


def _completed(entry: ConfidenceMetrics, counts: Counts) -> ConfidenceMetrics:
    precision, recall, f1_score = entry.precision, entry.recall, entry.f1_score
    if recall is None and counts.hits is not None and counts.positives:
        recall = counts.hits / counts.positives
    if precision is None and counts.hits is not None and counts.predicted:
        precision = counts.hits / counts.predicted
    if f1_score is None and counts.hits is not None and counts.involved:
        f1_score = 2 * counts.hits / (counts.involved + counts.hits)
    if f1_score is None and precision is not None and recall is not None:
        both = precision + recall
        f1_score = 2 * precision * recall / both if both else 0.0
    of_nothing = precision == 1 and recall is None and not f1_score and counts.predicted is None
    if counts.predicted == 0 or of_nothing:
        precision = None
    if counts.positives == 0:
        recall = None
    return replace(entry, precision=precision, recall=recall, f1_score=f1_score)


def of_labels(
    found: Evaluation, metrics: Mapping[str, Any], entries: _Entries, positives: int | None
) -> Evaluation:
    """Return an evaluation of classification with the areas, the loss and the completed entries.

    `positives` are the labels that are there to be found.
    """
    area = number(metrics.get("auPrc"))
    return replace(
        found,
        au_prc=area,
        au_roc=unless_denied(number(metrics.get("auRoc")), area),
        log_loss=number(metrics.get("logLoss")),
        thresholds=completed(entries, positives),
        positives=positives,
    )


def told_positives(entries: _Entries) -> int | None:
    """Return what is there to be found, by the counts of entries; None where none tells it."""
    for entry in entries:
        found = counts_of(entry, None).positives
        if found is not None:
            return found
    return None


def fitting(positives: int | None, entries: _Entries) -> int | None:
    """Return a number of labels to be found, if every recall is a share of so many.

    A confusion matrix may have some of the labels only.
    """
    if positives is None or any(
        entry.recall is not None and counts_of(entry, positives).hits is None for entry in entries
    ):
        return None
    return positives


def confusion(labels: tuple[str, ...], rows: list[Any]) -> ConfusionMatrix | None:
    """Return a confusion matrix; None unless it is square and every count is reported."""
    told = [[integer(count) for count in items(row)] for row in rows]
    counts = tuple(tuple(count for count in row if count is not None) for row in told)
    square = [len(row) for row in counts] == [len(labels)] * len(labels)
    whole = all(len(row) == len(kept) for row, kept in zip(told, counts, strict=True))
    return ConfusionMatrix(labels, counts) if labels and square and whole else None


def objects(value: object) -> list[dict[str, Any]]:
    """The messages of a repeated field."""
    return [item for item in items(value) if isinstance(item, dict)]
