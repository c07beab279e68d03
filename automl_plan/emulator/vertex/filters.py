"""Filters of Vertex AI's lists (AIP-160): comparisons with AND, OR, NOT and brackets."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.http import Request
from automl_plan.emulator.sql_filters import (
    AllOf,
    AnyOf,
    Compared,
    Expression,
    HasLabel,
    LabelHome,
    Not,
    Operator,
    Term,
)
from automl_plan.emulator.wire.messages import snake
from automl_plan.emulator.wire.requests import parameter

_TOKEN = re.compile(
    r'\s*(?:(?P<mark>\(|\)|!=|<=|>=|=|<|>|:|-(?=[A-Za-z(]))|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<word>[^\s()\"=!<>:]+))"
)
_DEEPEST = 50


class Comparison(Struct, frozen=True):
    """`field op value`; `key` is what stands behind `labels.`."""

    field: str
    key: str | None
    operator: str
    value: str


FieldTerm = Callable[[Comparison], Term]


def read_filter(request: Request, fields: Mapping[str, FieldTerm]) -> list[Term]:
    """The terms of the request's filter. Fields in snake or camel case."""
    text = (parameter(request, "filter") or "").strip()
    return [_Parser(text, fields).parse()] if text else []


def labels(home: LabelHome) -> FieldTerm:
    """`labels.key=value`, `labels.key:*`, `labels:key`."""

    def term(asked: Comparison) -> Term:
        if asked.key is None:
            if asked.operator != ":":
                raise bad(asked)
            return HasLabel(home, asked.value)
        if asked.operator == ":" and asked.value == "*":
            return HasLabel(home, asked.key)
        if asked.operator not in ("=", "!=", ":"):
            raise bad(asked)
        found = HasLabel(home, asked.key, asked.value)
        return Not(found) if asked.operator == "!=" else found

    return term


def text(expression: Expression, *, wildcard: bool = False) -> FieldTerm:
    """`=` and `!=` with a text; `:` with `*` for any characters, where the list takes it."""

    def term(asked: Comparison) -> Term:
        if asked.operator == ":" and wildcard:
            pattern = re.sub(r"([\[?])", r"[\1]", asked.value)
            return Compared(expression, "GLOB", pattern)
        operator: Operator = "!=" if asked.operator == "!=" else "="
        if asked.operator not in ("=", "!="):
            raise bad(asked)
        return Compared(expression, operator, asked.value)

    return term


def created(asked: Comparison) -> Term:
    """A comparison of the time of creation, in RFC 3339."""
    operators: Mapping[str, Operator] = {o: o for o in ("=", "!=", "<", "<=", ">", ">=")}
    try:
        instant = datetime.fromisoformat(asked.value)
        if instant.tzinfo is None or asked.operator not in operators:
            raise bad(asked)
        return Compared("created", operators[asked.operator], to_micros(instant))
    except ValueError as error:
        raise bad(asked) from error


def bad(asked: Comparison) -> ServiceError:
    """The error for a value or an operator that the field doesn't take."""
    return invalid(
        ("filter", f'{asked.field} can\'t be compared by {asked.operator}"{asked.value}"')
    )


class _Parser:
    """OR binds closer than AND (AIP-160)."""

    def __init__(self, text: str, fields: Mapping[str, FieldTerm]) -> None:
        self._text = text
        self._fields = fields
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def parse(self) -> Term:
        found = self._expression()
        if self._at < len(self._tokens):
            raise self._strange()
        return found

    def _split(self) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                raise self._strange()
            tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return tokens

    def _expression(self) -> Term:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._strange()
        terms = [self._sequence()]
        while self._take("word", "AND") or self._starts():
            terms.append(self._sequence())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else AllOf(terms)

    def _sequence(self) -> Term:
        terms = [self._single()]
        while self._take("word", "OR"):
            terms.append(self._single())
        return terms[0] if len(terms) == 1 else AnyOf(terms)

    def _single(self) -> Term:
        if self._take("word", "NOT") or self._take("mark", "-"):
            return Not(self._single_plain())
        return self._single_plain()

    def _single_plain(self) -> Term:
        if self._take("mark", "("):
            found = self._expression()
            if not self._take("mark", ")"):
                raise self._strange()
            return found
        return self._comparison()

    def _comparison(self) -> Term:
        kind, name = self._next()
        if kind != "word":
            raise self._strange()
        field, dot, key = name.partition(".")
        if dot and not key:  # labels."a key"
            kind, key = self._next()
            if kind != "quoted":
                raise self._strange()
        kind, operator = self._next()
        if kind != "mark" or operator in "()-":
            raise self._strange()
        kind, value = self._next()
        if kind == "mark":
            raise self._strange()
        if kind == "quoted":
            value = re.sub(r"\\(.)", r"\1", value)
        below = f".{key}" if key and snake(field) != "labels" else ""
        term = self._fields.get(f"{snake(field)}{below}")
        if term is None:
            known = ", ".join(self._fields)
            raise invalid(("filter", f"There is no field {name} to filter by. There are {known}."))
        return term(Comparison(snake(field), key or None, operator, value))

    def _starts(self) -> bool:
        """Whether another comparison follows: what stands side by side must hold together."""
        if self._at >= len(self._tokens):
            return False
        return self._tokens[self._at] != ("mark", ")") and self._tokens[self._at] != ("word", "OR")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._strange()
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == (kind, text):
            self._at += 1
            return True
        return False

    def _strange(self) -> ServiceError:
        return invalid(("filter", f'The filter "{self._text[:200]}" is not understood.'))
