"""The document of a plan with all that it is bound to: what plan files and `plan --json` have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import asdict

from automl_plan.config.configuration import ProviderSettings
from automl_plan.model.address import Address
from automl_plan.model.contacts import Contact
from automl_plan.model.desired import (
    Desired,
)
from automl_plan.model.endpoints import Home
from automl_plan.model.json import Count, Document, written
from automl_plan.model.source_data import SourceData, SourceTotals
from automl_plan.planning.adequacy import Advice
from automl_plan.planning.data_findings import DataFindings
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import (
    NOT_RECORDED,
    Drift,
    Note,
    Plan,
    Refusal,
    Unrecorded,
    UnrecordedObject,
    Violation,
)
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_entries import (
    ChangeEntry,
    CostEntry,
    DatasetEntry,
    FoundCall,
    ModelEntry,
    MomentEntry,
    ScorecardEntry,
)

FORMAT_VERSION: Literal["1.3"] = "1.3"
OLDER_FORMATS = ("1.2",)
"""Formats that are still read to be shown, and not applied."""
V = TypeVar("V")


class PlanContent(Document, frozen=True, kw_only=True):
    """What `automl-plan plan --out FILE` writes and `plan --json` prints, without the digest."""

    format_version: Literal["1.3"]
    mode: PlanMode
    refresh: bool
    """Whether the provider was queried for live resources."""
    targets: tuple[Address, ...]
    """Of --target."""
    excludes: tuple[Address, ...]
    """Of --exclude."""
    replaces: tuple[Address, ...]
    """Of --replace."""
    allow_large_change: bool
    """Of --allow-large-change."""
    allow_partial_import: bool | UnsetType = UNSET
    """Whether models are trained on datasets that did not get all rows; absent: no."""
    lint: bool
    """Whether imported data is checked; false: of --no-lint."""
    empty: bool
    """Whether applying it would do nothing."""
    provider: ProviderSettings
    identity: str
    """Service, project and location that the plan is for."""
    configuration_digest: str
    prices_digest: str
    """Of the price book that its costs are computed with."""
    tool_version: str
    """The version of automl-plan that made it."""
    lineage: str
    serial: Count
    moment: MomentEntry | None
    """The time for which it was made. Null in files of format 1.2."""
    contacts: tuple[Contact, ...] = ()
    """What apply may run, and whom it may contact, beside the provider's own service. Without
    secrets: of a web address the host and a digest of the whole, of what the environment holds the
    name of the variable."""
    made: str | None
    """When it was made (RFC 3339), by the clock of the machine."""
    commit: str | None
    """The Git commit of the configuration, followed by -dirty if files had changed."""
    changes: tuple[ChangeEntry, ...]
    """In an order in which they can be carried out."""
    drift: tuple[Drift, ...]
    """What changed at the provider since it was recorded."""
    found: tuple[FoundCall, ...]
    """Outcomes of calls that were interrupted in an earlier run."""
    unchanged: tuple[Address, ...]
    """Resources that were planned in whole, and need no change."""
    not_planned: tuple[Address, ...] = ()
    """What was left out, in whole or in part, because only a part was requested; absent:
    nothing."""
    notes: tuple[Note, ...]
    """What is worth knowing beside the changes."""
    unrecorded: tuple[UnrecordedObject, ...] = ()
    """Objects with the state's ownership labels that are not in it, once the imports are carried
    out; absent where there are none."""
    endpoints: dict[Address, Home] = field(default_factory=dict)
    """The endpoints that serve the versions of models, as far as known."""
    cost: CostEntry | None
    violations: tuple[Violation, ...]
    """Of the team's policy."""
    refused: tuple[Refusal, ...]
    """Why it is not carried out; empty when nothing speaks against it."""
    scores: tuple[ScorecardEntry, ...]
    """The quality of the versions that it is about: current ones and candidates."""
    forecasts: dict[str, Forecast | None]
    """How long trainings and imports take, and what running operations have left, by the keys of
    changes. Null: no history yet."""
    adequacy: dict[Address, Advice]
    """Of data that is imported or trained on: whether it is adequate, why, and what would help
    most; by dataset."""
    data_findings: dict[Address, DataFindings]
    """What the lint found in data that is imported, by dataset; empty where it was not asked."""
    datasets: dict[Address, DatasetEntry]
    models: dict[Address, ModelEntry]
    sources: dict[Address, SourceTotals]


class PlanDocument(PlanContent, frozen=True, kw_only=True):
    """What `automl-plan plan --out FILE` writes and `plan --json` prints."""

    digest: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
    """Over all the rest of the file, in its canonical bytes."""


def content_of(planned: BoundPlan) -> PlanContent:
    """Return the document of a plan, all but the digest."""
    plan, options, desired = planned.plan, planned.options, planned.desired
    return PlanContent(
        format_version=FORMAT_VERSION,
        mode=planned.mode,
        refresh=options.refresh,
        targets=tuple(sorted(options.targets)),
        excludes=tuple(sorted(options.excludes)),
        replaces=tuple(sorted(options.replaces)),
        allow_large_change=options.allow_large_change,
        allow_partial_import=options.allow_partial_import,
        lint=options.lint,
        empty=planned.empty,
        provider=planned.provider,
        identity=planned.identity,
        configuration_digest=planned.configuration_digest,
        prices_digest=planned.prices_digest,
        tool_version=planned.tool_version,
        lineage=planned.lineage,
        serial=planned.serial,
        moment=None if planned.moment is None else MomentEntry.of(planned.moment),
        contacts=planned.contacts,
        made=planned.made,
        commit=planned.commit,
        changes=tuple(map(ChangeEntry.of, plan.changes)),
        drift=plan.drift,
        found=tuple(
            FoundCall(
                address=address,
                step=str(finding.intent.step),
                started=finding.intent.started,
                verdict=finding.verdict,
                made=finding.made,
                candidates=tuple(operation.id for operation in finding.candidates),
            )
            for address, finding in planned.found
        ),
        unchanged=plan.unchanged,
        not_planned=plan.not_planned,
        notes=plan.notes,
        unrecorded=tuple(each.shown for each in plan.unrecorded),
        endpoints=dict(plan.endpoints),
        cost=None if plan.costs is None else CostEntry.of(plan.costs),
        violations=plan.violations,
        refused=plan.refused,
        scores=tuple(map(ScorecardEntry.of, planned.scores)),
        forecasts=_sorted(planned.forecasts),
        adequacy=_sorted(planned.adequacy),
        data_findings=_sorted(planned.data_findings),
        datasets={a: DatasetEntry.of(d) for a, d in sorted(desired.datasets.items())},
        models={a: ModelEntry.of(m) for a, m in sorted(desired.models.items())},
        sources={a: data.totals for a, data in sorted(planned.sources.items())},
    )


def planned_document(planned: BoundPlan) -> dict[str, Any]:
    """Return the document of a plan as JSON values, all but the digest."""
    document: dict[str, Any] = written(content_of(planned))
    return document


def planned_of(document: PlanContent) -> BoundPlan:
    """Return the plan of a document. Raises KeyError, TypeError, ValueError, ArithmeticError."""
    plan = Plan(
        changes=tuple(entry.change() for entry in document.changes),
        drift=document.drift,
        unchanged=document.unchanged,
        notes=document.notes,
        unrecorded=tuple(Unrecorded(**asdict(each)) for each in document.unrecorded),
        endpoints=document.endpoints,
        costs=None if document.cost is None else document.cost.costs(),
        violations=document.violations,
        refused=document.refused,
        not_planned=document.not_planned,
    )
    return BoundPlan(
        plan=plan,
        options=PlanOptions(
            mode=document.mode,
            refresh=document.refresh,
            targets=frozenset(document.targets),
            excludes=frozenset(document.excludes),
            replaces=frozenset(document.replaces),
            allow_large_change=document.allow_large_change,
            lint=document.lint,
            allow_partial_import=document.allow_partial_import or False,
        ),
        desired=Desired(
            datasets={address: entry.at(address) for address, entry in document.datasets.items()},
            models={address: entry.at(address) for address, entry in document.models.items()},
        ),
        provider=document.provider,
        identity=document.identity,
        configuration_digest=document.configuration_digest,
        prices_digest=document.prices_digest,
        tool_version=document.tool_version,
        lineage=document.lineage,
        serial=document.serial,
        sources={address: SourceData(**asdict(each)) for address, each in document.sources.items()},
        moment=None if document.moment is None else document.moment.moment(),
        contacts=document.contacts,
        made=document.made,
        commit=document.commit,
        scores=tuple(entry.card() for entry in document.scores),
        forecasts=document.forecasts,
        adequacy=document.adequacy,
        data_findings=document.data_findings,
    )


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of an older format in the form of the present one."""
    refused = document.get("refused")
    if isinstance(refused, list):
        refused = [{"rule": NOT_RECORDED, "text": each} for each in refused]
    added = {"lint": True, "moment": None}
    return {**added, **document, "format_version": FORMAT_VERSION, "refused": refused}


def _sorted(values: Mapping[Any, V]) -> dict[Any, V]:
    return dict(sorted(values.items()))
