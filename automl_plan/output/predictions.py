"""What a model predicts for images, as text and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import astuple

from automl_plan.data.csv_rows import csv_line
from automl_plan.model.predictions import Box
from automl_plan.output.style import Style, clean, counted
from automl_plan.workspace.predictions import Predicted

CSV_COLUMNS = ("image", "label", "score", "x_min", "y_min", "x_max", "y_max", "error")
_WIDEST = 60
"""Characters of the name of an image up to which the columns are aligned."""


def prediction_lines(found: Sequence[Predicted], style: Style) -> Iterator[str]:
    """Yield a line for each image: its labels with their scores, the surest first."""
    names = [clean(each.image) for each in found]
    width = max((len(name) for name in names if len(name) <= _WIDEST), default=0)
    for name, each in zip(names, found, strict=True):
        yield f"{name:<{width}}  {_said(each, style)}\n"


def _said(each: Predicted, style: Style) -> str:
    if each.error is not None:
        return style.red(f"error: {clean(each.error)}")
    shown = [f"{clean(p.label)} {p.score:.4f}{_place(p.box)}" for p in each.predictions]
    first, *others = [style.bold(shown[0]), *shown[1:]] if shown else [style.dim("no label")]
    changed = [f"(sent as {each.sent_as})"] if each.sent_as else []
    more = "  ".join([*others, *changed])
    return f"{first}  {style.dim(more)}" if more else first


def _place(box: Box | None) -> str:
    return "" if box is None else " at " + ",".join(f"{side:.3f}" for side in astuple(box))


def prediction_rows(found: Sequence[Predicted]) -> Iterator[str]:
    """Yield the lines of a CSV: a row for each prediction, or for an image without any."""
    yield csv_line(CSV_COLUMNS)
    for each in found:
        for p in each.predictions:
            sides = ("",) * 4 if p.box is None else astuple(p.box)
            yield csv_line([each.image, p.label, str(p.score), *map(str, sides), ""])
        if not each.predictions:
            yield csv_line([each.image, *[""] * 6, each.error or ""])


def prediction_notes(found: Sequence[Predicted], *, simulated: bool, offline: bool) -> str:
    """Return what is said to people beside the predictions, on standard error."""
    notes = []
    if simulated:
        notes.append("The predictions are made up: the simulated trainer made the model.\n")
    if offline:
        notes.append("The embedded service predicted with the model as it is, undeployed.\n")
    changed = sum(each.sent_as is not None for each in found)
    if changed:
        notes.append(
            f"{counted(changed, 'image')} changed before sending: scaled down to the bytes that "
            "the service takes, or written as JPEG.\n"
        )
    wrong = sum(each.error is not None for each in found)
    if wrong:
        notes.append(f"{counted(wrong, 'image')} of {len(found):,} not predicted.\n")
    return "".join(notes)
