"""Errors as text: what happened, where, what to do next; and what `validate` found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_plan.errors import AutomlPlanError, ConfigurationError, Diagnostic, GateNotPassed
from automl_plan.output.style import Style, clean, counted, width_of

if TYPE_CHECKING:  # errors are shown by commands that import next to nothing
    from automl_plan.config.configuration import Configuration
    from automl_plan.execution.events import ApplyResult


def error_text(error: AutomlPlanError, style: Style) -> str:
    """An error, with every diagnostic where it carries some."""
    if isinstance(error, ConfigurationError):
        shown = [diagnostic_text(d, style) for d in error.diagnostics]
        return "\n".join([*shown, style.red(style.bold("Error: ")) + error.message]) + "\n"
    lines = [style.red(style.bold("Error: ")) + _lines(error.message, indent=2)]
    if error.where:
        lines.append(f"  where: {clean(error.where)}")
    if error.hint:
        lines.append(f"  next:  {_lines(error.hint, indent=9)}")
    return "\n".join(lines) + "\n"


def diagnostic_text(diagnostic: Diagnostic, style: Style) -> str:
    """`file:line:column: error[rule]: message`, the source line, and what to write instead."""
    place = clean(diagnostic.file)
    if diagnostic.line:
        place += f":{diagnostic.line}:{diagnostic.column}"
    kind = style.red(f"error[{diagnostic.rule}]")
    lines = [f"{style.bold(place)}: {kind}: {clean(diagnostic.message)}"]
    if diagnostic.source_line is not None:
        # Counted before escaping: the caret is placed below what the reader sees.
        before = clean(diagnostic.source_line[: max(diagnostic.column - 1, 0)])
        lines.append(f"  | {clean(diagnostic.source_line)}")
        lines.append(f"  | {' ' * width_of(before)}{style.red('^')}")
    if diagnostic.hint:
        lines.append(f"  = {clean(diagnostic.hint)}")
    return "\n".join(lines) + "\n"


def failures_text(result: ApplyResult, style: Style) -> str:
    """The changes of an apply that failed, each with its cause."""
    held = [f.error for f in result.failed if isinstance(f.error, GateNotPassed)]
    parts = [f"{_lines(error.message, 2)}\n  next:  {error.hint}\n" for error in held]
    parts += [
        f"{style.red(style.bold(str(failure.change.address)))} {failure.change.action}\n"
        + error_text(failure.error, style)
        for failure in result.failed
        if failure.error not in held
    ]
    if result.skipped and len(result.failed) > len(held):
        count = counted(len(result.skipped), "change")
        parts.append(
            f"{count} skipped: {'it depends' if len(result.skipped) == 1 else 'they depend'} on "
            "the above.\n"
        )
    return "\n".join(parts)


def _lines(text: str, indent: int) -> str:
    """A message may have several lines; set in, none of them can pass for one of ours."""
    return f"\n{' ' * indent}".join(clean(line) for line in text.splitlines())


def validation_text(configuration: Configuration, style: Style) -> str:
    """`Success! The configuration is valid: 1 dataset, 1 model.`"""
    desired = configuration.desired
    counts = f"{counted(len(desired.datasets), 'dataset')}, {counted(len(desired.models), 'model')}"
    return f"{style.bold(style.green('Success!'))} The configuration is valid: {counts}.\n"
