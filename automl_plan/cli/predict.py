"""`automl-plan models predict`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from automl_plan.cli.models import Name, picked
from automl_plan.cli.options import JSON, VARIABLES, command, number, whole_number
from automl_plan.cli.output import ERASE, say, stdout_style, write, write_exactly, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.workspace.predictions import Predicted

_INTERVAL = 1.0
"""Seconds between two updates of the progress."""
_FAILED = 1


@command(*VARIABLES, JSON, example="models predict digits photos/new/ --csv > predictions.csv")
def predict(
    run: Run,
    name: Name,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Images, folders, or - for standard input: an image, or a list of names.",
        ),
    ],
    top: Annotated[
        int,
        typer.Option(
            "--top", parser=whole_number(1, 100), metavar="N", help="Most labels of an image."
        ),
    ] = 3,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            parser=number(0, 1),
            metavar="SCORE",
            help="Lowest score of a label that is shown.",
        ),
    ] = 0.0,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row for each label.")] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Of the provider local: the model need not be deployed."),
    ] = False,
) -> int:
    """Predict the labels of images with a deployed model. Exits with 1 if an image has an error."""
    from msgspec.structs import replace

    from automl_plan.output.predictions import prediction_lines, prediction_notes, prediction_rows
    from automl_plan.workspace.predictions import predict_all, subjects

    if as_csv and run.as_json:
        raise UsageError("--json and --csv exclude each other.")
    wanted = subjects(images, sys.stdin.buffer.read)
    with run.open() as opened:
        model = picked(opened, name)
        all_ = list(
            _watched(predict_all(opened.provider, model, wanted, offline=offline), len(wanted))
        )
    found = [
        replace(each, predictions=tuple(p for p in each.predictions if p.score >= threshold)[:top])
        for each in all_
    ]
    if run.as_json:
        from automl_plan.output.documents.models import ModelsPredict

        write_json(ModelsPredict.of(model, found, offline=offline))
    elif as_csv:
        write_exactly("".join(prediction_rows(found)))
    else:
        write("".join(prediction_lines(found, stdout_style())))
    say(prediction_notes(found, simulated=model.simulated, offline=offline))
    return _FAILED if any(each.error is not None for each in found) else 0


def _watched(found: Iterable[Predicted], count: int) -> Iterator[Predicted]:
    """On a terminal, show on standard error how many images are predicted."""
    shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    last, written = time.monotonic(), False
    for done, each in enumerate(found, 1):
        yield each
        if shown and time.monotonic() - last >= _INTERVAL:
            last, written = time.monotonic(), True
            sys.stderr.write(f"{ERASE}Predicted {done:,} of {count:,} images…")
            sys.stderr.flush()
    if written:
        sys.stderr.write(ERASE)
        sys.stderr.flush()
