"""`automl-plan operations …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import completion
from automl_plan.cli.applying import approve
from automl_plan.cli.options import AUTO_APPROVE, JSON, VARIABLES, command, number
from automl_plan.cli.output import write
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError

Id = Annotated[str, typer.Argument(metavar="ID", help="An id that `operations list` shows.")]


@command(*VARIABLES, JSON, example="operations list --running --works-on dataset.digits")
def list_(
    run: Run,
    done: Annotated[
        bool | None,
        typer.Option("--done/--running", help="Only those that ended, or that are running."),
    ] = None,
    works_on: Annotated[
        str | None,
        typer.Option(
            "--works-on",
            metavar="ADDRESS|ID",
            help="Only those on this dataset or model.",
            autocompletion=completion.addresses,
        ),
    ] = None,
    operation_id: Annotated[
        str | None, typer.Option("--operation-id", metavar="ID", help="Only the one with this id.")
    ] = None,
) -> None:
    """List operations.

    Vertex AI keeps operations with the resource they work on. Lists trainings, the operations of
    the location, and those of each image dataset and endpoint that automl-plan created, with one
    request for each.
    """
    from automl_plan.output.operations import operations_text
    from automl_plan.workspace.operations import list_operations

    with run.open() as opened:
        found = list_operations(
            opened.provider,
            opened.store.read().resources,
            done=done,
            works_on=None if works_on is None else opened.bare_id(works_on),
            operation_id=None if operation_id is None else opened.bare_id(operation_id),
        )
    run.show("operations:OperationsList.of", operations_text, found)


@command(*VARIABLES, JSON, example="operations get ICN1234567890")
def get(
    run: Run,
    operation_id: Id,
) -> None:
    """Show one operation."""
    from automl_plan.output.operations import operation_text

    with run.open() as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
    run.show("operations:OperationsGet.filled", operation_text, operation)


@command(*VARIABLES, JSON, example="operations wait ICN1234567890 --timeout 7200")
def wait(
    run: Run,
    operation_id: Id,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout", parser=number(0), metavar="SECONDS", help="Give up after this time."
        ),
    ] = None,
) -> int:
    """Wait until an operation ends. Exits with 1 if it failed."""
    from automl_plan.execution.poller import wait_for_operation
    from automl_plan.output.operations import operation_text

    with run.open() as opened:
        bare = opened.bare_id(operation_id)
        operation = wait_for_operation(opened.provider, bare, timeout=timeout)
    run.show("operations:OperationsGet.filled", operation_text, operation)
    return 0 if operation.error is None else 1


@command(*VARIABLES, JSON, example="operations backtest state/default.json")
def backtest(
    run: Run,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A state, or a history as JSON lines (.jsonl); default: the state.",
        ),
    ] = None,
) -> None:
    """Show how accurate forecasts of the durations of past operations would have been."""
    from automl_plan.output.operations import backtest_text
    from automl_plan.workspace.operations import backtest_file, backtest_history

    if file is not None:
        results = backtest_file(file)
    else:
        with run.open() as opened:
            types = opened.configuration.capabilities.model_types
            results = backtest_history(opened.store.read().history, types)
    run.show("operations:OperationsBacktest.of", backtest_text, results)


@command(*VARIABLES, example="operations cancel ICN1234567890")
def cancel(
    run: Run,
    operation_id: Id,
) -> None:
    """Request the cancellation of an import or a training."""
    from automl_plan.workspace.check_refusals import check_cancel

    with run.open() as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
        if operation.done:
            raise UsageError(f"The operation {operation.id} has already ended.")
        check_cancel(opened, operation)
        opened.provider.cancel(operation.id)
    write(
        f"Requested the cancellation of {operation.id}; it may still finish. Node hours that a "
        f"training has used are billed.\nSee: automl-plan operations wait {operation.id}\n"
    )


@command(AUTO_APPROVE, *VARIABLES, example="operations delete ICN1234567890")
def delete(
    run: Run,
    operation_id: Id,
) -> None:
    """Delete the record of an operation that ended. Keeps what the operation created."""
    from automl_plan.output.style import clean

    with run.open() as opened:
        operation = opened.provider.operation(opened.bare_id(operation_id))
        if not operation.done:
            raise UsageError(
                f"The operation {operation.id} is running; deleting its record would not stop it.",
                hint=f"Cancel it first: automl-plan operations cancel {operation.id}",
            )
        for address, record in opened.store.read().resources.items():
            if any(each.id == operation.id for each in record.operations):
                raise UsageError(
                    f"The result of operation {operation.id} is not yet recorded for {address}.",
                    hint="Record it first: automl-plan apply",
                )
        if not run.auto_approve:
            approve("operations delete", f"Delete the record of {clean(operation.id)}?")
        opened.provider.delete_operation(operation.id)
    write(f"Deleted the record of {clean(operation.id)}; what it created is kept.\n")
