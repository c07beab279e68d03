"""Simulated training: takes its time by the service's clock, looks at no image, says so."""

import hashlib
import json
import math
import random
from collections.abc import Callable

from automl_plan.emulator.training.simulated_evaluations import (
    classification_evaluations,
    detection_evaluations,
)
from automl_plan.emulator.training.types import (
    Box,
    Prediction,
    Problem,
    TrainingCancelled,
    TrainingJob,
    TrainingResult,
)

_CLOUD_NODES = {Problem.IMAGE_CLASSIFICATION: 8, Problem.IMAGE_OBJECT_DETECTION: 9}
_MOBILE_NODES = 1
"""How many nodes train at once: the default budgets are said to be one day of wall time
(proto: image.proto, train_budget_milli_node_hours)."""
_NODE_QPS = 3.2
_MOST_BOXES = 4


class SimulatedTrainer:
    """Makes up models from a seed: equal jobs have equal results."""

    name = "simulated"

    def check(self, job: TrainingJob) -> None:
        """Every job can be simulated."""

    def duration(self, job: TrainingJob) -> float:
        """Hours of wall time: what the training costs, divided among the model type's nodes."""
        mobile = job.model_type.startswith("mobile")
        nodes = _MOBILE_NODES if mobile else _CLOUD_NODES[job.problem]
        return _cost(job) / 1000 / nodes

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Make a result up at once: the service waits for `duration` by itself."""
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
        """Scores that depend on the image's bytes only; they need not be an image."""
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
    """One label has most of the score, the others share what is left."""
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
    """Milli node hours: training converges at between half of the budget and all of it."""
    share = _chance(job, "cost").uniform(0.5, 1.0)
    return max(1, int(job.budget_milli_node_hours * share))


def _chance(job: TrainingJob, purpose: str) -> random.Random:
    """Random numbers that depend on the job, so that another budget is another result."""
    facts = [job.seed, job.problem, job.model_type, job.budget_milli_node_hours, *job.labels]
    return random.Random(json.dumps([purpose, *facts]))  # noqa: S311 - repeatable on purpose
