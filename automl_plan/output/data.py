"""The data of plans and datasets for people: adequacy, findings, what was not checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from automl_plan.output.style import Style, clean, columns, counted
from automl_plan.planning.adequacy import Adequacy, Advice, LabelAdvice
from automl_plan.planning.data_findings import DataFindings
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.data_checks import DatasetAdvice

MOST_SHOWN = 40
"""Labels of a table."""
_WIDEST_BAR = 40
_NARROWEST_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉"


def advice_text(
    results: Sequence[DatasetAdvice], style: Style, *, width: int = 80, blocks: bool = True
) -> str:
    """All datasets, one after the other; `blocks`: whether the terminal can show U+2588."""
    return "\n".join("".join(_lines(each, style, width, blocks)) for each in results)


def _lines(advised: DatasetAdvice, style: Style, width: int, blocks: bool) -> Iterator[str]:
    advice = advised.advice
    yield f"{style.bold(clean(advised.name))}: {_coloured(advice.verdict, style)}\n"
    for reason in advice.reasons:
        yield f"  {clean(reason.text)} ({reason.rule})\n"
    if advised.unchecked:
        yield f"  Not checked: {clean('; '.join(advised.unchecked))}\n"
    if advice.change is not None:
        yield f"  {style.bold('Most helpful change:')} {clean(advice.change)}\n"
    if advised.live is not None:
        yield style.dim(f"  {clean(advised.live)}") + "\n"
    if advice.labels:
        yield f"\n{_table(advice, style, width, blocks)}"


def _coloured(verdict: Adequacy, style: Style) -> str:
    match verdict:
        case Adequacy.GOOD:
            return style.green(str(verdict))
        case Adequacy.NOT_ADEQUATE:
            return style.red(str(verdict))
        case _:
            return style.yellow(str(verdict))


def _table(advice: Advice, style: Style, width: int, blocks: bool) -> str:
    shown = advice.labels[:MOST_SHOWN]
    headers = ["LABEL", "IMAGES", *_SETS]
    headers += ["RECALL", "mAP" if advice.boxes else "auPRC"] if advice.evaluated else []
    rows = [_cells(label, evaluated=advice.evaluated is not None) for label in shown]
    plain = columns(headers, rows)
    room = width - max(map(len, plain.splitlines())) - 2
    size = max(_NARROWEST_BAR, min(_WIDEST_BAR, room))
    most = max(label.examples for label in advice.labels)
    drawn = [
        [name, bar(label.examples / (most or 1), size, blocks=blocks), *rest]
        for label, (name, *rest) in zip(shown, rows, strict=True)
    ]
    text = columns([headers[0], "", *headers[1:]], drawn, style)
    more = advice.label_count - len(shown)
    if more > 0:
        text += style.dim(f"… and {counted(more, 'more label')}") + "\n"
    if advice.evaluated:
        made_up = ", simulated" if advice.simulated else ""
        of_it = f"(recall and {headers[-1]} of {clean(advice.evaluated)}{made_up})"
        text += style.dim(of_it) + "\n"
    return text


_SETS = ("TRAIN", "VALIDATION", "TEST", "UNASSIGNED")


def _cells(label: LabelAdvice, *, evaluated: bool) -> list[str]:
    numbers = (label.examples, label.train, label.validation, label.test, label.unassigned)
    cells = [clean(label.label), *(f"{number:,}" for number in numbers)]
    if evaluated:
        cells += ["-" if x is None else f"{x:.2f}" for x in (label.recall, label.au_prc)]
    return cells


def bar(share: float, size: int, *, blocks: bool) -> str:
    """A bar of at most `size` columns for a share from 0 to 1; more than nothing is seen."""
    if not blocks:
        return "#" * max(round(share * size), int(share > 0))
    eighths = max(round(share * size * 8), int(share > 0))
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def sentence(advice: Advice) -> str:
    """The verdict in one line, with the change that would help most."""
    what = str(advice.verdict)
    if advice.change is not None:
        joined = ": " if advice.verdict is Adequacy.NOT_ADEQUATE else "; to improve: "
        return f"{what}{joined}{advice.change}"
    first = advice.reasons[0].text if advice.verdict is Adequacy.UNKNOWN else ""
    return f"{what}: {first}" if first else what


SHOWN = 5
"""Findings of a dataset that are shown where room is short."""


def data_sentences(planned: BoundPlan, *, all_verdicts: bool) -> Iterator[str]:
    """A line for each dataset, and one for each of its first findings.

    Without `all_verdicts` only of data that is not adequate, or in which something is wrong.
    """
    for address in sorted({*planned.adequacy, *planned.data_findings}):
        advice = planned.adequacy.get(address)
        wanted = all_verdicts or (advice and advice.verdict is Adequacy.NOT_ADEQUATE)
        if advice is not None and wanted:
            yield f"{address}: its data is {sentence(advice)}"
        found = planned.data_findings.get(address)
        if found is None:
            continue
        if found.unchecked:
            yield f"{address}: not checked: {'; '.join(found.unchecked)}"
        if not (found.errors or found.warnings):
            continue
        yield f"{address}: {findings_counted(found)} in its data"
        shown = [f for f in found.findings if f.severity != "notice"][:SHOWN]
        for finding in shown:
            yield f"{finding.where}: {finding.severity}[{finding.rule}]: {finding.message}"
        more = found.errors + found.warnings - len(shown)
        if more:
            yield f"and {more:,} more: automl-plan datasets lint {address.name}"


def findings_counted(found: DataFindings) -> str:
    """`2 errors, 1 warning`; notices are not counted."""
    parts = [
        counted(number, noun)
        for number, noun in ((found.errors, "error"), (found.warnings, "warning"))
        if number
    ]
    return ", ".join(parts)
