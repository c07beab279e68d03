"""A plan with all that it is bound to, as JSON, and back.

Its form is described by schemas/plan.schema.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from automl_plan.config.configuration import ProviderSettings
from automl_plan.model.address import Address
from automl_plan.model.contacts import contact_from_json, contact_to_json
from automl_plan.model.desired import (
    Desired,
    DesiredDataset,
    DesiredModel,
    Lifecycle,
    OnSourceChange,
)
from automl_plan.model.endpoints import Home
from automl_plan.model.json import Json
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.requirements import Requirements
from automl_plan.model.source_data import SourceData
from automl_plan.model.timestamps import rfc3339
from automl_plan.planning.adequacy import advice_from_json, advice_to_json
from automl_plan.planning.data_findings import data_findings_from_json, data_findings_to_json
from automl_plan.planning.forecast import forecast_from_json, forecast_to_json
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import (
    NOT_RECORDED,
    Action,
    Change,
    Difference,
    Drift,
    HeldBy,
    Note,
    NoteKind,
    Plan,
    Refusal,
    Violation,
    costs_from_json,
    costs_to_json,
)
from automl_plan.planning.scorecards import scorecard_from_json, scorecard_to_json
from automl_plan.planning.unrecorded import unrecorded_from_json, unrecorded_to_json
from automl_plan.workspace.billing import Moment
from automl_plan.workspace.bound_plan import BoundPlan

FORMAT_VERSION = "1.3"
OLDER_FORMATS = ("1.2",)
"""Formats that are still read to be shown, and not applied."""


def planned_document(planned: BoundPlan) -> dict[str, Json]:
    """All but the digest (schemas/plan.schema.json)."""
    plan = planned.plan
    return {
        "format_version": FORMAT_VERSION,
        "mode": str(planned.mode),
        "refresh": planned.options.refresh,
        "targets": [str(address) for address in sorted(planned.options.targets)],
        "excludes": [str(address) for address in sorted(planned.options.excludes)],
        "replaces": [str(address) for address in sorted(planned.options.replaces)],
        "allow_large_change": planned.options.allow_large_change,
        "allow_partial_import": planned.options.allow_partial_import,
        "lint": planned.options.lint,
        "empty": planned.empty,
        "provider": {"name": planned.provider.name, "settings": dict(planned.provider.settings)},
        "identity": planned.identity,
        "configuration_digest": planned.configuration_digest,
        "prices_digest": planned.prices_digest,
        "tool_version": planned.tool_version,
        "lineage": planned.lineage,
        "serial": planned.serial,
        "moment": None if planned.moment is None else _moment_json(planned.moment),
        **({"contacts": [*map(contact_to_json, planned.contacts)]} if planned.contacts else {}),
        "made": planned.made,
        "commit": planned.commit,
        "changes": [change_to_json(change) for change in plan.changes],
        "drift": [drift_to_json(drift) for drift in plan.drift],
        "found": [
            _compact(
                address=str(address),
                step=str(finding.intent.step),
                started=finding.intent.started,
                verdict=str(finding.verdict),
                made=finding.made,
                candidates=[operation.id for operation in finding.candidates],
            )
            for address, finding in planned.found
        ],
        "unchanged": [str(address) for address in plan.unchanged],
        **_left_out(plan),
        "notes": [
            _compact(
                address=str(note.address),
                kind=str(note.kind),
                text=note.text,
                by=None if note.by is None else str(note.by),
            )
            for note in plan.notes
        ],
        **({"unrecorded": unrecorded_to_json(plan.unrecorded)} if plan.unrecorded else {}),
        **(
            {"endpoints": {str(a): _home_json(h) for a, h in sorted(plan.endpoints.items())}}
            if plan.endpoints
            else {}
        ),
        "cost": None if plan.costs is None else costs_to_json(plan.costs),
        "violations": [
            _compact(
                rule=violation.rule,
                message=violation.message,
                warns=violation.warns,
                address=None if violation.address is None else str(violation.address),
                field=violation.field,
                where=violation.where,
            )
            for violation in plan.violations
        ],
        "refused": [
            _compact(
                rule=refusal.rule,
                text=refusal.text,
                address=None if refusal.address is None else str(refusal.address),
                field=refusal.field,
                where=refusal.where,
            )
            for refusal in plan.refused
        ],
        "scores": [scorecard_to_json(card) for card in planned.scores],
        "forecasts": {
            key: None if forecast is None else forecast_to_json(forecast)
            for key, forecast in sorted(planned.forecasts.items())
        },
        "adequacy": {
            str(address): advice_to_json(advice)
            for address, advice in sorted(planned.adequacy.items())
        },
        "data_findings": {
            str(address): data_findings_to_json(found)
            for address, found in sorted(planned.data_findings.items())
        },
        "datasets": {str(a): _dataset_json(d) for a, d in sorted(planned.desired.datasets.items())},
        "models": {str(a): _model_json(m) for a, m in sorted(planned.desired.models.items())},
        "sources": {
            str(address): {
                "fingerprint": data.fingerprint,
                "examples": data.examples,
                "labelled_examples": data.labelled_examples,
                **({"assigned_examples": data.assigned_examples} if data.assigned_examples else {}),
            }
            for address, data in sorted(planned.sources.items())
        },
    }


def _left_out(plan: Plan) -> dict[str, Json]:
    """Only of a narrowed plan."""
    if not plan.not_planned:
        return {}
    return {"not_planned": [str(address) for address in plan.not_planned]}


def _moment_json(moment: Moment) -> dict[str, Json]:
    return {
        "machine": rfc3339(moment.machine, "microseconds"),
        "service": rfc3339(moment.service, "microseconds"),
    }


def _home_json(home: Home) -> dict[str, Json]:
    return _compact(id=home.id, adopted=home.adopted or None)


def _compact(**fields: Json) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if value is not None}


def change_to_json(change: Change) -> dict[str, Json]:
    """One change of the plan file."""
    return _compact(
        key=change.key,
        address=str(change.address),
        action=str(change.action),
        reason=change.reason,
        field=change.field,
        object_id=change.object_id,
        operation_id=change.operation_id,
        differences=[_difference_json(d) for d in change.differences] or None,
        after=None if change.after is None else dict(change.after),
        endpoints=list(change.endpoints) or None,
        needs=list(change.needs) or None,
        origin=None if change.origin is None else str(change.origin),
        where=change.where,
    )


def drift_to_json(drift: Drift) -> dict[str, Json]:
    """One drift of the plan file."""
    return {
        "address": str(drift.address),
        "object_id": drift.object_id,
        "gone": drift.gone,
        "trained": drift.trained,
        "differences": [_difference_json(d) for d in drift.differences],
    }


def _difference_json(difference: Difference) -> dict[str, Json]:
    return {
        "path": difference.path,
        "before": difference.before,
        "after": difference.after,
    }


def _dataset_json(dataset: DesiredDataset) -> dict[str, Json]:
    return _compact(
        display_name=dataset.display_name,
        problem=str(dataset.problem),
        classification_type=dataset.classification_type and str(dataset.classification_type),
        description=dataset.description,
        labels=dict(dataset.labels),
        sources=list(dataset.sources),
        on_source_change=str(dataset.on_source_change),
        data=dataset.data,
        prevent_destroy=dataset.lifecycle.prevent_destroy or None,
        ignore_changes=list(dataset.lifecycle.ignore_changes) or None,
    )


def _model_json(model: DesiredModel) -> dict[str, Json]:
    return _compact(
        display_name=model.display_name,
        dataset=str(model.dataset),
        problem=str(model.problem),
        model_type=model.model_type,
        train_budget_milli_node_hours=model.train_budget_milli_node_hours,
        base_model_id=model.base_model_id,
        training_options=dict(model.training_options) or None,
        labels=dict(model.labels),
        node_count=model.node_count,
        redeploys=model.redeploys or None,
        sets_all_or_none=model.sets_all_or_none or None,
        require=None if model.require is None else model.require.to_json(),
        keep_versions=model.keep_versions,
        retrain_before_expiry=_days(model.retrain_before_expiry),
        retrain_max_age=_days(model.retrain_max_age),
        prevent_destroy=model.lifecycle.prevent_destroy or None,
        ignore_changes=list(model.lifecycle.ignore_changes) or None,
    )


def _days(duration: timedelta | None) -> float | None:
    return None if duration is None else duration / timedelta(days=1)


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A document of an older format in the form of the present one."""
    refused = document.get("refused")
    if isinstance(refused, list):
        refused = [{"rule": NOT_RECORDED, "text": each} for each in refused]
    added = {"lint": True, "moment": None}
    return {**added, **document, "format_version": FORMAT_VERSION, "refused": refused}


def planned_of(document: dict[str, Any]) -> BoundPlan:
    """The inverse, of a document that the schema allows. Raises KeyError, TypeError, ValueError."""
    plan = Plan(
        changes=tuple(_change(c) for c in document["changes"]),
        drift=tuple(_drift(d) for d in document["drift"]),
        unchanged=tuple(Address.parse(a) for a in document["unchanged"]),
        notes=tuple(
            Note(
                Address.parse(n["address"]),
                NoteKind(n["kind"]),
                n["text"],
                HeldBy(n["by"]) if "by" in n else None,
            )
            for n in document["notes"]
        ),
        unrecorded=unrecorded_from_json(document.get("unrecorded", ())),
        endpoints={
            Address.parse(address): Home(**home)
            for address, home in document.get("endpoints", {}).items()
        },
        costs=None if document["cost"] is None else costs_from_json(document["cost"]),
        violations=tuple(_violation(v) for v in document["violations"]),
        refused=tuple(map(_refusal, document["refused"])),
        not_planned=tuple(Address.parse(a) for a in document.get("not_planned", ())),
    )
    return BoundPlan(
        plan=plan,
        options=PlanOptions(
            mode=PlanMode(document["mode"]),
            refresh=document["refresh"],
            targets=frozenset(map(Address.parse, document["targets"])),
            excludes=frozenset(map(Address.parse, document["excludes"])),
            replaces=frozenset(map(Address.parse, document["replaces"])),
            allow_large_change=document["allow_large_change"],
            lint=document["lint"],
            allow_partial_import=document.get("allow_partial_import", False),
        ),
        desired=Desired(
            datasets=_by_address(document["datasets"], _dataset),
            models=_by_address(document["models"], _model),
        ),
        provider=ProviderSettings(
            name=document["provider"]["name"], settings=document["provider"]["settings"]
        ),
        identity=document["identity"],
        configuration_digest=document["configuration_digest"],
        prices_digest=document["prices_digest"],
        tool_version=document["tool_version"],
        lineage=document["lineage"],
        serial=document["serial"],
        sources={Address.parse(a): SourceData(**d) for a, d in document["sources"].items()},
        moment=None if document["moment"] is None else _moment(document["moment"]),
        contacts=tuple(map(contact_from_json, document.get("contacts", ()))),
        made=document["made"],
        commit=document["commit"],
        scores=tuple(map(scorecard_from_json, document["scores"])),
        forecasts={
            key: None if forecast is None else forecast_from_json(forecast)
            for key, forecast in document["forecasts"].items()
        },
        adequacy={
            Address.parse(text): advice_from_json(content)
            for text, content in document["adequacy"].items()
        },
        data_findings={
            Address.parse(text): data_findings_from_json(content)
            for text, content in document["data_findings"].items()
        },
    )


def _moment(fields: Mapping[str, str]) -> Moment:
    return Moment(*(datetime.fromisoformat(fields[clock]) for clock in ("machine", "service")))


def _by_address(entries: Mapping[str, dict[str, Any]], read: Any) -> Any:
    parsed = ((Address.parse(text), fields) for text, fields in entries.items())
    return {address: read(address, fields) for address, fields in parsed}


def _dataset(address: Address, fields: dict[str, Any]) -> DesiredDataset:
    kind = fields.pop("classification_type", None)
    return DesiredDataset(
        address=address,
        problem=Problem(fields.pop("problem")),
        classification_type=None if kind is None else ClassificationType(kind),
        sources=tuple(fields.pop("sources")),
        on_source_change=OnSourceChange(fields.pop("on_source_change")),
        lifecycle=_lifecycle(fields),
        **fields,
    )


def _model(address: Address, fields: dict[str, Any]) -> DesiredModel:
    require = fields.pop("require", None)
    return DesiredModel(
        address=address,
        dataset=Address.parse(fields.pop("dataset")),
        problem=Problem(fields.pop("problem")),
        require=None if require is None else Requirements.from_json(require),
        retrain_before_expiry=_duration(fields.pop("retrain_before_expiry", None)),
        retrain_max_age=_duration(fields.pop("retrain_max_age", None)),
        lifecycle=_lifecycle(fields),
        **fields,
    )


def _lifecycle(fields: dict[str, Any]) -> Lifecycle:
    return Lifecycle(
        prevent_destroy=fields.pop("prevent_destroy", False),
        ignore_changes=tuple(fields.pop("ignore_changes", ())),
    )


def _duration(days: float | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _change(fields: dict[str, Any]) -> Change:
    key, origin = fields.pop("key"), fields.pop("origin", None)
    change = Change(
        origin=None if origin is None else Address.parse(origin),
        address=Address.parse(fields.pop("address")),
        action=Action(fields.pop("action")),
        differences=_differences(fields.pop("differences", ())),
        endpoints=tuple(fields.pop("endpoints", ())),
        needs=tuple(fields.pop("needs", ())),
        **fields,
    )
    if change.key != key:
        raise ValueError(f"the change {key!r} has another key than its own")
    return change


def _violation(fields: dict[str, Any]) -> Violation:
    address = fields.pop("address", None)
    return Violation(address=None if address is None else Address.parse(address), **fields)


def _refusal(fields: dict[str, Any]) -> Refusal:
    address = fields.pop("address", None)
    return Refusal(address=None if address is None else Address.parse(address), **fields)


def _drift(fields: dict[str, Any]) -> Drift:
    return Drift(
        address=Address.parse(fields["address"]),
        object_id=fields["object_id"],
        gone=fields["gone"],
        trained=fields["trained"],
        differences=_differences(fields["differences"]),
    )


def _differences(entries: Any) -> tuple[Difference, ...]:
    return tuple(Difference(d["path"], d["before"], d["after"]) for d in entries)
