"""Models that are listed while they still train: a fault that clients must stand."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import cast

from automl_plan.emulator.objects import Model, Operation, OperationKind, Scope
from automl_plan.emulator.rows import model_of, operation_of
from automl_plan.emulator.store import Page, Window, select_page
from automl_plan.emulator.terms import Condition, Term
from automl_plan.emulator.training.types import Problem

_EARLY = 2**62
"""Page tokens above it go on among the trainings, by the row number of their operation."""


def early_models(db: Connection, scope: Scope) -> list[tuple[int, Model]]:
    """What still trains, as models, newest first; with the row numbers of their operations."""
    rows = db.execute(
        "SELECT * FROM operations WHERE api = ? AND project = ? AND location = ? AND kind = ? "
        "AND done = 0 ORDER BY seq DESC",
        (*scope, OperationKind.CREATE_MODEL),
    )
    return [(row["seq"], _untrained(operation_of(row))) for row in rows]


def page_with_early_models(
    db: Connection, scope: Scope, terms: Sequence[Term], window: Window
) -> Page[Model]:
    """A page of models, newest first, in which those that still train come before all others."""
    early: list[tuple[int, Model]] = []
    if window.before is None or window.before > _EARLY:
        before = None if window.before is None else window.before - _EARLY
        early = [
            (seq, model)
            for seq, model in early_models(db, scope)
            if (before is None or seq < before) and all(_fits(model, term) for term in terms)
        ]
        window = Window(window.size)
    if len(early) >= window.size:
        last, _ = early[window.size - 1]
        return Page(tuple(model for _, model in early[: window.size]), _EARLY + last)
    rest = Window(window.size - len(early), window.before)
    rows, more = select_page(db, "models", scope, terms, rest)
    return Page((*(model for _, model in early), *map(model_of, rows)), more)


def _fits(model: Model, term: Term) -> bool:
    """Whether a filter finds the model; those for models compare its columns."""
    if not isinstance(term, Condition):
        return False
    values: dict[str, object] = {"dataset_id": model.dataset_id, "problem": model.problem}
    return (values.get(term.column) == term.value) != term.negated


def _untrained(operation: Operation) -> Model:
    spec, created = operation.spec, operation.created
    return Model(
        id=cast("int", spec["model_id"]),
        scope=operation.scope,
        dataset_id=cast("int", spec["dataset_id"]),
        problem=cast("Problem", operation.problem),
        multilabel=False,
        model_type=cast("str", spec["model_type"]),
        budget_milli_node_hours=cast("int", spec["budget"]),
        base_model_id=cast("int | None", spec["base_model_id"]),
        display_name=cast("str", spec["display_name"]),
        labels=cast("dict[str, str]", spec["labels"]),
        version=1,
        created=created,
        updated=created,
        cost_milli_node_hours=0,
        stop_reason="",
        node_qps=0.0,
        deployed=False,
        node_count=0,
        trainer="",
        specs=(),
    )
