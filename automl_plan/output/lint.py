"""What the data lint found, as text and as a report for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from automl_plan.data.lint import Linted, LintFinding
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import RULES
from automl_plan.output.annotations import Annotation, Home, Level, Report
from automl_plan.output.style import Style, clean, counted

SHOWN = 10
"""Findings of one rule that are shown as text."""
COMMAND = "datasets lint"


def lint_text(results: Sequence[Linted], style: Style) -> str:
    """All datasets, one after the other, and a verdict."""
    parts = ["".join(_lines(linted, style)) for linted in results]
    return "\n".join([*parts, _verdict(results, style)])


def _lines(linted: Linted, style: Style) -> Iterator[str]:
    kind = f"{linted.kind}{', guessed from its rows; override with --kind' * linted.guessed}"
    counts = f"{counted(linted.rows, 'row')}, {counted(linted.images, 'image')}"
    yield f"{style.bold(clean(linted.name))}: {counts} ({kind})\n"
    shown: Counter[str] = Counter()
    for finding in linted.findings:
        shown[finding.rule] += 1
        if shown[finding.rule] <= SHOWN:
            last = shown[finding.rule] == min(SHOWN, linted.counts[finding.rule])
            yield _finding(finding, style, hint=last)
            more = linted.counts[finding.rule] - shown[finding.rule]
            if last and more:
                yield style.dim(f"  … and {more:,} more of {finding.rule}") + "\n"
    for text in linted.unchecked:
        yield style.dim(f"not checked: {clean(text)}") + "\n"


def _finding(finding: LintFinding, style: Style, *, hint: bool) -> str:
    kind = _coloured(finding.severity, f"{finding.severity}[{finding.rule}]", style)
    text = f"{style.bold(clean(place_of(finding)))}: {kind}: {clean(finding.message)}\n"
    return text + f"  = {clean(finding.hint)}\n" if hint else text


def place_of(finding: LintFinding) -> str:
    """`file:line:column`, as far as it is known."""
    numbers = [str(number) for number in (finding.line, finding.column) if number]
    return ":".join([finding.file, *numbers])


def _coloured(severity: Severity, text: str, style: Style) -> str:
    if severity is Severity.ERROR:
        return style.red(text)
    return style.yellow(text) if severity is Severity.WARNING else style.dim(text)


def _verdict(results: Sequence[Linted], style: Style) -> str:
    totals = {
        severity: sum(linted.by_severity[severity] for linted in results)
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTICE)
    }
    counts = [counted(count, severity) for severity, count in totals.items() if count]
    if not counts:
        if any(linted.unchecked for linted in results):
            return "No problems found in what was checked.\n"
        return style.green("No problems found in the data.") + "\n"
    text = ", ".join(counts) + "."
    return (style.red(text) if totals[Severity.ERROR] else text) + "\n"


def lint_report(results: Sequence[Linted], home: Home) -> Report:
    """Every finding at its line."""
    findings = [finding for linted in results for finding in linted.findings]
    findings.sort(key=lambda finding: list(Severity).index(finding.severity))
    subjects = [home.path(source) for linted in results for source in linted.sources]
    return Report(COMMAND, home, tuple(map(_annotation, findings)), tuple(subjects))


def _annotation(finding: LintFinding) -> Annotation:
    return Annotation(
        Level(finding.severity),
        finding.rule,
        finding.message,
        file=finding.file,
        line=finding.line,
        column=finding.column,
        hint=RULES[finding.rule].hint,
    )
