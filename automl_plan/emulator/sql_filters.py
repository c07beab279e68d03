"""Filters of lists as SQL. Columns and operators are closed sets; values are parameters."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.objects import ObjectKind, ObjectRef

Column = Literal[
    "id",
    "problem",
    "dataset_id",
    "annotation_spec_id",
    "saved_query_id",
    "model_id",
    "family",
    "is_default",
    "done",
    "kind",
    "error_code",
    "cancel_requested",
    "started",
]
Expression = Literal[
    "id",
    "display_name",
    "family",
    "created",
    "json_extract(spec, '$.asked.display_name')",
    "json_extract(spec, '$.asked.definition')",
    "json_extract(spec, '$.display_name')",
    "json_extract(counts, '$[1]')",
]
"""What `compare` takes: a column, or a field of the request that started an operation."""
OrderColumn = Literal["display_name", "created", "max(created, updated)", "seq", "updated"]
"""What lists are ordered by. Datasets of an earlier version have no time of their last change."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "GLOB"]
LabelColumn = Literal[
    "item_labels",
    "labels",
    "json_patch(labels, version_labels)",
    "json_extract(spec, '$.asked.labels')",
]
Value = str | int | None


class Term(NamedTuple):
    """A condition on the rows of a list: a part of a WHERE clause and its parameters."""

    sql: str
    parameters: tuple[Value, ...]


class Order(NamedTuple):
    """A column that a list is ordered by."""

    column: OrderColumn
    descending: bool

    @property
    def sql(self) -> str:
        """The part of an ORDER BY clause."""
        return f"{self.column} {'DESC' if self.descending else 'ASC'}"


def equals(column: Column, value: Value, *, negated: bool = False) -> Term:
    """Compare a column with a value, which may be NULL."""
    return Term(f"{column} {'IS NOT' if negated else 'IS'} ?", (value,))


def compare(expression: Expression, operator: Operator, value: Value) -> Term:
    """Compare an expression with a value; with GLOB, `*` matches any characters."""
    return Term(f"{expression} {operator} ?", (value,))


def has_label(column: LabelColumn, key: str, value: str | None = None) -> Term:
    """Match objects with a label of that key: with that value, or with any."""
    path = f"$.{json.dumps(key)}"
    if value is None:
        return Term(f"json_extract({column}, ?) IS NOT NULL", (path,))
    return Term(f"json_extract({column}, ?) IS ?", (path, value))


def works_on(target: ObjectRef | ObjectKind | None, *, negated: bool = False) -> Term:
    """Match operations that work on an object, or on any of a kind; None is no object."""
    sql = "id IN (SELECT operation_id FROM works_on WHERE kind = ?)"
    parameters: tuple[Value, ...] = ("" if target is None else str(target),)
    if isinstance(target, ObjectRef):
        sql, parameters = sql.replace(")", " AND object_id = ?)"), (target.kind, target.id)
    return Term(f"NOT {sql}" if negated else sql, parameters)


def created_until(instant: datetime) -> Term:
    """Match objects that were created at that time or before."""
    return Term("created <= ?", (to_micros(instant),))


def negate(term: Term) -> Term:
    """Match what a term doesn't match; an unknown result (NULL) counts as no match."""
    return Term(f"NOT coalesce({term.sql}, 0)", term.parameters)


def all_of(terms: Sequence[Term]) -> Term:
    """Match what all of the terms match."""
    return _join(" AND ", terms)


def any_of(terms: Sequence[Term]) -> Term:
    """Match what at least one of the terms matches."""
    return _join(" OR ", terms)


def _join(operator: str, terms: Sequence[Term]) -> Term:
    parameters = tuple(value for term in terms for value in term.parameters)
    return Term(f"({operator.join(term.sql for term in terms)})", parameters)
