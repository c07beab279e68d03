"""Real training: a head on a pretrained network, or a small network on pixels, whichever is better.

VALIDATION images choose. Digits and icons are so small that a network for photographs sees little
in them; of photographs, 16 by 16 pixels show little.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from automl_plan.emulator.training.backbone import (
    FEATURES,
    GRAPH_SHA256,
    check_weights,
    features_kind,
    load_backbone,
)
from automl_plan.emulator.training.contenders import Choice, Images, choose
from automl_plan.emulator.training.decoding import (
    MAX_PREDICTED_PIXELS,
    PIXELS,
    PREDICTION_FORMATS,
    TRAINING_FORMATS,
    decode,
    small_pixels,
)
from automl_plan.emulator.training.example_images import (
    labelled_sets,
    processors,
    read_images,
    truth_of,
)
from automl_plan.emulator.training.head import Head, unit
from automl_plan.emulator.training.kept import KeptFeatures, Seen
from automl_plan.emulator.training.metrics import Scores, evaluate
from automl_plan.emulator.training.pixel_network import Network
from automl_plan.emulator.training.types import (
    Example,
    ModelUnusable,
    Prediction,
    Problem,
    SetName,
    TestedImage,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)

_SETS = (SetName.TRAIN, SetName.VALIDATION, SetName.TEST)
_TINY = 32
"""Pixels of the longer side: no photograph, of which the pretrained network knows, is smaller."""
_DECODED_SIDE = 224
_KEPT_AT_ONCE = 200
_NEAREST = 3
_COMPARED_AT_ONCE = 256
"""TEST images with all TRAIN images."""


class AutoTrainer:
    """Trains image classification for real; the duration depends on the machine."""

    name = "auto"

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is where features of images are kept."""
        self._folder = folder

    def check(self, job: TrainingJob) -> None:
        """Refuse object detection, and weights that are not the expected ones."""
        if job.problem is not Problem.IMAGE_CLASSIFICATION:
            raise TrainingUnimplemented(
                "The auto trainer of the emulator trains image classification only; "
                "start the emulator with --trainer simulated for object detection."
            )
        try:
            check_weights()
        except ModelUnusable as error:
            raise TrainingUnimplemented(str(error)) from error

    def duration(self, job: TrainingJob) -> float:  # noqa: ARG002 - of the protocol
        """Return 0.0: trainings take real time."""
        return 0.0

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Train on TRAIN, choose by VALIDATION, evaluate on TEST.

        Unlabelled images are ignored. The budget pays for epochs of the network on pixels and for
        passes of the head; the smallest one of the model type for 80 epochs. The same job gives
        the same model.
        """
        from threadpoolctl import threadpool_limits

        self.check(job)
        sets = labelled_sets(job)
        seen, computed = self._seen([each for some in sets.values() for each in some], cancelled)
        # One thread: sums that are split over cores aren't repeatable.
        with threadpool_limits(limits=1):
            images = {name: _images(job, some, seen) for name, some in sets.items()}
            train, validation, test = (images[name] for name in _SETS)
            base = None if job.base is None else Head.load(job.base)
            choice = choose(job, train, validation, GRAPH_SHA256, base, cancelled)
            best = choice.contenders[0]
            scores = best.scores(test)
            evaluations = evaluate(job.labels, test.truth, scores, multilabel=job.multilabel)
            tested = _tested(sets, train, test, scores)
        times = [seen[example.content].seconds for example in sets[SetName.TEST]]
        details = _details(choice, len(seen), computed, base)
        print(f"trainer auto: {json.dumps(details)}", file=sys.stderr, flush=True)  # noqa: T201 - the service's log
        return TrainingResult(
            artefact=best.model.dump(),
            train_cost_milli_node_hours=job.cost(sum(each.epochs for each in choice.contenders)),
            stop_reason="MODEL_CONVERGED" if best.converged else "BUDGET_REACHED",
            node_qps=round(len(times) / max(sum(times), 1e-6), 1),
            evaluations=evaluations,
            tested=tested,
            details=details,
        )

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Every label with its score, the best first. Raises ImageUnreadable, ModelUnusable."""
        decoded = decode(image, PREDICTION_FORMATS, MAX_PREDICTED_PIXELS, side=_DECODED_SIDE).image
        model = Head.load(artefact) or Network.load(artefact)
        if isinstance(model, Network):
            scores = model.scores(small_pixels(decoded)[np.newaxis] / np.float32(255))[0]
        elif model.backbone == GRAPH_SHA256:
            scores = model.scores(unit(load_backbone().features(decoded)[np.newaxis]))[0]
        else:
            raise ModelUnusable(
                "The model was trained on features of another network. Train it again."
            )
        found = [
            Prediction(label, float(score), None)
            for label, score in zip(model.labels, scores, strict=True)
        ]
        return sorted(found, key=lambda each: -each.score)

    def _seen(
        self, examples: Sequence[Example], cancelled: Callable[[], bool]
    ) -> tuple[Mapping[str, Seen], int]:
        """What is seen in images, by content, and how many of them had to be looked at."""
        kept = KeptFeatures(self._folder, features_kind())
        seen = kept.find([example.content for example in examples])
        new = [each for each in examples if each.content not in seen]
        looked_at = len(new)
        self._look(new, _TINY, seen, kept, cancelled)
        tiny = [each for each in examples if not seen[each.content].features]
        if len(tiny) * 2 < len(examples):  # the others are photographs
            looked_at += len(tiny)
            self._look(tiny, 0, seen, kept, cancelled)
        return seen, looked_at

    def _look(
        self,
        examples: Sequence[Example],
        tiny: int,
        seen: dict[str, Seen],
        kept: KeptFeatures,
        cancelled: Callable[[], bool],
    ) -> None:
        look = partial(_look, tiny)
        total = len(examples) + len(seen)
        found = read_images(examples, look, cancelled, threads=processors(), total=total)
        new: dict[str, Seen] = {}
        for example, image in zip(examples, found, strict=True):
            new[example.content] = image
            if len(new) == _KEPT_AT_ONCE:
                kept.add(new)
                seen |= new
                new = {}
        kept.add(new)
        seen |= new


def _look(tiny: int, image: bytes) -> Seen:
    """Look at an image; it has features only if its longer side is above `tiny`."""
    began = time.perf_counter()
    decoded = decode(image, TRAINING_FORMATS, side=_DECODED_SIDE)
    pixels = small_pixels(decoded.image).astype(np.uint8)
    features = b""
    if decoded.longer_side > tiny:
        features = load_backbone().features(decoded.image).tobytes()
    seconds = time.perf_counter() - began
    return Seen(decoded.longer_side, pixels.tobytes(), features, seconds)


def _images(job: TrainingJob, examples: Sequence[Example], seen: Mapping[str, Seen]) -> Images:
    found = [seen[example.content] for example in examples]
    rows = len(found)
    pixels = np.frombuffer(b"".join(each.pixels for each in found), np.uint8).reshape(rows, PIXELS)
    features = None
    if all(each.features for each in seen.values()):
        numbers = np.frombuffer(b"".join(each.features for each in found), np.float16)
        features = unit(numbers.reshape(rows, FEATURES))
    scaled = pixels.astype(np.float32) / np.float32(255)
    return Images(scaled, features, truth_of(job, examples))


def _tested(
    sets: Mapping[SetName, Sequence[Example]], train: Images, test: Images, scores: Scores
) -> tuple[TestedImage, ...]:
    """The TEST images, each with the TRAIN images whose features, or pixels, are most alike."""
    known, asked = _directions(train, train), _directions(test, train)
    most = min(_NEAREST, len(known))
    contents = [example.content for example in sets[SetName.TRAIN]]
    tested = []
    for begin in range(0, len(asked), _COMPARED_AT_ONCE):
        alike = asked[begin : begin + _COMPARED_AT_ONCE] @ known.T
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :most]
        for row, (cosines, found) in enumerate(zip(alike, nearest, strict=True), begin):
            pairs = tuple((contents[at], round(float(cosines[at]), 4)) for at in found)
            example = sets[SetName.TEST][row]
            tested.append(TestedImage(example.content, tuple(map(float, scores[row])), pairs))
    return tuple(tested)


def _directions(images: Images, train: Images) -> NDArray[np.float32]:
    """Rows of length 1."""
    rows = images.features
    if rows is None:
        rows = images.pixels - train.pixels.mean(axis=0)
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
    directions: NDArray[np.float32] = rows / lengths
    return directions


def _details(choice: Choice, images: int, computed: int, base: Head | None) -> dict[str, object]:
    losses = {each.kind: round(each.loss, 4) for each in choice.contenders}
    return {
        "chosen": choice.contenders[0].kind,
        "losses": losses,
        "judges": choice.judges,
        "images": images,
        "imagesComputed": computed,
        "fromBaseModel": base is not None,
    }
