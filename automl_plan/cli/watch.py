"""`automl-plan watch`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli.json_files import EventLines
from automl_plan.cli.options import JSON, VARIABLES, command
from automl_plan.cli.output import stdout_style, write_or_go_on
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.watch.snapshot import WatchEvent

_INTERVAL = re.compile(r"([0-9]{1,7})(s|m|h|d)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 86_400


@command(*VARIABLES, JSON, example="watch --for-ever --interval 10m")
def watch(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="Check once; for timers and CI.")] = False,
    for_ever: Annotated[
        bool, typer.Option("--for-ever", help="Continue when there is nothing left to watch.")
    ] = False,
    interval: Annotated[
        str,
        typer.Option(
            "--interval",
            metavar="DURATION",
            help="Time between two checks for drift and expiring models: 90, 90s, 5m, 1h.",
        ),
    ] = "5m",
) -> None:
    """Follow open operations, check for drift and expiring models, and send notifications.

    Starts and changes nothing at the provider. Ends when no operation is running and every
    notification was sent.
    """
    from msgspec.structs import asdict

    from automl_plan.output.documents.events import Watched, WatchEnd
    from automl_plan.output.progress import watch_result_text, watched_line
    from automl_plan.watch.watch import ReloadingWorkspace, Watch

    if once and for_ever:
        raise UsageError("--once and --for-ever exclude each other.")
    seconds = _seconds(interval)
    style = stdout_style()
    with EventLines("watch", as_json=run.as_json) as lines:

        def report(event: WatchEvent) -> None:
            if run.as_json:
                lines(Watched.of(event))
            else:
                write_or_go_on(watched_line(event, style))

        with ReloadingWorkspace(run.open, Path.cwd(), run.var_file) as opening:
            result = Watch(
                opening, once=once, for_ever=for_ever, interval=seconds, on_event=report
            ).run()
        if run.as_json:
            lines(WatchEnd(**asdict(result)))
        else:
            write_or_go_on(watch_result_text(result, style))


def _seconds(text: str) -> float:
    """Parse the duration of --interval. Raises UsageError."""
    match = _INTERVAL.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 1 <= seconds <= _LONGEST:
        raise UsageError(
            f"--interval {text}: write seconds, or a number and a unit: 90, 90s, 5m, 1h.",
            hint="From one second to one day.",
        )
    return float(seconds)
