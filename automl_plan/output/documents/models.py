"""The documents of the evaluations and versions of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.model.address import Address
from automl_plan.model.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation
from automl_plan.model.json import Count
from automl_plan.model.predictions import Box
from automl_plan.model.recorded import DecisionKind
from automl_plan.output.documents.base import (
    OutputDocument,
    Part,
    Simulated,
    Time,
)
from automl_plan.output.expiry import expiry_time
from automl_plan.planning.gate import GateRow
from automl_plan.planning.statistics import no_better_than_guessing

if TYPE_CHECKING:
    from automl_plan.model.live import LiveModel
    from automl_plan.workspace.misread import Misread
    from automl_plan.workspace.predictions import Predicted
    from automl_plan.workspace.versions import VersionRow


class EvaluationFigures(Part, rename={"create_time": "created"}, frozen=True):
    """The evaluation of a model, overall or for one label."""

    id: str
    label: str | None
    """Null: overall."""
    example_count: Count | None
    au_prc: float | None
    au_roc: float | None
    log_loss: float | None
    mean_average_precision: float | None
    create_time: Time
    thresholds: tuple[ConfidenceMetrics, ...]
    confusion: ConfusionMatrix | None
    simulated: Simulated | UnsetType = UNSET
    guessing: str | UnsetType = UNSET
    """That the model is no better than guessing, and how that is known."""


class ModelsEvaluations(OutputDocument, frozen=True):
    """`models evaluations --json`"""

    model_id: str
    evaluations: tuple[EvaluationFigures, ...]

    @classmethod
    def of(cls, model_id: str, evaluations: Sequence[Evaluation]) -> Self:
        """Return the document of a model's evaluations, with all thresholds."""
        return cls(
            model_id=model_id,
            evaluations=tuple(
                EvaluationFigures.filled(
                    each,
                    simulated=each.simulated or UNSET,
                    guessing=no_better_than_guessing(each) or UNSET,
                )
                for each in evaluations
            ),
        )


class LabelScore(Part, frozen=True):
    """A label with its score."""

    label: str
    score: float


class ResembledImage(Part, frozen=True):
    """A TRAIN image that resembles a TEST image."""

    image: str
    """As it was imported."""
    sha256: str
    labels: tuple[str, ...]
    similarity: float
    """The cosine of what the model sees in both."""


class MisreadImage(Part, frozen=True):
    """A TEST image that a model misreads."""

    image: str
    """As it was imported."""
    sha256: str
    labels: tuple[str, ...]
    """The truth."""
    predicted: tuple[str, ...]
    wrong: tuple[str, ...]
    """Labels that are predicted and not there; of a multilabel model also those that are there
    and not predicted."""
    sureness: float
    """Of what is most wrong: the score of a label, or what its score lacks to 1 where it is
    missed."""
    scores: tuple[LabelScore, ...]
    """Of its labels, of those predicted and of the best few, the best first."""
    nearest: tuple[ResembledImage, ...]
    """The TRAIN images that are most alike, the nearest first."""


class ModelsEvaluationsWrong(OutputDocument, frozen=True):
    """`models evaluations --wrong --json`"""

    model_id: str
    label: str | None
    """Only images that this label is wrong of; null: all."""
    tested: Count
    """TEST images."""
    images: tuple[MisreadImage, ...]
    """Those of which the model is surest first."""

    @classmethod
    def of(cls, model_id: str, misread: Misread) -> Self:
        """Return the document of what a model misreads."""
        return cls(
            model_id=model_id,
            label=misread.label,
            tested=misread.tested,
            images=tuple(
                MisreadImage.filled(
                    each,
                    image=each.uri,
                    scores=tuple(map(LabelScore.filled, each.scores)),
                    nearest=tuple(ResembledImage.filled(n, image=n.uri) for n in each.nearest),
                )
                for each in misread.images
            ),
        )


class ImagePrediction(Part, frozen=True):
    """A label of an image, or of a part of it."""

    label: str
    score: float
    box: Box | None


class PredictedImage(Part, frozen=True):
    """What a model predicts for an image."""

    image: str
    """Its path; `-`: standard input."""
    predictions: tuple[ImagePrediction, ...]
    """The surest first."""
    sent_as: str | None
    """How the image was changed before it was sent; null: not at all."""
    error: str | None
    """Why there are no predictions; null: there are."""


class ModelsPredict(OutputDocument, frozen=True):
    """`models predict --json`"""

    model_id: str
    offline: bool
    """Whether the embedded service predicted without a deployment."""
    images: tuple[PredictedImage, ...]
    simulated: Simulated | UnsetType = UNSET

    @classmethod
    def of(cls, model: LiveModel, found: Sequence[Predicted], *, offline: bool) -> Self:
        """Return the document of predictions, in the order of the images."""
        return cls(
            model_id=model.id,
            offline=offline,
            images=tuple(
                PredictedImage.filled(
                    each, predictions=tuple(map(ImagePrediction.filled, each.predictions))
                )
                for each in found
            ),
            simulated=model.simulated or UNSET,
        )


class VersionDecision(Part, frozen=True):
    """What decided on a version."""

    kind: DecisionKind
    when: str
    by: str | None
    why: str | None
    rows: tuple[GateRow, ...]


class ModelVersion(Part, frozen=True):
    """One version of a model."""

    version: int | None
    id: str
    status: Literal["current", "former", "candidate", "rejected", "withdrawn"]
    deployed: bool
    data: str | None
    """The fingerprint of the data that it was trained on."""
    commit: str | None
    au_prc: float | None
    mean_average_precision: float | None
    test_examples: int | None
    train_cost_usd: float | None
    """US dollars at list price."""
    created: Time
    expires: str | None
    """RFC 3339."""
    decision: VersionDecision | None
    simulated: Simulated | UnsetType = UNSET


class ModelsVersions(OutputDocument, frozen=True):
    """`models versions --json`; the newest first"""

    address: Address
    versions: tuple[ModelVersion, ...]

    @classmethod
    def of(cls, address: Address, rows: Sequence[VersionRow]) -> Self:
        """Return the document of the versions of a model."""
        return cls(address=address, versions=tuple(map(_version, rows)))


def _version(row: VersionRow) -> ModelVersion:
    evaluation, decision = row.evaluation, row.recorded.decision
    return ModelVersion.filled(
        row,
        row.recorded,
        row.live,
        evaluation,
        status="current" if row.current else str(row.recorded.status or "former"),
        au_prc=getattr(evaluation, "au_prc", None),
        mean_average_precision=getattr(evaluation, "mean_average_precision", None),
        test_examples=getattr(evaluation, "example_count", None),
        simulated=row.live.simulated or UNSET,
        train_cost_usd=None if row.usd is None else round(row.usd, 2),
        created=row.live.create_time,
        expires=expiry_time(row.expires),
        decision=None if decision is None else VersionDecision.filled(decision),
    )
