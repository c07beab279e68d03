"""The formats that a report for CI is written in.

To add one, write a module with `render(report: Report) -> str` beside this one, and name it here,
twice. Imported by every command that has `--format`: the modules themselves are not, before they
are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from automl_plan.rendering.annotations import Report

Format: TypeAlias = Literal["text", "json", "github", "sarif", "junit"]
"""`text` is for people and `json` the whole document; the others are reports."""


def renderer(name: str) -> Callable[[Report], str] | None:
    """What writes a report in a format; None for those that are none."""
    match name:
        case "github":
            from automl_plan.rendering.github_commands import render
        case "sarif":
            from automl_plan.rendering.sarif import render
        case "junit":
            from automl_plan.rendering.junit import render
        case _:
            return None
    return render
