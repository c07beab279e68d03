"""What was started and is not what is declared, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence

from automl_plan.applying.left_running import NOUNS
from automl_plan.errors import StartedOtherwise
from automl_plan.planning.plan import Difference, Otherwise
from automl_plan.rendering.style import clean
from automl_plan.resources.json import Json
from automl_plan.resources.model_types import Problem

_CONTENT = ("data", "trained_on.data")
"""Fingerprints, of which the beginning tells two apart."""
_DIGITS = 12


def otherwise_text(otherwise: Sequence[Otherwise]) -> str:
    """The warning before it is waited for."""
    lines = "".join(f"Warning: {clean(_sentence(each))}.\n" for each in otherwise)
    return f"{lines}What was started is followed and recorded; nothing goes on from it.\n"


def started_otherwise_error(otherwise: Sequence[Otherwise]) -> StartedOtherwise:
    """The error after it has ended."""
    names = ", ".join(sorted({name for each in otherwise for name in each.missing}))
    then = f" as then ({names})" if names else ""
    return StartedOtherwise(
        "\n".join(["What was started is not what is declared.", *map(_sentence, otherwise)]),
        hint=f"It is recorded. Give the same variables{then}, or change the configuration, and run "
        "`automl-plan apply`. `automl-plan plan` shows what becomes of it as the configuration is "
        "now.",
    )


def _sentence(each: Otherwise) -> str:
    which = "" if each.operation_id is None else f" {each.operation_id}"
    started = f"{each.address}: the {NOUNS[each.step]}{which} was started"
    if not each.declared:
        return f"{started}, and the configuration does not declare {each.address} any more"
    if each.differences:
        before = ", ".join(f"{_name(d)} {_value(d, d.before)}" for d in each.differences)
        now = ", ".join(_value(d, d.after) for d in each.differences)
        return f"{started} with {before}, and the configuration now says {now}"
    names = ", ".join(each.missing)
    value = "a value for the variable" if len(each.missing) == 1 else "values for the variables"
    return f"{started} with {value} {names}, and none is given now"


def _name(difference: Difference) -> str:
    if difference.path in _CONTENT:
        return "sources of the content"
    path = difference.path
    for problem in Problem:
        path = path.removeprefix(f"{problem}.")
    return path


def _value(difference: Difference, value: Json) -> str:
    if value is None:
        return "nothing"
    if difference.path in _CONTENT:
        return str(value)[:_DIGITS]
    return json.dumps(value, ensure_ascii=False)
