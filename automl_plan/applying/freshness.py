"""Whether a plan still fits: the state, the configuration and what lives may have moved on."""

from __future__ import annotations

import json

from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.applying.judging import check_refused
from automl_plan.applying.plan_document import change_to_json, drift_to_json
from automl_plan.applying.planned import Planned, make_plan
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import PlanStale
from automl_plan.planning.plan import Plan
from automl_plan.state.document import State

_SHOWN = 5


def check_bound(planned: Planned, workspace: Workspace, state: State) -> None:
    """Raise PlanStale when the plan was made of another configuration or state."""
    if planned.tool_version != __version__:
        raise PlanStale(
            f"The plan was made by automl-plan {planned.tool_version}, and this is {__version__}.",
            hint="Make it again: `automl-plan plan --out FILE`. Or apply it with the version that "
            "made it.",
        )
    if planned.prices_digest != workspace.configuration.prices.digest:
        raise PlanStale(
            "The price book is not the one that the plan was made of.",
            hint="Plan again, and look at what it costs now.",
        )
    if planned.configuration_digest != workspace.configuration.digest:
        raise PlanStale(
            "The configuration, or a variable, is not the one that the plan was made of.",
            hint="Plan again; for a saved plan give the same --var and --var-file.",
        )
    if planned.lineage and planned.lineage != state.lineage:
        raise PlanStale("The plan was made of another state (its lineage differs).")
    if planned.serial != state.serial:
        raise PlanStale(
            f"The state changed after the plan was made (serial {planned.serial} then, "
            f"{state.serial} now).",
            hint="The plan may have been applied already. Plan again.",
        )


def check_current(planned: Planned, workspace: Workspace) -> Planned:
    """The saved plan, to be judged by what is there now.

    Raise PlanStale when planning again gives something else: what lives has changed. Raise
    PlanRefused when planning again is refused, and the plan does not say so.
    """
    check_bound(planned, workspace, workspace.store.read())
    again = make_plan(workspace, planned.options)
    now = again.plan
    if not planned.plan.refused:
        check_refused(now.refused)
    moved = _differing(planned.plan, now)
    if moved:
        more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
        raise PlanStale(
            "What lives, or the content of sources, changed after the plan was made: "
            f"{', '.join(moved[:_SHOWN])}{more}.",
            hint="Plan again, and look at what it says.",
        )
    return replace(planned, grounds=again.grounds)


def _differing(then: Plan, now: Plan) -> list[str]:
    """The addresses of which the two plans say different things."""
    return sorted({address for address, _ in _told(then) ^ _told(now)})


def _told(plan: Plan) -> set[tuple[str, str]]:
    """All that a plan says, by address, but for reasons: they may tell of time that has passed."""
    told = [(change.address, change_to_json(change)) for change in plan.changes]
    told += [(drift.address, drift_to_json(drift)) for drift in plan.drift]
    return {
        (str(a), json.dumps({**said, "reason": "", "where": ""}, sort_keys=True))
        for a, said in told
    }
