"""`automl-plan models …`: those that live, managed or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion, versions
from automl_plan.cli.options import AsJson, AutoApprove, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_bytes, write_json
from automl_plan.errors import UsageError

app = typer.Typer(name="models", help="Models that live.", no_args_is_help=True)

versions.register(app)

Name = Annotated[str, typer.Argument(metavar="NAME|ID|ADDRESS", autocompletion=completion.models)]


@app.command("list", epilog="Example: automl-plan models list")
def list_(
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """List models: dataset, deployment, cost of training, end of life, and who manages each."""
    from automl_plan.output.inventory import models_text
    from automl_plan.workspace.inventory import model_rows

    with workspace(directory, var, var_file) as opened:
        rows = model_rows(opened.provider.models(), opened.store.read().recorded())
        now = opened.provider.now()
    if as_json:
        from automl_plan.output.documents.models import ModelsList

        write_json(ModelsList.of(rows, now))
    else:
        write(models_text(rows, now, stdout_style()))


@app.command(epilog="Example: automl-plan models show digits")
def show(
    name: Name,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show one model."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.inventory import model_text
    from automl_plan.workspace.inventory import model_rows, pick

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read().recorded()
        model = pick(
            opened.bare_id(name, ResourceKind.MODEL),
            ResourceKind.MODEL,
            opened.provider.models(),
            recorded.resources,
        )
        (row,) = model_rows([model], recorded)
        now = opened.provider.now()
    if as_json:
        from automl_plan.output.documents.models import ModelsShow

        write_json(ModelsShow.of(row, now))
    else:
        write(model_text(row, now, stdout_style()))


@app.command(epilog="Example: automl-plan models evaluations digits --threshold 0.8")
def evaluations(
    name: Name,
    threshold: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, metavar="SCORE", help="Least score that counts."),
    ] = 0.5,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show how good a model is: overall, per label, and what it confuses."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.evaluations import evaluations_text
    from automl_plan.workspace.inventory import pick

    with workspace(directory, var, var_file) as opened:
        resources = opened.store.read().resources
        model = pick(
            opened.bare_id(name, ResourceKind.MODEL),
            ResourceKind.MODEL,
            opened.provider.models(),
            resources,
        )
        found = opened.provider.evaluations(model.id)
    if as_json:
        from automl_plan.output.documents.models import ModelsEvaluations

        write_json(ModelsEvaluations.of(model.id, found))
    else:
        title = f"{model.display_name}  {model.id}"
        write(evaluations_text(title, found, threshold, stdout_style()))


@app.command(epilog="Example: automl-plan models calendar --ics --out models.ics")
def calendar(
    ics: Annotated[bool, typer.Option("--ics", help="Write an iCalendar file (RFC 5545).")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it here; only with --ics."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also models that are not managed.")] = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Tell when models end: Google lets each live for 18 months."""
    from automl_plan.output.expiry import calendar_ics, calendar_text
    from automl_plan.workspace.inventory import model_rows

    if out is not None and not ics:
        raise UsageError("--out is for iCalendar files.", hint="Write --ics, too.")
    if as_json and ics:
        raise UsageError("--json and --ics can't be had together.")
    with workspace(directory, var, var_file) as opened:
        rows = model_rows(opened.provider.models(), opened.store.read().recorded())
        now, identity = opened.provider.now(), opened.provider.identity
    shown = [row for row in rows if every or row.address is not None]
    if as_json:
        from automl_plan.output.documents.models import ModelsCalendar

        write_json(ModelsCalendar.of(shown, now))
        return
    if not ics:
        write(calendar_text(shown, now, stdout_style()))
        return
    data = calendar_ics(shown, identity, now)
    if out is None:
        write_bytes(data)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{out} can't be written: {error.strerror}.") from error
    write(f"Written to {out}.\n")


@app.command(epilog="Example: automl-plan models delete ICN1234567890")
def delete(
    name: Name,
    auto_approve: AutoApprove = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Delete one model, managed or not; it is undeployed first."""
    from automl_plan.cli.applying import approve
    from automl_plan.execution.direct_calls import check_deletion, delete_model
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.inventory import deleted_text, deletion_question
    from automl_plan.workspace.inventory import managed_objects, pick

    with workspace(directory, var, var_file) as opened:
        resources = opened.store.read().resources
        model = pick(
            opened.bare_id(name, ResourceKind.MODEL),
            ResourceKind.MODEL,
            opened.provider.models(),
            resources,
        )
        owner = managed_objects(resources, ResourceKind.MODEL).get(model.id)
        address = owner.address if owner else None
        check_deletion(opened, model, address)
        if not auto_approve:
            current = owner is not None and owner.current
            approve("models delete", deletion_question(model, address, current=current))
        delete_model(opened, model, address)
    write(deleted_text(model))
