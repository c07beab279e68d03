"""Filters of AutoML v1's lists: terms, joined by AND."""

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.http import Request
from automl_plan.emulator.sql_filters import Term, equals
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.wire.messages import snake
from automl_plan.emulator.wire.requests import parameter


class Comparison(Struct, frozen=True):
    """A filter term. `value` is None for `field:*`, which tests whether the field is set."""

    field: str
    value: str | None
    negated: bool


_TERM = re.compile(r"(?P<no>NOT\s+|-)?(?P<field>[A-Za-z][\w-]*?)\s*(?P<op>!=|=|:)\s*(?P<value>.*)")


def read_filter(
    request: Request, terms: Mapping[str, Callable[[Comparison], Term]]
) -> Sequence[Term]:
    """Return the terms of the request's filter. Fields may be in any case style."""
    text = _unquoted((parameter(request, "filter") or "").strip())
    return [_read_term(each, terms) for each in re.split(r"\s+AND\s+", text)] if text else []


def _read_term(text: str, terms: Mapping[str, Callable[[Comparison], Term]]) -> Term:
    match = _TERM.fullmatch(_unquoted(text))
    if match:
        name = snake(match["field"].replace("-", "_"))
        value, operator = _unquoted(match["value"].strip()), match["op"]
        existence = operator == ":" and value == "*"
        one_term = not re.search(r"\s", value)
        if name in terms and value and one_term and (existence or operator != ":"):
            negated = (match["no"] is not None) != (operator == "!=")
            return terms[name](Comparison(name, None if existence else value, negated))
    known = ", ".join(terms)
    raise invalid(("filter", f'The filter "{text}" is not understood. It takes one of: {known}.'))


_OTHER_KINDS = (
    *("translation", "text_classification", "text_extraction", "text_sentiment"),
    *("tables", "video_classification", "video_object_tracking"),
)
"""Kinds of AutoML that the service doesn't have; the last three are of v1beta1."""


def metadata_terms(message: str) -> Mapping[str, Callable[[Comparison], Term]]:
    """Return the filter terms `…_metadata:*` of datasets or of models, by field.

    Those of other kinds than images match nothing.
    """
    return {
        f"{kind}_{message}_metadata": _metadata_term(kind) for kind in (*Problem, *_OTHER_KINDS)
    }


def _metadata_term(kind: str) -> Callable[[Comparison], Term]:
    def term(comparison: Comparison) -> Term:
        if comparison.value is not None:
            raise bad_comparison(comparison)
        return equals("problem", kind, negated=comparison.negated)

    return term


def bad_comparison(comparison: Comparison) -> ServiceError:
    """Return the error for a value or an operator that the field doesn't take."""
    wanted = ":*" if comparison.value is None else f"={comparison.value}"
    return invalid(("filter", f"{comparison.field} can't be compared by {wanted}."))


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return text[1:-1].strip()
    return text
