"""Simulated training: waits by the service's clock, reads no image, invents its evaluations."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from msgspec import Struct

from automl_plan.emulator.training.splitting import split
from automl_plan.emulator.training.thresholds import (
    CONFIDENCE_THRESHOLDS,
    Counts,
    threshold_entry,
)
from automl_plan.emulator.training.types import (
    Box,
    ClassificationMetrics,
    DetectionMetrics,
    DetectionThreshold,
    Evaluation,
    IouEntry,
    Prediction,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingJob,
    TrainingResult,
)

_WORST, _BEST = 0.85, 0.99
"""The bounds for the share of a label's images that are recognised."""
_MAX_CONFUSION_LABELS = 10
_DETECTION_THRESHOLDS = CONFIDENCE_THRESHOLDS[1:]
"""For overlaps and for confidences (proto: BoundingBoxMetricsEntry)."""


class _Label(Struct, frozen=True):
    """The simulated results of a label.

    `recognised` counts its images that are recognised, `mistaken` others that are predicted as it.
    `quality` shapes its curves.
    """

    quality: float
    positive: int
    negative: int
    recognised: int
    mistaken: int

    def every(self, confidence: float) -> Counts:
        """Return the counts at a threshold: everything is found at 0, and less at higher ones.

        At 0.5 the recall is the quality, and half of the rest is the rate of false positives.
        """
        steepness = -math.log2(1 - self.quality)
        found = round(self.positive * (1 - confidence**steepness))
        false = round(self.negative * (1 - confidence) ** (steepness + 1))
        return self._counts(found, false)

    def best(self, every: Counts) -> Counts:
        """Return the counts where only the highest score of an image counts."""
        return self._counts(
            min(every.true_positive, self.recognised), min(every.false_positive, self.mistaken)
        )

    def _counts(self, found: int, false: int) -> Counts:
        return Counts(found, false, self.positive - found, self.negative - false)


def classification_evaluations(job: TrainingJob, chance: Random) -> tuple[Evaluation, ...]:
    """Return the overall evaluation and one per label; counts are those of the real TEST images."""
    test = split(example for example in job.examples if example.labels)[SetName.TEST]
    positives = Counter(label for example in test for label in example.labels)
    qualities = [chance.uniform(_WORST, _BEST) for _ in job.labels]
    counts = [positives[label] for label in job.labels]
    right = [round(count * each) for count, each in zip(counts, qualities, strict=True)]
    # Images that aren't recognised are predicted as the next label, those of the last as the first.
    mistaken = [counts[index - 1] - right[index - 1] for index in range(len(counts))]
    fates = [
        _Label(quality, count, len(test) - count, recognised, min(wrong, len(test) - count))
        for quality, count, recognised, wrong in zip(
            qualities, counts, right, mistaken, strict=True
        )
    ]
    curves = [[fate.every(each) for each in CONFIDENCE_THRESHOLDS] for fate in fates]
    confusion = None
    if not job.multilabel and len(fates) <= _MAX_CONFUSION_LABELS:
        confusion = _confusion(fates)
    return (
        Evaluation(None, len(test), _metrics(fates, curves, confusion)),
        *(
            Evaluation(label, fate.positive, _metrics([fate], [curve], None))
            for label, fate, curve in zip(job.labels, fates, curves, strict=True)
        ),
    )


def detection_evaluations(job: TrainingJob, chance: Random) -> tuple[Evaluation, ...]:
    """Return the overall evaluation and one per label; boxes are those of the real TEST images."""
    test = split(job.examples)[SetName.TEST]
    boxes = Counter(box.label for example in test for box in example.boxes)
    images = Counter(label for example in test for label in {box.label for box in example.boxes})
    qualities = [chance.uniform(_WORST, _BEST) for _ in job.labels]
    overall = sum(qualities) / len(qualities) if qualities else 0.0
    return (
        Evaluation(None, len(test), _detection(overall, boxes.total())),
        *(
            Evaluation(label, images[label], _detection(quality, boxes[label]))
            for label, quality in zip(job.labels, qualities, strict=True)
        ),
    )


def _metrics(
    fates: Sequence[_Label],
    curves: Sequence[Sequence[Counts]],
    confusion: tuple[tuple[int, ...], ...] | None,
) -> ClassificationMetrics:
    """`curves` are the counts of each label at each threshold."""
    best_curves = [
        [fate.best(counts) for counts in curve] for fate, curve in zip(fates, curves, strict=True)
    ]
    every, best = _sums(curves), _sums(best_curves)
    quality = sum(fate.quality for fate in fates) / len(fates) if fates else 1.0
    # From the highest threshold down: both recall and the rate of false positives grow.
    precision_recall = [(0.0, 1.0), *((each.recall, each.precision) for each in reversed(every))]
    roc = [(0.0, 0.0), *((each.false_positive_rate, each.recall) for each in reversed(every))]
    return ClassificationMetrics(
        au_prc=_area(precision_recall),
        au_roc=_area(roc),
        log_loss=-math.log(quality),
        thresholds=tuple(
            map(threshold_entry, CONFIDENCE_THRESHOLDS, every, best),
        ),
        confusion=confusion,
    )


def _sums(curves: Sequence[Sequence[Counts]]) -> Sequence[Counts]:
    """The sums over all labels at each threshold; zeros if there is no label."""
    return [
        Counts(
            sum(curve[place].true_positive for curve in curves),
            sum(curve[place].false_positive for curve in curves),
            sum(curve[place].false_negative for curve in curves),
            sum(curve[place].true_negative for curve in curves),
        )
        for place in range(len(CONFIDENCE_THRESHOLDS))
    ]


def _area(points: Sequence[tuple[float, float]]) -> float:
    """The area under a curve, by trapezia."""
    return sum(
        (right - left) * (before + after) / 2 for (left, before), (right, after) in pairwise(points)
    )


def _confusion(fates: Sequence[_Label]) -> tuple[tuple[int, ...], ...]:
    rows = []
    for index, fate in enumerate(fates):
        row = [0] * len(fates)
        row[(index + 1) % len(fates)] = fate.positive - fate.recognised
        row[index] += fate.recognised
        rows.append(tuple(row))
    return tuple(rows)


def _detection(quality: float, box_count: int) -> DetectionMetrics:
    entries = tuple(_iou_entry(quality, each) for each in _DETECTION_THRESHOLDS)
    return DetectionMetrics(
        evaluated_box_count=box_count,
        mean_average_precision=sum(each.mean_average_precision for each in entries) / len(entries),
        entries=entries,
    )


def _iou_entry(quality: float, overlap: float) -> IouEntry:
    precision_at_overlap = quality * (1 - overlap**4)
    thresholds = []
    for confidence in _DETECTION_THRESHOLDS:
        recall = precision_at_overlap * (1 - confidence**6)
        precision = 1 - (1 - precision_at_overlap) * (1 - confidence)
        f1_score = 2 * recall * precision / (recall + precision) if recall else 0.0
        thresholds.append(DetectionThreshold(confidence, recall, precision, f1_score))
    return IouEntry(overlap, precision_at_overlap, tuple(thresholds))


_CLOUD_NODES = {Problem.IMAGE_CLASSIFICATION: 8, Problem.IMAGE_OBJECT_DETECTION: 9}
_MOBILE_NODES = 1
"""The number of nodes that train in parallel: the default budgets are one day of wall time
(proto: image.proto, train_budget_milli_node_hours)."""
_NODE_QPS = 3.2
_MOST_BOXES = 4


class SimulatedTrainer:
    """Invents models from a seed: equal jobs have equal results."""

    name = "simulated"

    def check(self, job: TrainingJob) -> None:
        """Accept every job."""

    def duration(self, job: TrainingJob) -> float:
        """Return the hours of wall time: the cost, divided by the nodes of the model type."""
        mobile = job.model_type.startswith("mobile")
        nodes = _MOBILE_NODES if mobile else _CLOUD_NODES[job.problem]
        return _cost(job) / 1000 / nodes

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Invent a result at once; the service waits for `duration`."""
        if cancelled():
            raise TrainingCancelled
        chance = _chance(job, "evaluations")
        detection = job.problem is Problem.IMAGE_OBJECT_DETECTION
        evaluations = detection_evaluations if detection else classification_evaluations
        model = {
            "problem": job.problem,
            "multilabel": job.multilabel,
            "labels": job.labels,
            "seed": job.seed,
        }
        return TrainingResult(
            artefact=json.dumps(model).encode(),
            train_cost_milli_node_hours=_cost(job),
            stop_reason="SIMULATED_MODEL_CONVERGED",
            node_qps=_NODE_QPS,
            evaluations=evaluations(job, chance),
        )

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Return scores that depend on the image's bytes only, which need not be an image."""
        model = json.loads(artefact)
        labels: list[str] = model["labels"]
        content = hashlib.sha256(image).hexdigest()
        chance = random.Random(f"{model['seed']} {content}")  # noqa: S311 - repeatable on purpose
        if not labels:
            return []
        if model["problem"] == Problem.IMAGE_OBJECT_DETECTION:
            found = [_seen(labels, chance) for _ in range(chance.randint(1, _MOST_BOXES))]
        elif model["multilabel"]:
            found = [Prediction(label, chance.random(), None) for label in labels]
        else:
            found = _shares(labels, chance)
        return sorted(found, key=lambda each: -each.score)


def _shares(labels: list[str], chance: random.Random) -> list[Prediction]:
    """One label gets most of the score, the others share the rest."""
    likely = chance.randrange(len(labels))
    best = chance.uniform(0.6, 0.99) if len(labels) > 1 else 1.0
    others = [-math.log(1 - chance.random()) for _ in labels]
    others[likely] = 0.0
    scale = (1 - best) / (sum(others) or 1.0)
    return [
        Prediction(label, best if index == likely else other * scale, None)
        for index, (label, other) in enumerate(zip(labels, others, strict=True))
    ]


def _seen(labels: list[str], chance: random.Random) -> Prediction:
    label = chance.choice(labels)
    width, height = chance.uniform(0.05, 0.5), chance.uniform(0.05, 0.5)
    left, top = chance.uniform(0, 1 - width), chance.uniform(0, 1 - height)
    return Prediction(
        label, chance.uniform(0.3, 0.99), Box(label, left, top, left + width, top + height)
    )


def _cost(job: TrainingJob) -> int:
    """The milli node hours: a training uses between half of the budget and all of it."""
    share = _chance(job, "cost").uniform(0.5, 1.0)
    return max(1, int(job.budget_milli_node_hours * share))


def _chance(job: TrainingJob, purpose: str) -> random.Random:
    """A random generator that depends on the job: another budget gives another result."""
    facts = [job.seed, job.problem, job.model_type, job.budget_milli_node_hours, *job.labels]
    return random.Random(json.dumps([purpose, *facts]))  # noqa: S311 - repeatable on purpose
