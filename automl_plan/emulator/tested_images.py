"""What a trained model scored for each TEST image: kept beside its evaluations, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from sqlite3 import Connection

from msgspec import Struct

from automl_plan.emulator.errors import precondition
from automl_plan.emulator.objects import Model
from automl_plan.emulator.rows import Page, Window, column, read_row
from automl_plan.emulator.training.types import Example, TestedImage, TrainingJob, TrainingResult

_BEST = 5
"""Labels of an image whose scores are kept, beside its own and those that count as predicted."""
_COUNTS = 0.5
"""The least score of a label that a multilabel model predicts, as evaluations have it."""
_DIGITS = 4


class Resembled(Struct, frozen=True):
    """A TRAIN image that resembles a TEST image; `similarity` is the cosine of both."""

    uri: str
    content: str
    labels: tuple[str, ...]
    similarity: float


class ImageResult(Struct, frozen=True):
    """A TEST image: the labels that it has, those that the model predicts, and scores, best first.

    `uri` and `content` are as in `Example`; `scores` has pairs of a label and its score. `wrong`
    are labels that are predicted and not there; of a multilabel model also those that are there
    and not predicted.
    """

    uri: str
    content: str
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    wrong: tuple[str, ...]
    scores: tuple[tuple[str, float], ...]
    nearest: tuple[Resembled, ...]


def image_results(job: TrainingJob, result: TrainingResult) -> Iterator[ImageResult]:
    """Yield the results of the TEST images of a training whose trainer tells them."""
    examples = {example.content: example for example in job.examples}
    for tested in result.tested:
        yield _result(job, tested, examples)


def _result(job: TrainingJob, tested: TestedImage, examples: Mapping[str, Example]) -> ImageResult:
    example = examples[tested.content]
    ordered = sorted(zip(job.labels, tested.scores, strict=True), key=lambda pair: -pair[1])
    if job.multilabel:
        predicted = [label for label, score in ordered if score >= _COUNTS]
    else:
        predicted = [ordered[0][0]]
    wrong = [label for label in predicted if label not in example.labels]
    if job.multilabel:
        wrong += [label for label in example.labels if label not in predicted]
    kept = {*example.labels, *predicted, *(label for label, _ in ordered[:_BEST])}
    return ImageResult(
        uri=example.uri,
        content=example.content,
        labels=example.labels,
        predicted=tuple(predicted),
        wrong=tuple(wrong),
        scores=tuple((label, round(score, _DIGITS)) for label, score in ordered if label in kept),
        nearest=tuple(
            Resembled(examples[content].uri, content, examples[content].labels, similarity)
            for content, similarity in tested.nearest
        ),
    )


def insert_results(db: Connection, model_id: int, results: Iterable[ImageResult]) -> None:
    """Write the results of the TEST images of a model."""
    names = ImageResult.__struct_fields__
    db.executemany(
        f"INSERT INTO tested_images (model_id, {', '.join(names)}) "  # noqa: S608 - names are ours
        f"VALUES (?{', ?' * len(names)})",
        ((model_id, *(column(getattr(each, name)) for name in names)) for each in results),
    )


def select_results(db: Connection, model: Model, window: Window) -> Page[ImageResult]:
    """Return a page of the results of a model, in their order.

    Raises FAILED_PRECONDITION for a model that has none, with the reason.
    """
    rows = db.execute(
        "SELECT * FROM tested_images WHERE model_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        (model.id, window.before or 0, window.size + 1),
    ).fetchall()
    if not rows and window.before is None:
        raise precondition(_why_none(model))
    more = len(rows) > window.size
    found = tuple(read_row(row, ImageResult) for row in rows[: window.size])
    return Page(found, rows[window.size - 1]["seq"] if more else None)


def _why_none(model: Model) -> str:
    if model.simulated:
        return "The results of the model are simulated: no image was tested."
    if model.trainer != "auto":
        return (
            f"The trainer {model.trainer} keeps no results of single TEST images; "
            "the trainer auto does."
        )
    return "An earlier version trained the model, and kept no results of single TEST images."
