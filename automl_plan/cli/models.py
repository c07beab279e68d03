"""`automl-plan models …`: the models at the provider, managed or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import approve
from automl_plan.cli.options import AUTO_APPROVE, JSON, VARIABLES, command, number
from automl_plan.cli.output import say, stdout_style, write, write_bytes, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import OutputUnwritable, UsageError

if TYPE_CHECKING:
    from automl_plan.model.live import LiveModel
    from automl_plan.workspace.misread import Misread
    from automl_plan.workspace.workspace import Workspace

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|ID|ADDRESS",
        help="A model at the provider, managed or not.",
        autocompletion=completion.models,
    ),
]


def picked(opened: Workspace, name: str) -> LiveModel:
    """Return the model of a name, id or address. Raises UsageError and ProviderError."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.workspace.inventory import pick

    return pick(
        opened.bare_id(name, ResourceKind.MODEL),
        ResourceKind.MODEL,
        opened.provider.models(),
        opened.store.read().resources,
    )


@command(*VARIABLES, JSON, example="models list")
def list_(
    run: Run,
) -> None:
    """List the models at the provider: deployment, cost, expiry, and which are managed."""
    from automl_plan.output.inventory import models_text
    from automl_plan.workspace.inventory import model_rows

    with run.open() as opened:
        unit = opened.configuration.capabilities.budget_unit
        rows = model_rows(opened.provider.models(), opened.store.read().recorded(), unit)
        now = opened.provider.now()
    run.show("inventory:ModelsList.of", models_text, rows, now)


@command(*VARIABLES, JSON, example="models show digits")
def show(
    run: Run,
    name: Name,
) -> None:
    """Show one model."""
    from automl_plan.output.inventory import model_text
    from automl_plan.workspace.inventory import model_rows

    with run.open() as opened:
        unit = opened.configuration.capabilities.budget_unit
        (row,) = model_rows([picked(opened, name)], opened.store.read().recorded(), unit)
        now = opened.provider.now()
    run.show("inventory:ModelsShow.of", model_text, row, now)


@command(*VARIABLES, JSON, example="models evaluations digits --wrong --html misread.html")
def evaluations(
    run: Run,
    name: Name,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            parser=number(0, 1),
            metavar="SCORE",
            help="Lowest score of a prediction that counts.",
            show_default="0.5",
        ),
    ] = None,
    wrong: Annotated[
        bool,
        typer.Option("--wrong", help="List the TEST images that the model misreads."),
    ] = False,
    label: Annotated[
        str | None,
        typer.Option("--label", help="With --wrong: only images of a label, or read as it."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="With --wrong: write a page with pictures."),
    ] = None,
) -> None:
    """Show how good a model is: overall, per label, and which labels or images it confuses."""
    from automl_plan.output.documents.models import ModelsEvaluations, ModelsEvaluationsWrong
    from automl_plan.output.evaluations import evaluations_text, misread_text

    _check_flags(run, wrong=wrong, threshold=threshold, label=label, html=html)
    with run.open() as opened:
        model = picked(opened, name)
        title = f"{model.display_name}  {model.id}"
        if not wrong:
            found = opened.provider.evaluations(model.id)
            if run.as_json:
                write_json(ModelsEvaluations.of(model.id, found))
            else:
                at = 0.5 if threshold is None else threshold
                write(evaluations_text(title, found, at, stdout_style()))
            return
        from automl_plan.workspace.misread import misread_images

        misread = misread_images(opened.provider, model, label)
        if html is not None:
            _write_contact_sheet(opened, model, misread, html)
        elif run.as_json:
            write_json(ModelsEvaluationsWrong.of(model.id, misread))
        else:
            write(misread_text(title, misread, stdout_style()))


def _check_flags(
    run: Run, *, wrong: bool, threshold: float | None, label: str | None, html: Path | None
) -> None:
    if wrong and threshold is not None:
        hint = "An image is misread by its surest label; of several labels each counts from 0.5."
        raise UsageError("--wrong and --threshold exclude each other.", hint=hint)
    for flag, value in (("--label", label), ("--html", html)):
        if value is not None and not wrong:
            raise UsageError(f"{flag} is for images that are misread.", hint="Add --wrong.")
    if html is not None and run.as_json:
        raise UsageError("--json and --html exclude each other.")


def _write_contact_sheet(opened: Workspace, model: LiveModel, misread: Misread, file: Path) -> None:
    from automl_plan.files import write_whole
    from automl_plan.output.evaluations import misread_sentence
    from automl_plan.output.html.contact_sheet import MOST_SHOWN, contact_sheet
    from automl_plan.workspace.misread import pictures

    shown = pictures(opened.open_sources(), misread.images[:MOST_SHOWN])
    page = contact_sheet(model, opened.provider.identity, misread, shown)
    try:
        write_whole(file, page.encode(), mode=0o666)
    except OSError as error:
        raise OutputUnwritable(f"{file} can't be written: {error.strerror}.") from error
    write(f"Wrote {file}. {misread_sentence(misread)}\n")
    if misread.images and not shown:
        say(
            "The page has no pictures: the images are gone, changed since the import, or can't be "
            "read without Pillow (pip install 'automl-plan[local]').\n"
        )


@command(*VARIABLES, JSON, example="models calendar --ics --out models.ics")
def calendar(
    run: Run,
    ics: Annotated[bool, typer.Option("--ics", help="Write an iCalendar file (RFC 5545).")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With --ics: write to this file.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Include models that are not managed.")
    ] = False,
) -> None:
    """Show when models expire, and when to train their replacements."""
    from automl_plan.output.expiry import calendar_ics, calendar_text
    from automl_plan.workspace.inventory import model_rows

    if out is not None and not ics:
        raise UsageError("--out is for iCalendar files.", hint="Add --ics.")
    if run.as_json and ics:
        raise UsageError("--json and --ics exclude each other.")
    with run.open() as opened:
        unit = opened.configuration.capabilities.budget_unit
        rows = model_rows(opened.provider.models(), opened.store.read().recorded(), unit)
        now, identity = opened.provider.now(), opened.provider.identity
    shown = [row for row in rows if every or row.address is not None]
    if not ics:
        run.show("inventory:ModelsCalendar.of", calendar_text, shown, now)
        return
    data = calendar_ics(shown, identity, now)
    if out is None:
        write_bytes(data)
        return
    try:
        out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{out} can't be written: {error.strerror}.") from error
    write(f"Wrote {out}.\n")


@command(AUTO_APPROVE, *VARIABLES, example="models delete ICN1234567890")
def delete(
    run: Run,
    name: Name,
) -> None:
    """Delete one model, managed or not. A deployed model is undeployed first."""
    from automl_plan.execution.direct_calls import check_deletion, delete_model
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.inventory import deleted_text, deletion_question
    from automl_plan.workspace.inventory import managed_objects

    with run.open() as opened:
        model = picked(opened, name)
        resources = opened.store.read().resources
        owner = managed_objects(resources, ResourceKind.MODEL).get(model.id)
        address = owner.address if owner else None
        check_deletion(opened, model, address)
        if not run.auto_approve:
            current = owner is not None and owner.current
            approve("models delete", deletion_question(model, address, current=current))
        delete_model(opened, model, address)
    write(deleted_text(model))
