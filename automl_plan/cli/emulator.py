"""`automl-plan emulator …`: the embedded service of the provider `local`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec.structs import asdict

from automl_plan.cli.options import AsJson, Directory
from automl_plan.cli.output import write, write_json

if TYPE_CHECKING:
    from automl_plan.providers.local.process import Running
    from automl_plan.resources.json import Json

app = typer.Typer(
    name="emulator",
    help="The embedded service that speaks AutoML v1 on loopback.",
    no_args_is_help=True,
)

DataDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where it keeps its data [DIR/.automl-plan/emulator]."),
]


@app.command(epilog="Example: automl-plan emulator start --trainer simulated --port 8085")
def start(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 0,
    data_dir: DataDir = None,
    trainer: Annotated[
        Literal["sklearn", "simulated"],
        typer.Option(help="sklearn trains for real; simulated makes up its numbers, at once."),
    ] = "sklearn",
    time_scale: Annotated[
        float | None, typer.Option(metavar="X", help="Simulated hours pass X times faster.")
    ] = None,
    bucket_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Its folders are the gs:// buckets.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="What goes wrong, as METHOD:EFFECT[:WHEN], such as models.create:drop-after:1, "
            "*:503:p0.1@7 or models.create:fail=INTERNAL; can be repeated. For a service that "
            "does not run yet.",
        ),
    ] = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Start it, if it does not run; it ends by itself after 15 idle minutes."""
    from automl_plan.providers.local import process
    from automl_plan.providers.local.settings import DEFAULT_BUCKET_ROOT

    root = directory.resolve()
    options = process.Options(
        trainer=trainer,
        time_scale=time_scale,
        bucket_root=bucket_root.resolve() if bucket_root else root / DEFAULT_BUCKET_ROOT,
        port=port,
        faults=tuple(fault or ()),
    )
    running = process.start(_data_dir(data_dir, root), root, options)
    if as_json:
        write_json(_json(running))
    else:
        write(f"AutoML emulator listening on {running.url} (process {running.pid}).\n")


@app.command(epilog="Example: automl-plan emulator stop")
def stop(data_dir: DataDir = None, directory: Directory = Path()) -> None:
    """Stop it; running operations go on at its next start."""
    from automl_plan.providers.local import process

    stopped = process.stop(_data_dir(data_dir, directory.resolve()))
    write("Stopped.\n" if stopped else "It was not running.\n")


@app.command(epilog="Example: automl-plan emulator status --json")
def status(
    data_dir: DataDir = None, directory: Directory = Path(), as_json: AsJson = False
) -> None:
    """Say whether it runs, and where."""
    from automl_plan.providers.local import process

    running = process.status(_data_dir(data_dir, directory.resolve()))
    if as_json:
        write_json(_json(running))
    elif running is None:
        write("Not running; the next command that needs it starts it.\n")
    else:
        write(
            f"Running on {running.url} since {running.started}: process {running.pid}, trainer "
            f"{running.trainer}, version {running.version}.\n"
        )


@app.command(epilog="Example: automl-plan emulator advance 30d")
def advance(
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="Such as 12h, 30d or 6w.")],
    data_dir: DataDir = None,
    directory: Directory = Path(),
) -> None:
    """Let time pass on its clock, to see what the end of a model's life brings."""
    from automl_plan.config.durations import TO_WRITE, parse_duration
    from automl_plan.errors import UsageError
    from automl_plan.providers.local import process

    passed = parse_duration(duration)
    if passed is None:
        raise UsageError(f"{duration!r} is no duration.", hint=f"{TO_WRITE.capitalize()}.")
    moment = process.advance(_data_dir(data_dir, directory.resolve()), passed.total_seconds())
    write(f"It is {moment} there now.\n")


def _json(running: Running | None) -> dict[str, Json]:
    from automl_plan.rendering.document import document

    return document(running=running is not None, **(asdict(running) if running else {}))


def _data_dir(given: Path | None, root: Path) -> Path:
    from automl_plan.providers.local.settings import DEFAULT_DATA_DIR

    return given.resolve() if given else root / DEFAULT_DATA_DIR
