"""Real training: a small neural network on the images' pixels, by scikit-learn."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import math
import time
import warnings
from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import Image, ImageOps

from automl_plan.emulator.training.metrics import Scores, Truth, evaluate
from automl_plan.emulator.training.splitting import split
from automl_plan.emulator.training.types import (
    Example,
    ImageUnreadable,
    Prediction,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)

TRAINING_FORMATS = ("BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP")
PREDICTION_FORMATS = ("GIF", "JPEG", "PNG")
"""Accepted image formats (proto: io.proto, InputConfig, and prediction_service.proto).

Pillow has more formats, and starts other programs for some: those are never tried.
"""

MAX_PIXELS = 178_956_970
"""The most pixels of an image to train on: Pillow takes more for a decompression bomb."""
MAX_PREDICTED_PIXELS = 50_000_000
"""The most pixels of an image to predict."""
_LARGE = 50_000_000
"""Images with more pixels are first scaled down, one at a time: each copy takes some hundred
megabytes."""
_LARGE_ONES = Lock()
_REDUCIBLE = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")
_SIZE = (16, 16)
_Pixels = NDArray[np.float32]


def pixels(image: bytes, formats: tuple[str, ...], most_pixels: int = MAX_PIXELS) -> _Pixels:
    """Return the colours (0 to 1) of an image scaled to 16 by 16. Raises ImageUnreadable.

    Animations count by their first frame, transparency as white.
    """
    too_large = f"The image has more than {most_pixels} pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of half as many
            opened = Image.open(io.BytesIO(image), formats=formats)
        with opened:
            # Only the header has been read: what would unpack to too much isn't unpacked.
            fits = opened.width * opened.height <= most_pixels
            small = _rgb(opened).resize(_SIZE, Image.Resampling.BILINEAR) if fits else None
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(too_large) from error
    except Exception as error:  # on broken bytes, Pillow's decoders raise anything
        raise ImageUnreadable(
            f"The image can't be decoded as one of {', '.join(formats)}."
        ) from error
    if small is None:
        raise ImageUnreadable(too_large)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(255)


def _rgb(opened: Image.Image) -> Image.Image:
    opened.draft("RGB", (64, 64))  # lets JPEG skip what scaling would throw away
    large = opened.width * opened.height > _LARGE
    upright = ImageOps.exif_transpose(_reduced(opened) if large else opened)
    if upright.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut them off, not scale
        deep = np.asarray(upright).astype(np.float32) / 256
        return Image.fromarray(deep.clip(0, 255).astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data:
        layered = upright.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return upright.convert("RGB")


def _reduced(large: Image.Image) -> Image.Image:
    """A large image with fewer pixels."""
    factor = math.ceil(math.sqrt(large.width * large.height * 16 / _LARGE))
    with _LARGE_ONES:
        if large.mode in _REDUCIBLE:
            small = large.reduce(factor)
        else:  # palettes, bits and 16-bit greys have no mean of pixels
            size = (max(large.width // factor, 1), max(large.height // factor, 1))
            small = large.resize(size, Image.Resampling.NEAREST)
    small.info["exif"] = large.getexif().tobytes()
    return small


_Numbers = NDArray[np.float32]


class Network(Struct, frozen=True):
    """A network of one hidden layer (ReLU).

    Its outputs are one per label: shares of 1 when an image has one label, else independent.
    """

    labels: tuple[str, ...]
    multilabel: bool
    mean: _Numbers
    hidden: _Numbers
    hidden_bias: _Numbers
    output: _Numbers
    output_bias: _Numbers

    def scores(self, images: _Numbers) -> NDArray[np.float64]:
        """Return the scores, from 0 to 1, of labels (columns) for the pixels of images (rows)."""
        hidden = np.maximum((images - self.mean) @ self.hidden + self.hidden_bias, 0)
        raw = (hidden @ self.output + self.output_bias).astype(np.float64)
        if self.multilabel:
            return np.exp(-np.logaddexp(0, -raw))
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def dump(self) -> bytes:
        """Return the bytes that `load` reads.

        They are arrays, not a pickled object: unpickling can run any code, so that write access to
        the data directory would be enough to run code here.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            labels=np.array(self.labels, dtype=np.str_),
            multilabel=np.array(self.multilabel),
            mean=self.mean,
            hidden=self.hidden,
            hidden_bias=self.hidden_bias,
            output=self.output,
            output_bias=self.output_bias,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, artefact: bytes) -> Network:
        """Return the network that was dumped."""
        with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
            return cls(
                labels=tuple(str(label) for label in arrays["labels"]),
                multilabel=bool(arrays["multilabel"]),
                mean=arrays["mean"],
                hidden=arrays["hidden"],
                hidden_bias=arrays["hidden_bias"],
                output=arrays["output"],
                output_bias=arrays["output_bias"],
            )


if importlib.util.find_spec("sklearn") is None:
    # Checked at the start of the service; the first training imports it, which takes a second.
    raise ModuleNotFoundError("No module named 'sklearn'")

_HIDDEN_UNITS = 128
_BATCH = 64
_EPOCHS_OF_LEAST_BUDGET = 80
_LEAST_CLOUD_BUDGET, _LEAST_MOBILE_BUDGET = 8_000, 1_000
"""In milli node hours (proto: image.proto, train_budget_milli_node_hours)."""
_PATIENCE = 8
_LEAST_GAIN = 0.01
"""Converged: no epoch of the last _PATIENCE ones lowered the VALIDATION loss by this share."""
_TIMED_IMAGES = 20
_FAULTS_NAMED = 5


class SklearnTrainer:
    """Trains image classification for real; the duration depends on the machine."""

    name = "sklearn"

    def check(self, job: TrainingJob) -> None:
        """Refuse object detection."""
        if job.problem is not Problem.IMAGE_CLASSIFICATION:
            raise TrainingUnimplemented(
                "The sklearn trainer of the emulator trains image classification only; "
                "start the emulator with --trainer simulated for object detection."
            )

    def duration(self, job: TrainingJob) -> float:  # noqa: ARG002 - of the protocol
        """Return 0.0: trainings take real time."""
        return 0.0

    def train(self, job: TrainingJob, cancelled: Callable[[], bool]) -> TrainingResult:
        """Train on TRAIN, stop by VALIDATION, evaluate on TEST.

        Unlabelled images are ignored. Each epoch uses a part of the budget: the smallest budget of
        the model type pays for 80 epochs. The same job gives the same model.
        """
        from threadpoolctl import threadpool_limits

        self.check(job)
        sets = split(example for example in job.examples if example.labels)
        _check_enough(job, sets)
        # One thread: sums that are split over cores aren't repeatable.
        with threadpool_limits(limits=1):
            data = {
                name: _Data(_read(examples, cancelled), _truth(job, examples))
                for name, examples in sets.items()
            }
            learning = _Learning(job, data[SetName.TRAIN], data[SetName.VALIDATION])
            learning.run(cancelled)
            network = learning.best
            test = data[SetName.TEST]
            evaluations = evaluate(
                job.labels, test.truth, network.scores(test.images), multilabel=job.multilabel
            )
            artefact = network.dump()
            return TrainingResult(
                artefact=artefact,
                train_cost_milli_node_hours=learning.cost,
                stop_reason="MODEL_CONVERGED" if learning.converged else "BUDGET_REACHED",
                node_qps=self._measure(artefact, sets[SetName.TEST][:_TIMED_IMAGES]),
                evaluations=evaluations,
            )

    def predict(self, artefact: bytes, image: bytes) -> list[Prediction]:
        """Every label with its score, the best first."""
        network = Network.load(artefact)
        found_pixels = pixels(image, PREDICTION_FORMATS, MAX_PREDICTED_PIXELS)
        scores = network.scores(found_pixels[np.newaxis])[0]
        found = [
            Prediction(label, float(score), None)
            for label, score in zip(network.labels, scores, strict=True)
        ]
        return sorted(found, key=lambda each: -each.score)

    def _measure(self, artefact: bytes, examples: Sequence[Example]) -> float:
        """How many predictions a second this machine makes, one after the other."""
        images = [example.path.read_bytes() for example in examples]
        began = time.perf_counter()
        for image in images:
            Network.load(artefact).scores(pixels(image, TRAINING_FORMATS)[np.newaxis])
        return round(len(images) / (time.perf_counter() - began), 1)


class _Data:
    """The images of a set and which labels they have."""

    def __init__(self, images: _Numbers, truth: Truth) -> None:
        self.images = images
        self.truth = truth


class _Learning:
    """The epochs of one training."""

    def __init__(self, job: TrainingJob, train: _Data, validation: _Data) -> None:
        from sklearn.neural_network import MLPClassifier

        self._job = job
        self._train = train
        # Without VALIDATION images there is only the training's own loss to stop on.
        self._watched = validation if len(validation.images) else train
        self._mean = train.images.mean(axis=0)
        # A generator, not its seed: given a number, each epoch would shuffle in the same way.
        self._model = MLPClassifier(
            hidden_layer_sizes=(_HIDDEN_UNITS,),
            batch_size=min(_BATCH, len(train.images)),
            random_state=np.random.RandomState(job.seed % 2**32),
        )
        self._epochs = 0
        self.converged = False
        self.best: Network

    @property
    def _epoch_cost(self) -> float:
        mobile = self._job.model_type.startswith("mobile")
        least = _LEAST_MOBILE_BUDGET if mobile else _LEAST_CLOUD_BUDGET
        return least / _EPOCHS_OF_LEAST_BUDGET

    @property
    def cost(self) -> int:
        """What the epochs so far cost, in milli node hours: above 0, at most the budget."""
        return min(
            self._job.budget_milli_node_hours, max(1, round(self._epochs * self._epoch_cost))
        )

    def run(self, cancelled: Callable[[], bool]) -> None:
        """Train until it has converged or the budget is spent, and keep the best network."""
        allowed = max(1, int(self._job.budget_milli_node_hours / self._epoch_cost))
        images = self._train.images - self._mean
        targets = self._train.truth.astype(np.int8)
        if not self._job.multilabel:
            targets = targets.argmax(axis=1)
        classes = np.arange(len(self._job.labels))
        least_loss, waited = np.inf, 0
        while self._epochs < allowed and not self.converged:
            if cancelled():
                raise TrainingCancelled
            self._model.partial_fit(images, targets, classes=classes)
            self._epochs += 1
            network = self._network()
            loss = _loss(self._watched, network)
            if loss < least_loss * (1 - _LEAST_GAIN):
                least_loss, waited, self.best = loss, 0, network
            else:
                waited += 1
                self.converged = waited >= _PATIENCE

    def _network(self) -> Network:
        hidden, output = (weights.astype(np.float32) for weights in self._model.coefs_)
        hidden_bias, output_bias = (bias.astype(np.float32) for bias in self._model.intercepts_)
        if output.shape[1] == 1 and not self._job.multilabel:
            # Of two classes scikit-learn scores the second only: the first one's output is 0.
            output = np.hstack([np.zeros_like(output), output])
            output_bias = np.concatenate([np.zeros_like(output_bias), output_bias])
        return Network(
            labels=self._job.labels,
            multilabel=self._job.multilabel,
            mean=self._mean,
            hidden=hidden,
            hidden_bias=hidden_bias,
            output=output,
            output_bias=output_bias,
        )


def _loss(data: _Data, network: Network) -> float:
    scores: Scores = network.scores(data.images)
    right = np.where(data.truth, scores, 1 - scores)
    return float(-np.log(np.clip(right, 1e-12, 1)).mean())


def _truth(job: TrainingJob, examples: Sequence[Example]) -> Truth:
    columns = {label: column for column, label in enumerate(job.labels)}
    truth = np.zeros((len(examples), len(job.labels)), dtype=np.bool_)
    for row, example in enumerate(examples):
        truth[row, [columns[label] for label in example.labels]] = True
    return truth


def _check_enough(job: TrainingJob, sets: dict[SetName, list[Example]]) -> None:
    if not sets[SetName.TEST]:
        raise TrainingFailed(
            "The dataset has no labelled TEST images, so a model couldn't be evaluated. "
            "Import some with ML_USE TEST."
        )
    trained = {label for example in sets[SetName.TRAIN] for label in example.labels}
    if len(trained) < 2:
        raise TrainingFailed(
            f"The TRAIN images have {len(trained)} of the dataset's {len(job.labels)} labels; "
            "a model needs images of at least 2 to learn from."
        )


def _read(examples: Sequence[Example], cancelled: Callable[[], bool]) -> _Numbers:
    """The pixels of all images, or TrainingFailed with the images that can't be used."""
    rows, faults = [], []
    for example in examples:
        if cancelled():
            raise TrainingCancelled
        try:
            image = example.path.read_bytes()
            if hashlib.sha256(image).hexdigest() == example.content:
                rows.append(pixels(image, TRAINING_FORMATS))
            else:
                faults.append(f"{example.uri}: The image has changed since it was imported.")
        except OSError as error:
            faults.append(f"{example.uri}: The image can't be read: {error.strerror}.")
        except ImageUnreadable as error:
            faults.append(f"{example.uri}: {error}")
    if faults:
        named = " ".join(faults[:_FAULTS_NAMED])
        raise TrainingFailed(f"{len(faults)} of {len(examples)} images can't be used. {named}")
    return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)
