"""`automl-plan emulator …`: the embedded service of the provider `local`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct
from msgspec.structs import replace

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, variables
from automl_plan.cli.output import write, write_json

if TYPE_CHECKING:
    from automl_plan.model.json import Json
    from automl_plan.providers.local.process import Running

app = typer.Typer(
    name="emulator",
    help="The embedded service of the provider `local`, on loopback.",
    no_args_is_help=True,
)

DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where it keeps its data; default: what the configuration says.",
        show_default=False,
    ),
]


@app.command(epilog="Example: automl-plan emulator start --trainer simulated --port 8085")
def start(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 0,
    data_dir: DataDir = None,
    trainer: Annotated[
        Literal["sklearn", "simulated"] | None,
        typer.Option(
            help="sklearn trains for real; simulated makes up its numbers, at once. Default: what "
            "the configuration says, or sklearn."
        ),
    ] = None,
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
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Start it as the configuration says, if it does not run; it stays until it is stopped.

    One that another command starts ends by itself after 15 idle minutes.
    """
    from automl_plan.providers.local import process
    from automl_plan.providers.local.settings import options

    root = directory.resolve()
    settings = _settings(root, var, var_file)
    declared = options(settings, root)
    wanted = replace(
        declared,
        trainer=trainer or declared.trainer,
        time_scale=declared.time_scale if time_scale is None else time_scale,
        bucket_root=bucket_root.resolve() if bucket_root else declared.bucket_root,
        port=port,
        faults=tuple(fault or ()),
        idle_timeout=0.0,
    )
    running = process.start(_data_dir(data_dir, settings, root), root, wanted)
    if as_json:
        write_json(_document(running))
    else:
        write(f"AutoML emulator listening on {running.url} (process {running.pid}).\n")


@app.command(epilog="Example: automl-plan emulator stop")
def stop(
    data_dir: DataDir = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Stop it; running operations go on at its next start."""
    from automl_plan.providers.local import process

    stopped = process.stop(_found(data_dir, directory, var, var_file))
    write("Stopped.\n" if stopped else "It was not running.\n")


@app.command(epilog="Example: automl-plan emulator status --json")
def status(
    data_dir: DataDir = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Say whether it runs, where, and for how long."""
    from automl_plan.providers.local import process

    running = process.status(_found(data_dir, directory, var, var_file))
    if as_json:
        write_json(_document(running))
    elif running is None:
        write("Not running; the next command that needs it starts it.\n")
    else:
        write(
            f"Running on {running.url} since {running.started}: process {running.pid}, trainer "
            f"{running.trainer}, version {running.version}. {_stays(running)}.\n"
        )


@app.command(epilog="Example: automl-plan emulator advance 30d")
def advance(
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="Such as 12h, 30d or 6w.")],
    data_dir: DataDir = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
) -> None:
    """Let time pass on its clock, to see what the end of a model's life brings."""
    from automl_plan.config.scalars import TO_WRITE, parse_duration
    from automl_plan.errors import UsageError
    from automl_plan.providers.local import process

    passed = parse_duration(duration)
    if passed is None:
        raise UsageError(f"{duration!r} is no duration.", hint=f"{TO_WRITE.capitalize()}.")
    found = _found(data_dir, directory, var, var_file)
    moment = process.advance(found, passed.total_seconds())
    write(f"It is {moment} there now.\n")


def _document(running: Running | None) -> Struct:
    from automl_plan.output.documents.commands import EmulatorStatus

    return EmulatorStatus.filled(running, running=running is not None)


def _stays(running: Running) -> str:
    if running.idle_timeout:
        return f"It ends after {running.idle_timeout / 60:g} minutes without a request"
    return "It runs until it is stopped"


def _found(
    given: Path | None, directory: Path, var: list[str] | None, var_file: list[Path] | None
) -> Path:
    """Where the service of a directory keeps its data."""
    root = directory.resolve()
    return _data_dir(given, {} if given else _settings(root, var, var_file), root)


def _data_dir(given: Path | None, settings: Mapping[str, Json], root: Path) -> Path:
    from automl_plan.providers.local.settings import data_dir

    return given.resolve() if given else data_dir(settings, root)


def _settings(root: Path, var: list[str] | None, var_file: list[Path] | None) -> Mapping[str, Json]:
    """What the configuration says of the service; nothing where there is none."""
    from automl_plan.cli.lint import has_configuration
    from automl_plan.config.load import load
    from automl_plan.providers.registry import PROVIDERS

    if not has_configuration(root):
        return {}
    configuration = load(
        root,
        PROVIDERS,
        variables=variables(var),
        var_files=var_file or (),
        environ=os.environ,
    )
    provider = configuration.provider
    return provider.settings if provider.name == "local" else {}
