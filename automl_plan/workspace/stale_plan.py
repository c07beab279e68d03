"""Checks that a plan is current: that state, configuration and live resources did not change.

Anyone can compute the digest of a plan file, so nothing in it is trusted: planning is pure, and the
plan is made again for the time that the file names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.errors import PlanStale
from automl_plan.model.json import Json
from automl_plan.planning.options import PlanOptions
from automl_plan.state.document import State
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.check_refusals import raise_if_refused
from automl_plan.workspace.make_plan import plan_from
from automl_plan.workspace.plan_document import planned_document
from automl_plan.workspace.plan_inputs import gather_inputs_for
from automl_plan.workspace.workspace import Workspace

_SHOWN = 5
_LONGEST = 60
"""Characters of a value that are shown."""
_NAMES = (
    "address",
    "action",
    "object_id",
    "id",
    "kind",
    "rule",
    "step",
    "label",
    "path",
    "written",
)
"""Fields that identify an entry of a list that has no key."""


def check_plan_is_current(
    planned: BoundPlan, workspace: Workspace, state: State, remake: str | None = None
) -> None:
    """Raise PlanStale when the plan was made from another configuration or state.

    `remake` is the command that writes its file again.
    """
    again = "Plan again." if remake is None else f"Plan again: {remake}"
    if planned.tool_version != __version__:
        raise PlanStale(
            f"The plan was made by automl-plan {planned.tool_version}, and this is {__version__}.",
            hint=f"Or apply it with the version that made it. {again}",
        )
    if planned.prices_digest != workspace.configuration.prices.digest:
        raise PlanStale(
            "The price book changed after the plan was made.",
            hint=f"Check what it costs now. {again}",
        )
    if planned.configuration_digest != workspace.configuration.digest:
        raise PlanStale(
            "The configuration or a variable changed after the plan was made.",
            hint=f"Give a saved plan the same --var and --var-file. {again}",
        )
    if planned.lineage and planned.lineage != state.lineage:
        raise PlanStale("The plan was made from another state (its lineage differs).", hint=again)
    if planned.serial != state.serial:
        raise PlanStale(
            f"The state changed after the plan was made (serial {planned.serial} then, "
            f"{state.serial} now).",
            hint=f"The plan may have been applied already. {again}",
        )


def verify_saved_plan(
    saved: BoundPlan, workspace: Workspace, options: PlanOptions, remake: str
) -> BoundPlan:
    """Make the plan of a plan file again, and return it if it is the same.

    All that the file shows must be what is planned for its time, and what it does and costs must
    be what is planned now. `options` are its own, with what this run allows in addition. `remake`
    is the command that writes the file again. Raises PlanStale for differences, and PlanRefused
    when planning now is refused and the file does not say so.
    """
    check_plan_is_current(saved, workspace, workspace.store.read(), remake)
    inputs = gather_inputs_for(workspace, saved.options)
    present = plan_from(inputs, options)
    if not saved.plan.refused:
        raise_if_refused(present.plan.refused)
    assert saved.moment is not None  # noqa: S101 (of files that are applied)
    inputs = replace(inputs, moment=saved.moment, data_findings=present.data_findings)
    then = plan_from(inputs, saved.options, for_review=True)
    if moved := list(_differing(_shown_of(saved), _shown_of(then))):
        raise PlanStale(
            "The file does not match the plan: live resources, the content of sources or the "
            f"file itself changed after the plan was made.\n{_first(moved)}",
            hint=f"Make it again, and review it: {remake}",
        )
    if moved := list(_differing(_done_by(saved), _done_by(present))):
        raise PlanStale(
            f"Time has passed, and the plan is a different one now.\n{_first(moved)}",
            hint=f"Make it again, and review it: {remake}",
        )
    return replace(then, options=options, refusal_context=present.refusal_context)


def _shown_of(planned: BoundPlan) -> dict[str, Json]:
    """Return all that a plan file shows, except for the commit: a merge may change that."""
    return planned_document(replace(planned, commit=None, found=()))


def _done_by(planned: BoundPlan) -> dict[str, Json]:
    """Return what a plan does and costs, without what changes as time passes."""
    document: dict[str, Any] = planned_document(planned)
    changes = [{**change, "reason": None} for change in document["changes"]]
    cost = document["cost"]
    if cost is not None:
        lines = {a: {**amounts, "running_spent": None} for a, amounts in cost["resources"].items()}
        cost = {**cost, "resources": lines, "total": {**cost["total"], "running_spent": None}}
    return {"changes": changes, "cost": cost}


_Place = tuple[str, ...]


def _differing(then: Json, now: Json, path: _Place = ()) -> Iterator[tuple[_Place, str]]:
    """Yield each place where a file (`then`) differs from the plan, and how."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*then, *now)):
            place = (*path, str(key))
            if key not in now:
                yield place, " is only in the file"
            elif key not in then:
                yield place, " is not in the file"
            else:
                yield from _differing(then[key], now[key], place)
    elif isinstance(then, list | tuple) and isinstance(now, list | tuple):
        ours, theirs = _named(then), _named(now)
        yield from _differing(ours, theirs, path)
        if ours.keys() == theirs.keys() and [*ours] != [*theirs]:
            yield path, " is in another order"
    elif json.dumps(then) != json.dumps(now):
        yield path, f" is {_value(then)} in the file, but {_value(now)} now"


def _named(entries: Sequence[Json]) -> dict[str, Json]:
    """Return the entries of a list by what identifies them, or by number."""
    names = [_name(entry) for entry in entries]
    if not all(names) or len({*names}) != len(names):
        names = [str(number) for number, _ in enumerate(entries, 1)]
    return dict(zip(names, entries, strict=True))


def _name(entry: Json) -> str:
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping):
        return ""
    if "key" in entry:
        return str(entry["key"])
    return " ".join(str(entry[name]) for name in _NAMES if entry.get(name) is not None)


def _first(moved: Sequence[tuple[_Place, str]]) -> str:
    """Return a line for each of the first differences, whole entries first."""
    ranked = sorted(moved, key=lambda each: len(each[0]))
    lines = [": ".join(path).replace("_", " ") + what for path, what in ranked[:_SHOWN]]
    more = len(moved) - _SHOWN
    return "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
