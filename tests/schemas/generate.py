"""Writes the files in schemas/ that are made of types: `make schemas`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from automl_plan.config.configuration import ProviderSettings
from automl_plan.model.history import HistoryEntry
from automl_plan.model.notices import Message
from automl_plan.model.recorded import RecordedObject, RecordedOperation, ResourceEntry
from automl_plan.model.source_data import SourceTotals
from automl_plan.output import graph
from automl_plan.output.documents import (
    commands,
    data,
    events,
    inventory,
    models,
    operations,
    plan,
)
from automl_plan.planning.plan import Drift, UnrecordedObject
from automl_plan.state.document import StateDocument
from automl_plan.workspace import plan_entries
from automl_plan.workspace.plan_document import PlanDocument
from tests.schemas.definitions import Definitions, Schema

SCHEMAS = Path(__file__).parents[2] / "schemas"
DRAFT = "http://json-schema.org/draft-07/schema#"
WIDTH = 110


class Published(Struct, frozen=True):
    """One schema file."""

    name: str
    """Of the file, without `.schema.json`."""
    title: str
    description: str = ""
    """Where empty: that of the root."""
    root: type[Struct] | None = None
    """What every document is."""
    one_of: Sequence[type[Struct]] = ()
    """In the place of a root: types of which every document is one."""
    views: Mapping[str, Any] = field(default_factory=dict)
    """In the place of a root: types by the name of their definition, each a document."""
    names: Mapping[type, str] = field(default_factory=dict)
    """The names of other definitions, where their types have others."""


PUBLISHED = (
    Published(
        "output",
        "What automl-plan prints with --json",
        "One definition for each command: check a document against #/definitions/COMMAND. "
        "`plan --json` and `show PLANFILE --json` print a plan (plan.schema.json), `schema` prints "
        "config.schema.json. The lines of `apply --json` are described by events.schema.json.",
        names={Drift: "drift-of-object"},
        views={
            "version": commands.Version,
            "validate": commands.Validate,
            "fmt": commands.Fmt,
            "emulator-status": commands.EmulatorStatus,
            "datasets-list": inventory.DatasetsList,
            "datasets-show": inventory.DatasetsShow,
            "datasets-images": inventory.DatasetsImages,
            "datasets-lint": data.DatasetsLint,
            "datasets-advise": data.DatasetsAdvise,
            "models-list": inventory.ModelsList,
            "models-show": inventory.ModelsShow,
            "models-calendar": inventory.ModelsCalendar,
            "models-evaluations": models.ModelsEvaluations,
            "models-evaluations-wrong": models.ModelsEvaluationsWrong,
            "models-predict": models.ModelsPredict,
            "models-versions": models.ModelsVersions,
            "operations-list": operations.OperationsList,
            "operations-get": operations.OperationsGet,
            "operations-backtest": operations.OperationsBacktest,
            "state-list": inventory.StateList,
            "state-show": inventory.StateShow,
            "cost": plan.Cost,
            "cost-spent": plan.CostSpent,
            "drift": plan.DriftFound,
            "why": plan.Why,
            "graph": graph.Graph,
            "comment": plan.Comment,
            "error": commands.Error,
        },
    ),
    Published(
        "events",
        "A line of what automl-plan writes for programs while it works",
        "Each line of `apply --json`, `apply --json-into FILE`, `destroy --json`, `wait --json`, "
        "`watch --json`, `models rollback --json`, `models promote --json`, `state mv --json` and "
        "`state rm --json` is one such object: the version first, then events, then one result, "
        "then an error where there is one. A reader skips types that it does not know.",
        one_of=(
            events.RunVersion,
            events.ChangeEvent,
            events.Result,
            events.Watched,
            events.WatchEnd,
            commands.Error,
        ),
    ),
    Published(
        "state",
        "automl-plan state file",
        root=StateDocument,
        names={
            ResourceEntry: "resource",
            RecordedObject: "object",
            RecordedOperation: "operation",
            HistoryEntry: "ended",
        },
    ),
    Published(
        "plan",
        "automl-plan plan file",
        root=PlanDocument,
        names={
            plan_entries.MomentEntry: "moment",
            plan_entries.ChangeEntry: "change",
            plan_entries.CostEntry: "cost",
            plan_entries.GateEntry: "gate",
            plan_entries.ScorecardEntry: "score",
            plan_entries.DatasetEntry: "dataset",
            plan_entries.ModelEntry: "model",
            UnrecordedObject: "unrecorded",
            SourceTotals: "source",
            ProviderSettings: "provider",
        },
    ),
    Published(
        "notice",
        "A message of automl-plan for programs",
        root=Message,
    ),
)


def document(published: Published) -> Schema:
    """Return the content of a schema file."""
    found = Definitions({**{v: k for k, v in published.views.items()}, **published.names})
    schema: Schema = {"$schema": DRAFT, "title": published.title}
    if published.description:
        schema["description"] = published.description
    if published.root is not None:
        schema = {**found.inline(published.root), **schema}
        schema = {key: schema[key] for key in sorted(schema, key=_place)}
    elif published.one_of:
        schema["oneOf"] = [found.of(each) for each in published.one_of]
    for view in published.views.values():
        found.of(view)
    if found.entries:
        schema["definitions"] = found.entries
    return schema


def text(published: Published) -> str:
    """Return the bytes of a schema file, as text."""
    return _laid_out(document(published), 0) + "\n"


def path_of(published: Published) -> Path:
    """Return where a schema file is."""
    return SCHEMAS / f"{published.name}.schema.json"


def differing() -> Iterator[Published]:
    """Yield the files that are not as their types are."""
    for published in PUBLISHED:
        path = path_of(published)
        if not path.exists() or path.read_text(encoding="utf-8") != text(published):
            yield published


def _laid_out(value: Any, depth: int) -> str:
    """Return JSON in which what fits is one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (depth and 2 * depth + len(line) <= WIDTH):
        return line
    inner = "  " * (depth + 1)
    if isinstance(value, dict):
        entries = [f"{json.dumps(k)}: {_laid_out(v, depth + 1)}" for k, v in value.items()]
        start, end = "{}"
    else:
        entries = [_laid_out(each, depth + 1) for each in value]
        start, end = "[]"
    return f"{start}\n{inner}" + f",\n{inner}".join(entries) + f"\n{'  ' * depth}{end}"


def _place(key: str) -> int:
    order = ("$schema", "title", "description", "type", "additionalProperties", "required")
    return order.index(key) if key in order else len(order)


if __name__ == "__main__":
    for each in list(differing()):
        path_of(each).write_text(text(each), encoding="utf-8")
        print(f"wrote {path_of(each).relative_to(SCHEMAS.parent)}")
