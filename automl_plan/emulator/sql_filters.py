"""What lists are filtered by, as SQL: columns and operators are closed sets, values parameters."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.objects import ObjectRef

Column = Literal[
    "id",
    "problem",
    "dataset_id",
    "annotation_spec_id",
    "model_id",
    "done",
    "kind",
    "error_code",
    "cancel_requested",
    "started",
]
Expression = Literal[
    "id",
    "display_name",
    "created",
    "json_extract(spec, '$.asked.display_name')",
    "json_extract(spec, '$.asked.definition')",
]
"""What a comparison can be made of: a column, or what a training was asked for by the front."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "GLOB"]
LabelHome = Literal["labels", "json_extract(spec, '$.asked.labels')"]
Value = str | int | None
Sql = tuple[str, tuple[Value, ...]]


class Term(Protocol):
    """One condition on the rows of a list."""

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""


class Condition(Struct, frozen=True):
    """A column's comparison with a value; None compares with "is there none?"."""

    column: Column
    value: Value
    negated: bool = False

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        return f"{self.column} {'IS NOT' if self.negated else 'IS'} ?", (self.value,)


class Compared(Struct, frozen=True):
    """A comparison by an operator; GLOB takes `*` for any characters."""

    expression: Expression
    operator: Operator
    value: Value

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        return f"{self.expression} {self.operator} ?", (self.value,)


class HasLabel(Struct, frozen=True):
    """That an object bears a label, with any value or with that one."""

    home: LabelHome
    key: str
    value: str | None = None

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        path = f"$.{json.dumps(self.key)}"
        if self.value is None:
            return f"json_extract({self.home}, ?) IS NOT NULL", (path,)
        return f"json_extract({self.home}, ?) IS ?", (path, self.value)


class WorksOn(Struct, frozen=True):
    """That an operation works on an object, or doesn't; None is an object that can't exist."""

    target: ObjectRef | None
    negated: bool = False

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        kind, object_id = self.target or ("", 0)
        found = "id IN (SELECT operation_id FROM works_on WHERE kind = ? AND object_id = ?)"
        return (f"NOT {found}" if self.negated else found), (kind, object_id)


class CreatedUntil(Struct, frozen=True):
    """That an object was created at an instant or before."""

    instant: datetime

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        return "created <= ?", (to_micros(self.instant),)


class Not(Struct, frozen=True):
    """What a term does not find; nothing compared with something is no match either way."""

    term: Term

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        text, values = self.term.sql()
        return f"NOT coalesce({text}, 0)", values


class AllOf(Struct, frozen=True):
    """What all terms find."""

    terms: Sequence[Term]

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        return _joined(" AND ", self.terms)


class AnyOf(Struct, frozen=True):
    """What any of the terms finds."""

    terms: Sequence[Term]

    def sql(self) -> Sql:
        """The WHERE term and its parameters."""
        return _joined(" OR ", self.terms)


def _joined(word: str, terms: Sequence[Term]) -> Sql:
    found = [term.sql() for term in terms]
    return f"({word.join(text for text, _ in found)})", tuple(v for _, vs in found for v in vs)
