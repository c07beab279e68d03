"""The money in a plan, in words and as a table."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.output.cost import costs_text, usd
from automl_plan.output.review_summary import money
from automl_plan.output.style import PLAIN
from automl_plan.planning.plan import Amounts, CostLine, Costs, Idle
from tests.output import scenes

DIGITS, PARITY = model_address("digits"), model_address("parity")
COSTS = Costs(
    "2026-10-07",
    (
        CostLine(DIGITS, Amounts(31.19, monthly_before=1003.75, monthly_after=2007.5)),
        CostLine(PARITY, Amounts(running_spent=3.47, running_most=27.72)),
    ),
    (Idle("ICN9", "left behind", 1003.75),),
)


def test_the_table() -> None:
    assert costs_text(COSTS, PLAIN, free=True) == (
        "COST          TRAINING, AT MOST  RUNNING          A MONTH BEFORE  A MONTH AFTER\n"
        "model.digits  $31.19             -                $1,003.75       $2,007.50\n"
        "model.parity  -                  $3.47 of $27.72  -               -\n"
        "in all        $31.19             $3.47 of $27.72  $1,003.75       $2,007.50\n"
        "(prices of 2026-10-07; the local provider itself costs nothing)\n"
        "(RUNNING: so far, of at most in the end; what is cancelled now costs the first)\n"
        "Idle: left behind (ICN9) is deployed and unmanaged: $1,003.75 a month.\n"
    )
    assert costs_text(Costs("2026-10-07"), PLAIN, free=True) == ""


def test_the_sentences() -> None:
    planned = scenes.retrain()
    told = money(replace(planned, plan=replace(planned.plan, costs=COSTS)), usd)
    assert told == (
        (
            "At most $31.19 once, for 1 training; then $2,007.50 a month for deployments, "
            "$1,003.75 before."
        ),
        (
            "Trainings that run have cost up to $3.47 of at most $27.72; cancelled now, they "
            "cost no more than that."
        ),
        "1 deployed model that nobody declares: $1,003.75 a month.",
        "These are cloud prices: the local provider itself costs nothing.",
    )
    free = replace(scenes.update(), plan=replace(scenes.update().plan, costs=Costs("")))
    assert money(free, usd)[0] == "Nothing is paid once; nothing a month."
    assert money(planned, usd) == ()
