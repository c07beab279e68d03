"""A plan as `name=value` lines: what a step of a GitHub workflow hands to the next ones."""

from __future__ import annotations

from automl_plan.applying.plan_file import digest_of
from automl_plan.applying.planned import Planned
from automl_plan.planning.costs import Amounts
from automl_plan.planning.plan import Action
from automl_plan.rendering.verdict import TRAININGS, worry_of


def plan_outputs(planned: Planned) -> str:
    """A line each, to be appended to the file that GITHUB_OUTPUT names.

    Numbers and our own words only: nothing from outside could begin a line of its own.
    """
    plan = planned.plan
    total = Amounts() if plan.costs is None else plan.costs.total
    values = {
        "changes": str(not planned.empty).lower(),
        "verdict": str(worry_of(planned)),
        "trainings": sum(change.action in TRAININGS for change in plan.changes),
        "deletions": sum(change.action is Action.DELETE for change in plan.changes),
        "training-cost": f"{total.training:.2f}",
        "monthly-before": f"{total.monthly_before:.2f}",
        "monthly-after": f"{total.monthly_after:.2f}",
        "digest": digest_of(planned),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
