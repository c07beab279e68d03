"""Filters of Vertex AI's lists (AIP-160): comparisons with AND, OR, NOT and parentheses."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.http import Request
from automl_plan.emulator.sql_filters import (
    Column,
    Expression,
    LabelColumn,
    Operator,
    Term,
    all_of,
    any_of,
    compare,
    equals,
    has_label,
    negate,
)
from automl_plan.emulator.wire.messages import snake
from automl_plan.emulator.wire.names import read_number
from automl_plan.emulator.wire.requests import parameter

_TOKEN = re.compile(
    r'\s*(?:(?P<mark>\(|\)|!=|<=|>=|=|<|>|:|-(?=[A-Za-z(]))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<word>[^\s()\"=!<>:]+))"
)
_DEEPEST = 50


CALL = "()"
"""The operator of `field(value)`."""


class Comparison(Struct, frozen=True):
    """`field operator value`, or `field(value)`; `key` is the part after `labels.`."""

    field: str
    key: str | None
    operator: str
    value: str


FieldTerm = Callable[[Comparison], Term]


def read_filter(request: Request, fields: Mapping[str, FieldTerm]) -> list[Term]:
    """Return the terms of the request's filter. Fields may be in snake or camel case."""
    return parse_filter(parameter(request, "filter") or "", fields)


def parse_filter(text: str, fields: Mapping[str, FieldTerm]) -> list[Term]:
    """Return the terms of a filter, none of an empty one."""
    return [_Parser(text.strip(), fields).parse()] if text.strip() else []


def labels(column: LabelColumn) -> FieldTerm:
    """Accept `labels.key=value`, `labels.key:*` and `labels:key`."""

    def term(comparison: Comparison) -> Term:
        if comparison.key is None:
            if comparison.operator != ":":
                raise bad_comparison(comparison)
            return has_label(column, comparison.value)
        if comparison.operator == ":" and comparison.value == "*":
            return has_label(column, comparison.key)
        if comparison.operator not in ("=", "!=", ":"):
            raise bad_comparison(comparison)
        found = has_label(column, comparison.key, comparison.value)
        return negate(found) if comparison.operator == "!=" else found

    return term


def text(expression: Expression, *, wildcard: bool = False) -> FieldTerm:
    """Accept `=` and `!=` with a text; with `wildcard`, also `:` with `*` for any characters."""

    def term(comparison: Comparison) -> Term:
        if comparison.operator == ":" and wildcard:
            pattern = re.sub(r"([\[?])", r"[\1]", comparison.value)
            return compare(expression, "GLOB", pattern)
        return compare(expression, "!=" if is_negated(comparison) else "=", comparison.value)

    return term


def no_text(comparison: Comparison) -> Term:
    """Accept `=` with a text that no object has: models of the Model Garden are not there."""
    if comparison.operator != "=":
        raise bad_comparison(comparison)
    return equals("id", None)


def number(column: Column) -> FieldTerm:
    """Accept `=` and `!=` with an id that is a number."""

    def term(comparison: Comparison) -> Term:
        negated = is_negated(comparison)
        return equals(column, read_number(comparison.value), negated=negated)

    return term


def created(comparison: Comparison) -> Term:
    """Accept comparisons with a time in RFC 3339."""
    operators: Mapping[str, Operator] = {o: o for o in ("=", "!=", "<", "<=", ">", ">=")}
    try:
        instant = datetime.fromisoformat(comparison.value)
        if instant.tzinfo is None or comparison.operator not in operators:
            raise bad_comparison(comparison)
        return compare("created", operators[comparison.operator], to_micros(instant))
    except ValueError as error:
        raise bad_comparison(comparison) from error


def is_negated(comparison: Comparison) -> bool:
    """Return whether the operator is `!=` and not `=`; refuse other operators."""
    if comparison.operator not in ("=", "!="):
        raise bad_comparison(comparison)
    return comparison.operator == "!="


def bad_comparison(comparison: Comparison) -> ServiceError:
    """Return the error for a value or an operator that the field doesn't take."""
    written = f'{comparison.operator}"{comparison.value}"'
    return invalid(("filter", f"{comparison.field} can't be compared by {written}"))


class _Parser:
    """A parser by recursive descent. OR binds more tightly than AND (AIP-160)."""

    def __init__(self, text: str, fields: Mapping[str, FieldTerm]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def parse(self) -> Term:
        found = self._expression()
        if self._at < len(self._tokens):
            raise self._syntax_error()
        return found

    def _split(self) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                raise self._syntax_error()
            tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return tokens

    def _expression(self) -> Term:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._syntax_error()
        terms = [self._sequence()]
        while self._take("word", "AND") or self._starts():
            terms.append(self._sequence())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else all_of(terms)

    def _sequence(self) -> Term:
        terms = [self._single()]
        while self._take("word", "OR"):
            terms.append(self._single())
        return terms[0] if len(terms) == 1 else any_of(terms)

    def _single(self) -> Term:
        if self._take("word", "NOT") or self._take("mark", "-"):
            return negate(self._single_plain())
        return self._single_plain()

    def _single_plain(self) -> Term:
        if self._take("mark", "("):
            found = self._expression()
            if not self._take("mark", ")"):
                raise self._syntax_error()
            return found
        return self._comparison()

    def _comparison(self) -> Term:
        kind, name = self._next()
        if kind != "word":
            raise self._syntax_error()
        field, dot, key = name.partition(".")
        if dot and not key:  # labels."a key"
            kind, key = self._next()
            if kind != "quoted":
                raise self._syntax_error()
        kind, operator = self._next()
        if kind != "mark" or operator in ")-":
            raise self._syntax_error()
        kind, value = self._next()
        if kind == "mark":
            raise self._syntax_error()
        if operator == "(":
            operator = CALL
            if not self._take("mark", ")"):
                raise self._syntax_error()
        if kind == "quoted":
            value = re.sub(r"\\(.)", r"\1", value)
        below = f".{key}" if key and snake(field) != "labels" else ""
        term = self._fields.get(f"{snake(field)}{below}")
        if term is None:
            known = ", ".join(self._fields)
            raise invalid(("filter", f"There is no field {name} to filter by. There are {known}."))
        return term(Comparison(snake(field), key or None, operator, value))

    def _starts(self) -> bool:
        """Whether another comparison follows: adjacent comparisons are joined by AND."""
        if self._at >= len(self._tokens):
            return False
        return self._tokens[self._at] != ("mark", ")") and self._tokens[self._at] != ("word", "OR")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._syntax_error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, text):
            self._at += 1
            return True
        return False

    def _syntax_error(self) -> ServiceError:
        return invalid(("filter", f'The filter "{self._text[:200]}" is not understood.'))
