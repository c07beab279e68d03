"""`automl-plan models versions|promote|rollback`."""

from __future__ import annotations

import getpass
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.options import (
    AsJson,
    AutoApprove,
    Directory,
    LockTimeout,
    Var,
    VarFile,
    workspace,
)
from automl_plan.cli.output import stdout_style, write, write_json

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


def register(models: typer.Typer) -> None:
    """Add the commands to `models`."""
    models.command(epilog="Example: automl-plan models versions digits")(versions)
    models.command(epilog='Example: automl-plan models promote digits 3 --why "checked by hand"')(
        promote
    )
    models.command(epilog="Example: automl-plan models rollback digits")(rollback)


def versions(
    name: Name,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """List a model's versions: what they were trained on, how good they are, what they cost."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.inventory import versions_text
    from automl_plan.workspace.versions import address_of, version_rows

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read().recorded()
        address = address_of(opened.bare_id(name, ResourceKind.MODEL), recorded.resources)
        prices = opened.configuration.prices
        rows = version_rows(address, recorded, opened.provider, prices)
        now = opened.provider.now()
    if as_json:
        from automl_plan.output.documents.models import ModelsVersions

        write_json(ModelsVersions.of(address, rows))
    else:
        write(versions_text(rows, now, stdout_style()))


def promote(
    name: Name,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1)],
    why: Why = None,
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a version the current one, whatever its gate said; who and why is recorded."""
    from automl_plan.model.recorded import DecisionKind

    _choose(
        name,
        version,
        _decision(DecisionKind.PROMOTED, why),
        "models promote",
        directory=directory,
        var=var,
        var_file=var_file,
        auto_approve=auto_approve,
        lock_timeout=lock_timeout,
        as_json=as_json,
    )


def rollback(
    name: Name,
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="Default: the one before.")
    ] = None,
    why: Why = None,
    auto_approve: AutoApprove = False,
    lock_timeout: LockTimeout = 0.0,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Go back to a former version; later plans leave it at that."""
    from automl_plan.model.recorded import DecisionKind

    _choose(
        name,
        version,
        _decision(DecisionKind.ROLLED_BACK, why),
        "models rollback",
        directory=directory,
        var=var,
        var_file=var_file,
        auto_approve=auto_approve,
        lock_timeout=lock_timeout,
        as_json=as_json,
    )


def _choose(
    name: str,
    version: int | None,
    decision: Decision,
    command: str,
    *,
    directory: Path,
    var: list[str] | None,
    var_file: list[Path] | None,
    auto_approve: bool,
    lock_timeout: float,
    as_json: bool,
) -> None:
    from automl_plan.cli.applying import apply_by_hand
    from automl_plan.cli.json_files import EventLines
    from automl_plan.model.address import ResourceKind
    from automl_plan.planning.command_plans import former_version, plan_promotion
    from automl_plan.workspace.versions import address_of

    def plan(seen: PlanInputs, live: Live) -> Plan:
        address = address_of(opened.bare_id(name, ResourceKind.MODEL), seen.recorded.resources)
        now = seen.moment.service
        chosen = version or former_version(address, seen.recorded, live, now)
        reason = f"{decision.by} asks for version {chosen}"
        return plan_promotion(address, chosen, seen.desired, seen.recorded, live, reason, now)

    with (
        EventLines(command, as_json=as_json) as lines,
        workspace(directory, var, var_file) as opened,
    ):
        apply_by_hand(
            opened,
            plan,
            command=command,
            approved=auto_approve,
            lock_timeout=lock_timeout,
            lines=lines,
            decision=decision,
        )


def _decision(kind: DecisionKind, why: str | None) -> Decision:
    from automl_plan.model.recorded import Decision
    from automl_plan.model.timestamps import utc_now

    return Decision(kind, utc_now(), by=_who(), why=why)


def _who() -> str:
    """Who gives this command, as far as the machine knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no such user in a container
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
