"""The documents of `models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.model.address import Address
from automl_plan.model.evaluation import ConfidenceMetrics, ConfusionMatrix, Evaluation
from automl_plan.model.lifespan import days_left
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import DecisionKind
from automl_plan.output.documents.base import (
    FORMAT_VERSION,
    Count,
    Document,
    GateRow,
    Part,
    Simulated,
    Time,
)
from automl_plan.output.documents.datasets import ClaimOf, being_made_by
from automl_plan.output.expiry import by_end, rfc3339
from automl_plan.planning.statistics import no_better_than_guessing
from automl_plan.workspace.inventory import ModelRow
from automl_plan.workspace.versions import VersionRow


class Model(
    Part,
    rename={"problem": "type", "create_time": "created", "update_time": "last_updated"},
    frozen=True,
):
    """A live model."""

    id: str
    display_name: str
    problem: Problem | None
    model_type: str | None
    base_model_id: str | None
    dataset_id: str
    dataset: Address | None
    """The managed dataset that it was trained on."""
    deployed: bool
    node_count: Count | None
    endpoint: str | None
    """Id of the endpoint that serves it; null where the service has no endpoints."""
    train_budget_milli_node_hours: Count | None
    train_cost_milli_node_hours: Count | None
    stop_reason: str | None
    node_qps: float | None
    labels: Mapping[str, str]
    create_time: Time
    expires: str | None
    """RFC 3339: 18 months after its creation."""
    expires_in_days: int | None
    update_time: Time
    address: Address | None
    current: bool
    """Whether it is the address's current version."""
    claim: ClaimOf
    being_made_by: Address | None
    elsewhere: Mapping[str, int] | UnsetType = UNSET
    """Nodes by the ids of other endpoints at which someone else deployed it."""
    simulated: Simulated | UnsetType = UNSET

    @classmethod
    def of(cls, row: ModelRow, now: datetime) -> Self:
        """Return the document of a live model; `now` is the service's time."""
        ends = row.expires
        return cls.filled(
            row,
            row.live,
            row.ownership,
            elsewhere=row.live.foreign_deployments or UNSET,
            simulated=row.live.simulated or UNSET,
            expires=rfc3339(ends),
            expires_in_days=None if ends is None else days_left(ends, now),
            being_made_by=being_made_by(row),
        )


class ModelsShow(Model, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`models show --json`"""


class ModelsList(Document, frozen=True):
    """`models list --json`"""

    models: tuple[Model, ...]

    @classmethod
    def of(cls, rows: Sequence[ModelRow], now: datetime) -> Self:
        """Return the document of live models; `now` is the service's time."""
        return cls(models=tuple(Model.of(row, now) for row in rows))


class Expiry(Part, frozen=True):
    """When a model expires."""

    id: str
    display_name: str
    address: Address | None
    expires: str | None
    """RFC 3339."""
    expires_in_days: int


class ModelsCalendar(Document, frozen=True):
    """`models calendar --json`: when models expire, the soonest first."""

    models: tuple[Expiry, ...]

    @classmethod
    def of(cls, rows: Sequence[ModelRow], now: datetime) -> Self:
        """Return the document of when models expire; `now` is the service's time."""
        return cls(
            models=tuple(
                Expiry.filled(
                    row, row.live, expires=rfc3339(ends), expires_in_days=days_left(ends, now)
                )
                for ends, row in by_end(rows)
            )
        )


class EvaluationFigures(Part, rename={"create_time": "created"}, frozen=True):
    """The evaluation of a model, overall or for one label."""

    id: str
    label: str | None
    """Null: overall."""
    example_count: Count
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


class ModelsEvaluations(Document, frozen=True):
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


class ModelsVersions(Document, frozen=True):
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
        expires=rfc3339(row.expires),
        decision=None if decision is None else VersionDecision.filled(decision),
    )
