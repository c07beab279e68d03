"""`automl-plan operations …`: what the service works on, or worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.options import AsJson, AutoApprove, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import UsageError

app = typer.Typer(name="operations", help="Long-running operations.", no_args_is_help=True)

OperationId = Annotated[str, typer.Argument(metavar="ID", help="As `operations list` shows it.")]


@app.command(
    "list", epilog="Example: automl-plan operations list --running --works-on dataset.digits"
)
def list_(
    done: Annotated[
        bool | None, typer.Option("--done/--running", help="Only those that ended, or that run.")
    ] = None,
    works_on: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|ID",
            help="Only those on this dataset or model.",
            autocompletion=completion.addresses,
        ),
    ] = None,
    operation_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the one with this id.")
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """List operations.

    Vertex AI keeps them with what they work on: told are trainings, those of the location, and
    those on each image dataset and each endpoint that automl-plan made, a request for each.
    """
    from automl_plan.output.operations import operations_text
    from automl_plan.workspace.operations import list_operations

    with workspace(directory, var, var_file) as opened:
        found = list_operations(
            opened.provider,
            opened.store.read().resources,
            done=done,
            works_on=None if works_on is None else opened.bare_id(works_on),
            operation_id=None if operation_id is None else opened.bare_id(operation_id),
        )
    if as_json:
        from automl_plan.output.documents.operations import OperationsList

        write_json(OperationsList.of(found))
    else:
        write(operations_text(found, stdout_style()))


@app.command(epilog="Example: automl-plan operations get ICN1234567890")
def get(
    operation_id: OperationId,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show one operation as it stands."""
    from automl_plan.output.operations import operation_text

    with workspace(directory, var, var_file) as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
    if as_json:
        from automl_plan.output.documents.operations import OperationsGet

        write_json(OperationsGet.filled(operation))
    else:
        write(operation_text(operation, stdout_style()))


@app.command(epilog="Example: automl-plan operations wait ICN1234567890 --timeout 7200")
def wait(
    operation_id: OperationId,
    timeout: Annotated[
        float | None, typer.Option(min=0.0, metavar="SECONDS", help="Give up after so long.")
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Wait until an operation ends; exit with 1 when it failed."""
    from automl_plan.execution.poller import wait_for_operation
    from automl_plan.output.operations import operation_text

    with workspace(directory, var, var_file) as opened:
        operation = wait_for_operation(
            opened.provider, opened.bare_id(operation_id), timeout=timeout
        )
    if as_json:
        from automl_plan.output.documents.operations import OperationsGet

        write_json(OperationsGet.filled(operation))
    else:
        write(operation_text(operation, stdout_style()))
    if operation.error is not None:
        raise typer.Exit(1)


@app.command(epilog="Example: automl-plan operations backtest state/default.json")
def backtest(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A state, or a history as JSON lines (.jsonl). Without it: the state.",
            show_default=False,
        ),
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Tell how good the forecasts of how long operations take would have been."""
    from automl_plan.output.operations import backtest_text
    from automl_plan.workspace.operations import backtest_file, backtest_history

    if file is not None:
        results = backtest_file(file)
    else:
        with workspace(directory, var, var_file) as opened:
            results = backtest_history(
                opened.store.read().history, opened.configuration.capabilities.model_types
            )
    if as_json:
        from automl_plan.output.documents.operations import OperationsBacktest

        write_json(OperationsBacktest.of(results))
    else:
        write(backtest_text(results, stdout_style()))


@app.command(epilog="Example: automl-plan operations cancel ICN1234567890")
def cancel(
    operation_id: OperationId,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Ask the service to end an import or a training."""
    from automl_plan.workspace.check_refusals import check_cancel

    with workspace(directory, var, var_file) as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
        if operation.done:
            raise UsageError(f"The operation {operation.id} has ended already.")
        check_cancel(opened, operation)
        opened.provider.cancel(operation.id)
    write(
        f"Asked the service to end {operation.id}; it may still finish. Node hours that a "
        f"training used so far are billed.\nSee: automl-plan operations wait {operation.id}\n"
    )


@app.command(epilog="Example: automl-plan operations delete ICN1234567890")
def delete(
    operation_id: OperationId,
    auto_approve: AutoApprove = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Delete the record of an operation that has ended; what it made stays."""
    from automl_plan.cli.applying import approve
    from automl_plan.output.style import clean

    with workspace(directory, var, var_file) as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
        if not operation.done:
            raise UsageError(
                f"The operation {operation.id} runs, and deleting its record would not stop it.",
                hint=f"End it first: automl-plan operations cancel {operation.id}",
            )
        for address, record in opened.store.read().resources.items():
            if any(each.id == operation.id for each in record.operations):
                raise UsageError(
                    f"What came of the operation {operation.id} is not recorded for {address} yet.",
                    hint="Let a run take it up first: automl-plan apply",
                )
        if not auto_approve:
            approve("operations delete", f"Delete the record of {clean(operation.id)}?")
        opened.provider.delete_operation(operation.id)
    write(f"Deleted the record of {clean(operation.id)}; what it made stays.\n")
