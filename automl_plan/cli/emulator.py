"""`automl-plan emulator …`: the embedded service of the provider `local`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct, convert
from msgspec.structs import replace

from automl_plan.cli.options import JSON, VARIABLES, command, number, whole_number
from automl_plan.cli.output import write, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import EmulatorError, UsageError

if TYPE_CHECKING:
    from automl_plan.model.json import Json
    from automl_plan.output.documents.commands import Reading
    from automl_plan.providers.local.process import Running

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="Directory of its data; default: as configured."
    ),
]


@command(*VARIABLES, JSON, example="emulator start --trainer simulated --port 8085")
def start(
    run: Run,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            parser=whole_number(0, 65535),
            metavar="N",
            help="Port to listen on; default: any free one.",
            show_default=False,
        ),
    ] = 0,
    vertex_port: Annotated[
        int | None,
        typer.Option(
            "--vertex-port",
            parser=whole_number(0, 65535),
            metavar="N",
            help="Serve Vertex AI on this port as well, at its root, for clients that take no path "
            "in their endpoint; 0: any free port.",
        ),
    ] = None,
    idle_timeout: Annotated[
        float,
        typer.Option(
            "--idle-timeout",
            parser=number(0),
            metavar="SECONDS",
            help="End the service after that time without a request; default: it runs until it is "
            "stopped.",
            show_default=False,
        ),
    ] = 0.0,
    data_dir: DataDir = None,
    trainer: Annotated[
        Literal["auto", "sklearn", "simulated"] | None,
        typer.Option(
            "--trainer",
            help="auto trains for real, sklearn on small images only, simulated makes up results "
            "at once; default: as configured, or auto.",
        ),
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option(
            "--time-scale",
            parser=number(0.001, 1e12),
            metavar="X",
            help="Let simulated hours pass X times faster.",
        ),
    ] = None,
    bucket_root: Annotated[
        Path | None,
        typer.Option(
            "--bucket-root", metavar="DIR", help="Directory whose folders are the gs:// buckets."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="SPEC",
            help="Inject a fault, as METHOD:EFFECT[:WHEN], such as models.create:drop-after:1, "
            "*:503:p0.1@7 or models.create:fail=INTERNAL; repeatable. Has no effect on a service "
            "that is running.",
        ),
    ] = None,
    reading: Annotated[
        list[str] | None,
        typer.Option(
            "--reading",
            metavar="NAME=VALUE",
            help="Answer as Google may, where that is not proved; repeatable. `emulator readings` "
            "lists names and values.",
        ),
    ] = None,
) -> None:
    """Start the service as configured, unless it is running. It runs until it is stopped.

    A service that another command starts ends after 15 minutes without a request.
    """
    from automl_plan.providers.local import process
    from automl_plan.providers.local.settings import options

    root = Path().resolve()
    settings = _settings(run)
    declared = options(settings, root)
    wanted = replace(
        declared,
        trainer=trainer or declared.trainer,
        declared_trainer=bool(trainer) or declared.declared_trainer,
        time_scale=declared.time_scale if time_scale is None else time_scale,
        bucket_root=bucket_root.resolve() if bucket_root else declared.bucket_root,
        port=port,
        vertex_port=vertex_port,
        faults=tuple(fault or ()),
        readings={**declared.readings, **_pairs(reading or ())},
        idle_timeout=idle_timeout,
    )
    running = process.start(_place(data_dir, settings), root, wanted)
    if idle_timeout and running.idle_timeout != idle_timeout:
        raise EmulatorError(
            "The embedded service runs already: its idle timeout is set when it starts.",
            where=running.url,
            hint="Stop it with `automl-plan emulator stop` first.",
        )
    if run.as_json:
        write_json(_document(running))
    else:
        write(f"AutoML emulator listening on {running.url} (process {running.pid}).\n")
        write(_at_root(running))


@command(*VARIABLES, example="emulator stop")
def stop(
    run: Run,
    data_dir: DataDir = None,
) -> None:
    """Stop the service. Operations that are running continue at its next start."""
    from automl_plan.providers.local import process

    stopped = process.stop(_data_dir(run, data_dir))
    write("Stopped.\n" if stopped else "It is not running.\n")


@command(*VARIABLES, JSON, example="emulator status --json")
def status(
    run: Run,
    data_dir: DataDir = None,
) -> None:
    """Show whether the service is running, where, and for how long."""
    from automl_plan.providers.local import process

    running = process.status(_data_dir(run, data_dir))
    if run.as_json:
        write_json(_document(running))
    elif running is None:
        write("Not running; the next command that needs it starts it.\n")
    else:
        ends = "It runs until it is stopped"
        if running.idle_timeout:
            ends = f"It ends after {running.idle_timeout / 60:g} minutes without a request"
        write(
            f"Running on {running.url} since {running.started}: process {running.pid}, trainer "
            f"{running.trainer}, version {running.version}. {ends}.\n"
        )
        write(_at_root(running))


@command(*VARIABLES, example="emulator advance 30d")
def advance(
    run: Run,
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="Such as 12h, 30d or 6w.")],
    data_dir: DataDir = None,
) -> None:
    """Advance the clock of the service, for example to see models expire."""
    from automl_plan.config.scalars import TO_WRITE, parse_duration
    from automl_plan.providers.local import process

    passed = parse_duration(duration)
    if passed is None:
        raise UsageError(f"{duration!r} is not a duration.", hint=f"{TO_WRITE.capitalize()}.")
    moment = process.advance(_data_dir(run, data_dir), passed.total_seconds())
    write(f"The clock of the service is now at {moment}.\n")


@command(*VARIABLES, example="emulator prune")
def prune(
    run: Run,
    data_dir: DataDir = None,
) -> None:
    """Remove what the service keeps to train faster: features of images, and its network.

    Datasets and models stay. The next training computes what it needs again.
    """
    from automl_plan.providers.local import program

    removed = program.prune(_data_dir(run, data_dir))
    for kept, size in removed.items():
        write(f"Removed {kept}: {size / 1e6:,.1f} MB.\n")


@command(JSON, example="emulator readings")
def readings(run: Run) -> None:
    """List what the service can answer where Google's own answers are not proved."""
    from automl_plan.output.documents.commands import Readings
    from automl_plan.providers.local import program

    listed = convert({"readings": program.readings()}, Readings)
    if run.as_json:
        write_json(listed)
    else:
        write("\n".join(_reading_lines(listed.readings)) + "\n")


def _reading_lines(readings: Iterable[Reading]) -> Iterator[str]:
    """Yield each reading: its question, its values with the default first, its sources."""
    for each in readings:
        yield f"{each.name}: {each.about}"
        values = sorted(each.values.items(), key=lambda pair: pair[0] != each.recorded)
        for value, effect in values:
            yield f"  {value}{' (default)' if value == each.recorded else ''}: {effect}"
        yield f"  sources: {'; '.join(each.sources)}"


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is not NAME=VALUE.", hint="automl-plan emulator readings")
        pairs[name] = value
    return pairs


def _at_root(running: Running) -> str:
    """Return the line that tells where Vertex AI has a port of its own; empty without one."""
    return f"Vertex AI listens on {running.vertex_url}, too.\n" if running.vertex_url else ""


def _document(running: Running | None) -> Struct:
    from automl_plan.output.documents.commands import EmulatorStatus

    return EmulatorStatus.filled(running, running=running is not None)


def _data_dir(run: Run, given: Path | None) -> Path:
    return _place(given, {} if given else _settings(run))


def _place(given: Path | None, settings: Mapping[str, Json]) -> Path:
    from automl_plan.providers.local.settings import data_dir

    return given.resolve() if given else data_dir(settings, Path().resolve())


def _settings(run: Run) -> Mapping[str, Json]:
    """Return the settings of the provider `local`; none without a configuration of it."""
    from automl_plan.config.misnamed import has_configuration

    if not has_configuration(Path()):
        return {}
    provider = run.load().provider
    return provider.settings if provider.name == "local" else {}
