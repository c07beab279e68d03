"""`automl-plan watch`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write_or_go_on
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.watch.snapshot import WatchEvent

_INTERVAL = re.compile(r"([0-9]{1,7})(s|m|h|d)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 86_400


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan watch --for-ever --interval 10m")(watch)


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once; for timers and CI.")] = False,
    for_ever: Annotated[
        bool, typer.Option("--for-ever", help="Go on when nothing is left to watch.")
    ] = False,
    interval: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Time between two looks for drift and expiring models: 90, 90s, 5m, 1h.",
        ),
    ] = "5m",
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Follow detached work, look for drift and expiring models, and send the messages of it.

    It starts nothing and changes nothing at the service. It ends when nothing runs any more and
    every message was sent.
    """
    from automl_plan.output.progress import (
        watch_result_text,
        watched_line,
    )
    from automl_plan.watch.reload import ReloadingWorkspace
    from automl_plan.watch.watch import Watch

    if once and for_ever:
        raise UsageError("--once and --for-ever can't be had together.")
    seconds = _seconds(interval)
    style = stdout_style()
    with EventLines("watch", as_json=as_json) as lines:

        def tell(event: WatchEvent) -> None:
            if as_json:
                from automl_plan.output.documents.events import Watched

                lines(Watched.of(event))
            else:
                write_or_go_on(watched_line(event, style))

        with ReloadingWorkspace(
            lambda: workspace(directory, var, var_file), Path.cwd(), var_file or ()
        ) as opening:
            result = Watch(
                opening, once=once, for_ever=for_ever, interval=seconds, on_event=tell
            ).run()
        if as_json:
            from automl_plan.output.documents.events import WatchEnd

            lines(WatchEnd(**asdict(result)))
        else:
            write_or_go_on(watch_result_text(result, style))


def _seconds(text: str) -> float:
    """The duration that a flag says. Raises UsageError."""
    match = _INTERVAL.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 1 <= seconds <= _LONGEST:
        raise UsageError(
            f"--interval {text}: write seconds, or a number and a unit: 90, 90s, 5m, 1h.",
            hint="From one second to one day.",
        )
    return float(seconds)
