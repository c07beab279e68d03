"""A plan as the outputs of a step of GitHub Actions: `name=value`, a line each."""

from __future__ import annotations

from automl_plan.applying.plan_file import digest_of
from automl_plan.applying.planned import Planned
from automl_plan.planning.costs import Amounts
from automl_plan.planning.plan import Action
from automl_plan.rendering.verdict import TRAININGS


def step_outputs(planned: Planned) -> dict[str, str]:
    """By name. Numbers and words of ours only: nothing from outside could begin a line."""
    plan = planned.plan
    total = Amounts() if plan.costs is None else plan.costs.total
    return {
        "changes": str(not planned.empty).lower(),
        "refused": str(bool(plan.refused)).lower(),
        "trainings": str(sum(change.action in TRAININGS for change in plan.changes)),
        "deletions": str(sum(change.action is Action.DELETE for change in plan.changes)),
        "cost-worst": f"{total.training:.2f}",
        "cost-monthly-before": f"{total.monthly_before:.2f}",
        "cost-monthly-after": f"{total.monthly_after:.2f}",
        "digest": digest_of(planned),
    }
