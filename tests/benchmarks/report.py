"""The figures of a benchmark: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks.measuring import Figure, exponent

OURS, THEIRS = "automl-plan", "terraform"
_MEGABYTE = 1_000_000


@dataclass(slots=True)
class Row:
    """One thing at one size, by who did it."""

    what: str
    size: int
    figures: dict[str, Figure] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    """That ours sent in one run."""

    @property
    def ratio(self) -> float | None:
        """Ours by theirs; None without both."""
        if not {OURS, THEIRS} <= self.figures.keys():
            return None
        return self.figures[OURS].seconds / self.figures[THEIRS].seconds

    @property
    def memory_ratio(self) -> float | None:
        """The same of peak memory."""
        if not {OURS, THEIRS} <= self.figures.keys():
            return None
        return self.figures[OURS].peak / self.figures[THEIRS].peak


def table(rows: Sequence[Row]) -> str:
    """Medians side by side."""
    heads = ["what", "resources", OURS, THEIRS, "ratio", "peak", "peak there", "ratio", "requests"]
    cells = [heads]
    for row in rows:
        ours, theirs = row.figures.get(OURS), row.figures.get(THEIRS)
        cells.append(
            [
                row.what,
                f"{row.size:,}" if row.size else "",
                _seconds(ours),
                _seconds(theirs),
                _number(row.ratio),
                _megabytes(ours),
                _megabytes(theirs),
                _number(row.memory_ratio),
                f"{sum(row.requests.values()):,}" if row.requests else "",
            ]
        )
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    return "\n".join(lines) + "\n"


def exponents(rows: Sequence[Row], smallest: int) -> dict[str, dict[str, float]]:
    """By what was done and by whom: how time grows with the number of resources from a size on."""
    found: dict[str, dict[str, float]] = {}
    for what in dict.fromkeys(row.what for row in rows):
        for who in (OURS, THEIRS):
            points = {
                row.size: row.figures[who].seconds
                for row in rows
                if row.what == what and who in row.figures and row.size >= smallest
            }
            fitted = exponent(points)
            if fitted is not None:
                found.setdefault(what, {})[who] = round(fitted, 3)
    return found


def rows_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """For programs: seconds and bytes of each run."""
    return [
        {
            "what": row.what,
            "resources": row.size,
            "seconds": {who: [t.seconds for t in f.runs] for who, f in row.figures.items()},
            "peak_bytes": {who: [t.peak for t in f.runs] for who, f in row.figures.items()},
            "ratio": row.ratio,
            "memory_ratio": row.memory_ratio,
            "requests": dict(row.requests),
        }
        for row in rows
    ]


def _seconds(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.seconds:,.2f} s"


def _megabytes(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.peak / _MEGABYTE:,.0f} MB"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
