"""A plan as text: what people decide from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from automl_plan.applying.planned import Planned
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import Action, Change, Difference, Drift
from automl_plan.rendering.style import Style, clean, counted
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.json import Attributes, Json

_SYMBOLS = {
    Action.CREATE: "+",
    Action.IMPORT_DATA: "+",
    Action.TRAIN: "+",
    Action.RETRAIN: "+",
    Action.UPDATE: "~",
    Action.DEPLOY: "~",
    Action.UNDEPLOY: "~",
    Action.DELETE: "-",
    Action.CANCEL: "x",
    Action.RESUME: ">",
    Action.FORGET: ".",
    Action.NO_OP: " ",
}
_SUMMARY = {
    Action.RESUME: "{} to resume",
    Action.CANCEL: "{} to cancel",
    Action.CREATE: "{} to create",
    Action.IMPORT_DATA: "{} to import",
    Action.TRAIN: "{} to train",
    Action.RETRAIN: "{} to retrain",
    Action.UPDATE: "{} to update",
    Action.DEPLOY: "{} to deploy",
    Action.UNDEPLOY: "{} to undeploy",
    Action.DELETE: "{} to delete",
    Action.FORGET: "{} to forget",
}
_SHOWN_VALUE = 200
"""Characters of one value that are shown."""


def plan_text(planned: Planned, style: Style) -> str:
    """The whole plan, ending with one line that sums it up."""
    return "".join(_parts(planned, style))


def _parts(planned: Planned, style: Style) -> Iterator[str]:
    plan = planned.plan
    if plan.drift:
        yield _drift_text(plan.drift, planned.mode, style)
    if planned.mode is PlanMode.REFRESH_ONLY:
        yield _refresh_summary(plan.drift, style)
        return
    if plan.empty:
        datasets = sum(a.kind is ResourceKind.DATASET for a in plan.unchanged)
        models = len(plan.unchanged) - datasets
        yield style.bold(style.green("No changes."))
        if planned.mode is PlanMode.DESTROY:
            yield " Nothing is recorded that could be deleted.\n"
        else:
            yield (
                f" What lives is what the configuration says ({counted(datasets, 'dataset')}, "
                f"{counted(models, 'model')}).\n"
            )
        return
    yield "automl-plan will do the following:\n"
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(str(change.address), []).append(change)
    for address, changes in groups.items():
        yield f"\n  {style.bold(address)}\n"
        for change in changes:
            yield _change_text(change, planned, style)
    yield f"\n{style.bold('Plan:')} {summary(plan.changes)}.\n"


def summary(changes: Sequence[Change], words: Mapping[Action, str] = _SUMMARY) -> str:
    """`1 dataset to create, 1 model to train`: how many of each action.

    `words` holds a form for each action, with `{}` for how many of what.
    """
    counts: dict[tuple[Action, ResourceKind], int] = {}
    for change in changes:
        key = (change.action, change.address.kind)
        counts[key] = counts.get(key, 0) + 1
    return ", ".join(
        form.format(counted(counts[action, kind], kind))
        for action, form in words.items()
        for kind in ResourceKind
        if (action, kind) in counts
    )


def _change_text(change: Change, planned: Planned, style: Style) -> str:
    symbol = _coloured(change.action, _SYMBOLS[change.action], style)
    action = _coloured(change.action, f"{change.action:<11}", style)
    subject = change.operation_id or change.object_id
    which = f" {clean(subject)}" if subject and _names_its_object(change) else ""
    lines = [f"    {symbol} {action}{which}  {style.dim(clean(change.reason))}"]
    lines += [f"        {line}" for line in _details(change, planned, style)]
    return "\n".join(lines) + "\n"


def _names_its_object(change: Change) -> bool:
    """Whether the reader needs the id: for what ends something, or goes on with it."""
    return change.action in (
        Action.DELETE,
        Action.UNDEPLOY,
        Action.CANCEL,
        Action.RESUME,
        Action.FORGET,
    )


def _details(change: Change, planned: Planned, style: Style) -> list[str]:
    match change.action:
        case Action.CREATE | Action.TRAIN | Action.RETRAIN:
            return _new_attributes(change, style)
        case Action.IMPORT_DATA:
            return _sources(change, planned)
        case Action.UPDATE | Action.DEPLOY | Action.UNDEPLOY:
            return [_difference(d, style) for d in change.differences]
        case _:
            return []


def _new_attributes(change: Change, style: Style) -> list[str]:
    """Every attribute of what is made; beside those that force it, what they were."""
    before = {d.path: d.before for d in change.differences}
    leaves = [
        (path, value)
        for path, value in _leaves(change.after or {})
        if path.partition(".")[0] not in ("deploy", "trained_on", "data") and value not in ("", {})
    ]
    forced = [d for d in change.differences if d.path.startswith(("trained_on", "data"))]
    width = max([len(path) for path, _ in leaves] + [len(d.path) for d in forced], default=0)
    lines = []
    for path, value in leaves:
        line = f"{clean(path):<{width}}  "
        if path in before:
            line += f"{_value(before[path])} -> {style.yellow(_value(value))}"
        else:
            line += _value(value)
        lines.append(line)
    lines += [
        f"{clean(d.path):<{width}}  {_short(d.before)} -> {style.yellow(_short(d.after))}"
        for d in forced
    ]
    return lines


def _sources(change: Change, planned: Planned) -> list[str]:
    dataset = planned.desired.datasets.get(change.address)
    data = planned.sources.get(change.address)
    lines = [f"sources  {_value(source)}" for source in (dataset.sources if dataset else ())]
    if data is not None:
        images = counted(data.examples, "image")
        lines.append(f"holding  {images}, {data.labelled_examples:,} labelled")
    return lines


def _leaves(attributes: Attributes, prefix: str = "") -> Iterator[tuple[str, Json]]:
    for key, value in sorted(attributes.items()):
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _difference(difference: Difference, style: Style) -> str:
    before, after = difference.before, difference.after
    if before is None:
        return f"{clean(difference.path)}  {style.green(_value(after))}"
    if after is None:
        return f"{clean(difference.path)}  {style.red(_value(before))} -> (none)"
    return f"{clean(difference.path)}  {_value(before)} -> {style.yellow(_value(after))}"


def _value(value: Json) -> str:
    if value is None:
        return "(none)"
    text = clean(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= _SHOWN_VALUE else text[: _SHOWN_VALUE - 1] + "…"


def _short(value: Json) -> str:
    """A fingerprint, cut to what tells two apart."""
    text = _value(value).strip('"')
    return text[:15] + "…" if text.startswith("v1:") and len(text) > 16 else _value(value)


def _drift_text(drift: Sequence[Drift], mode: PlanMode, style: Style) -> str:
    lines = [style.bold("Changed outside automl-plan since it was recorded:"), ""]
    for item in drift:
        head = f"  {style.bold(str(item.address))}  {clean(item.object_id)}"
        if item.gone:
            lines.append(f"{head}  {style.red('is gone')}")
            continue
        lines.append(head)
        lines += [f"        {_difference(d, style)}" for d in item.differences]
    if mode is not PlanMode.REFRESH_ONLY:
        note = "`automl-plan apply --refresh-only` accepts this into the state."
        lines += ["", style.dim(note)]
    return "\n".join(lines) + "\n\n"


def _refresh_summary(drift: Sequence[Drift], style: Style) -> str:
    if not drift:
        return f"{style.bold(style.green('No changes.'))} What lives is what is recorded.\n"
    return (
        f"{style.bold('Plan:')} accept {counted(len(drift), 'change')} into the state; "
        "nothing is changed at the provider.\n"
    )


def _coloured(action: Action, text: str, style: Style) -> str:
    match action:
        case Action.CREATE | Action.IMPORT_DATA | Action.TRAIN | Action.RETRAIN:
            return style.green(text)
        case Action.DELETE | Action.CANCEL | Action.FORGET:
            return style.red(text)
        case _:
            return style.yellow(text)
