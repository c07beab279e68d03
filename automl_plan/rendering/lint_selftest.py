"""What a selftest of the data lint came to, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.linting.selftest.run import Score
from automl_plan.linting.selftest.speed import Speed
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, columns
from automl_plan.resources.json import Json

_MEGABYTE = 1_000_000
_SCALED = (
    "Quotas and sizes of files are proved with smaller limits than the service's, and all that is "
    "about images\nwith few of them.\n"
)


def selftest_text(
    scores: Sequence[Score], speeds: Sequence[Speed], unproved: Sequence[str], style: Style
) -> str:
    """Each rule's recall and precision, then speed and memory."""
    headers = ("RULE", "DEFECTS", "FOUND", "WRONG", "RECALL", "PRECISION")
    rows = [
        (
            score.rule if score.holds else style.red(score.rule),
            f"{score.seeded:,}",
            f"{score.found:,}",
            f"{score.wrong:,}",
            f"{score.recall:.3f}",
            f"{score.precision:.3f}",
        )
        for score in scores
        if score.rule not in unproved
    ]
    parts = [columns(headers, rows, style) + _SCALED] if scores else []
    if unproved:
        parts.append(f"Not proved, as Pillow is not installed: {', '.join(unproved)}.\n")
    lines = [
        f"{speed.kind}: {speed.rows:,} rows in {speed.seconds:.1f} s, "
        f"{speed.rows / speed.seconds:,.0f} rows/s ({speed.cpu_seconds:.1f} s of CPU, "
        f"{speed.rows / speed.cpu_seconds:,.0f} rows/s; the rules on single rows alone "
        f"{speed.rows / speed.row_cpu_seconds:,.0f} rows/s); "
        f"peak memory {speed.peak_bytes / _MEGABYTE:,.0f} MB\n"
        for speed in speeds
    ]
    return "\n".join([*parts, "".join(lines)] if lines else parts)


def selftest_json(
    scores: Sequence[Score], speeds: Sequence[Speed], unproved: Sequence[str]
) -> dict[str, Json]:
    """The same for programs."""
    return document(
        rules=[
            {
                "rule": score.rule,
                "defects": score.seeded,
                "found": score.found,
                "wrong": score.wrong,
                "recall": score.recall,
                "precision": score.precision,
            }
            for score in scores
            if score.rule not in unproved
        ],
        unproved=list(unproved),
        speed=[
            {
                "kind": str(speed.kind),
                "rows": speed.rows,
                "seconds": speed.seconds,
                "cpu_seconds": speed.cpu_seconds,
                "row_cpu_seconds": speed.row_cpu_seconds,
                "peak_bytes": speed.peak_bytes,
            }
            for speed in speeds
        ],
    )
