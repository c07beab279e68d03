"""`automl-plan models versions|promote|rollback`: the versions of a declared model."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import apply_command_plan
from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import (
    AUTO_APPROVE,
    JSON,
    LOCK_TIMEOUT,
    VARIABLES,
    command,
    whole_number,
)
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.cli.run import Run

if TYPE_CHECKING:
    from automl_plan.model.live import Live
    from automl_plan.model.recorded import Decision, DecisionKind
    from automl_plan.planning.plan import Plan
    from automl_plan.workspace.plan_inputs import PlanInputs

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|ID|ADDRESS",
        help="A declared model, or the id of a version.",
        autocompletion=completion.recorded_models,
    ),
]
Why = Annotated[str | None, typer.Option(metavar="TEXT", help="The reason, which is recorded.")]
_CHOOSING = (
    AUTO_APPROVE,
    LOCK_TIMEOUT,
    *VARIABLES,
    JSON,
)


@command(*VARIABLES, JSON, example="models versions digits")
def versions(
    run: Run,
    name: Name,
) -> None:
    """List the versions of a model: training data, quality and cost."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.documents.models import ModelsVersions
    from automl_plan.output.inventory import versions_text
    from automl_plan.workspace.versions import address_of, version_rows

    with run.open() as opened:
        recorded = opened.store.read().recorded()
        address = address_of(opened.bare_id(name, ResourceKind.MODEL), recorded.resources)
        prices = opened.configuration.prices
        rows = version_rows(address, recorded, opened.provider, prices)
        now = opened.provider.now()
    if run.as_json:
        write_json(ModelsVersions.of(address, rows))
    else:
        write(versions_text(rows, now, stdout_style()))


@command(*_CHOOSING, example='models promote digits 3 --why "checked manually"')
def promote(
    run: Run,
    name: Name,
    version: Annotated[
        int, typer.Argument(parser=whole_number(1), metavar="VERSION", help="Its number.")
    ],
    why: Why = None,
) -> int:
    """Make a version the current one, regardless of its gate. Records who decided, and why."""
    from automl_plan.model.recorded import DecisionKind

    return _choose(run, name, version, _decision(DecisionKind.PROMOTED, why), "models promote")


@command(*_CHOOSING, example="models rollback digits")
def rollback(
    run: Run,
    name: Name,
    version: Annotated[
        int | None,
        typer.Argument(
            parser=whole_number(1),
            metavar="VERSION",
            help="Its number; default: the version before the current one.",
        ),
    ] = None,
    why: Why = None,
) -> int:
    """Return to a former version. Later plans keep it."""
    from automl_plan.model.recorded import DecisionKind

    return _choose(run, name, version, _decision(DecisionKind.ROLLED_BACK, why), "models rollback")


def _choose(run: Run, name: str, version: int | None, decision: Decision, command: str) -> int:
    from automl_plan.model.address import ResourceKind
    from automl_plan.planning.command_plans import former_version, plan_promotion
    from automl_plan.workspace.versions import address_of

    def plan(seen: PlanInputs, live: Live) -> Plan:
        address = address_of(opened.bare_id(name, ResourceKind.MODEL), seen.recorded.resources)
        now = seen.moment.service
        chosen = version or former_version(address, seen.recorded, live, now)
        reason = f"version {chosen} requested by {decision.by}"
        return plan_promotion(address, chosen, seen.desired, seen.recorded, live, reason, now)

    with EventLines(command, as_json=run.as_json) as lines, run.open() as opened:
        return apply_command_plan(run, opened, plan, lines, command=command, decision=decision)


def _decision(kind: DecisionKind, why: str | None) -> Decision:
    from automl_plan.model.recorded import Decision
    from automl_plan.model.timestamps import utc_now

    return Decision(kind, utc_now(), by=_user(), why=why)


def _user() -> str:
    """Return who gives this command, as far as the machine knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may have no such user
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
