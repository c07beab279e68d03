"""A plan as text, and as `name=value` lines for steps of a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.fields import FIELDS, Mutability
from automl_plan.output.actions import WORDS
from automl_plan.output.cost import costs_text
from automl_plan.output.data import data_sentences
from automl_plan.output.drift import drift_text, not_in_refusals, unrecorded_text
from automl_plan.output.operations import expected
from automl_plan.output.review_summary import (
    contacts_text,
    nothing_to_do,
    only_a_part,
    worry_of,
)
from automl_plan.output.style import Style, clean, counted
from automl_plan.output.values import (
    capabilities_of,
    in_budget_unit,
    is_free,
    leaves,
    shown,
    shown_difference,
)
from automl_plan.planning.drift import acceptable
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import (
    TRAININGS,
    Action,
    Amounts,
    Change,
    Drift,
    Note,
    NoteKind,
    Plan,
)
from automl_plan.planning.policy import violation_text
from automl_plan.recovery.interrupted_calls import Finding, Verdict
from automl_plan.workspace.bound_plan import BoundPlan

_NAME_THEIR_OBJECT = frozenset(
    {
        Action.DELETE,
        Action.UNDEPLOY,
        Action.CANCEL,
        Action.RESUME,
        Action.FORGET,
        Action.PROMOTE,
        Action.IMPORT,
    }
)
"""Actions whose reader needs the id: those that end or continue something."""
_SHOWN_ELSEWHERE = frozenset({"deploy", "trained_on", "data"})
"""Attributes of a new object that other changes show."""
_FORCED = {ResourceKind.DATASET: "a new dataset", ResourceKind.MODEL: "a new training"}
_NOTES = {
    NoteKind.HELD: "Held back:",
    NoteKind.EXPIRY: "Expires:",
    NoteKind.ELSEWHERE: "Also deployed elsewhere:",
    NoteKind.RENAME: "Renamed?",
    NoteKind.SHARED: "Recorded twice:",
    NoteKind.SOURCES: "Sources:",
    NoteKind.TRAINED: "Trained on less:",
    NoteKind.GATE: "Gate may be undecided:",
}
_LINE = 100
"""Columns that reasons are wrapped to."""
_REASON_INDENT = " " * 20


def plan_text(planned: BoundPlan, style: Style) -> str:
    """Return the whole plan, ending with its costs, contacts and refusals."""
    return "".join(_parts(in_budget_unit(planned), style))


def _parts(planned: BoundPlan, style: Style) -> Iterator[str]:
    plan = planned.plan
    found = [(a, f) for a, f in planned.found if f.verdict is not Verdict.OPEN]
    if found:
        yield _found_text(found, style)
    if plan.drift:
        yield _drift_text(plan.drift, planned.mode, style)
    if unrecorded := not_in_refusals(plan):
        yield f"{unrecorded_text(unrecorded, style)}\n"
    if planned.mode is PlanMode.REFRESH_ONLY:
        yield _refresh_summary(planned, style)
        yield _part_text(planned, style)
        yield contacts_text(planned.contacts, style)
        return
    if plan.empty:
        yield _notes_text(plan.notes, style)
        head, dot, rest = nothing_to_do(planned, counts=_counts(plan.unchanged)).partition(". ")
        yield f"{style.bold(style.green(head + dot.strip()))}{' ' if rest else ''}{rest}\n"
        yield _part_text(planned, style)
        yield contacts_text(planned.contacts, style)
        yield _policy_text(plan, style)
        return
    yield "automl-plan will perform the following actions:\n"
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(str(change.address), []).append(change)
    for address, changes in groups.items():
        yield f"\n  {style.bold(address)}  {_fate(changes, planned, style)}\n"
        for change in changes:
            yield _change_text(change, planned, style)
    if plan.notes:
        yield "\n" + _notes_text(plan.notes, style).removesuffix("\n")
    said = list(data_sentences(planned, all_verdicts=False))
    if said:
        yield f"\n{style.bold('Data:')}\n" + "".join(f"  {clean(line)}\n" for line in said)
    yield f"\n{style.bold('Plan:')} {summary(plan.changes)}.\n"
    yield _part_text(planned, style)
    if plan.costs is not None:
        costs = costs_text(plan.costs, style, free=is_free(planned))
        yield f"\n{costs}" if costs else ""
    yield _trainer_text(planned, style)
    yield contacts_text(planned.contacts, style)
    yield _policy_text(plan, style)


def _trainer_text(planned: BoundPlan, style: Style) -> str:
    """Return the line that names what trains, where that is a choice and anything is trained."""
    capabilities = capabilities_of(planned)
    trained = any(change.action in TRAININGS for change in planned.plan.changes)
    if capabilities is None or not capabilities.trainer or not trained:
        return ""
    return style.dim(f"(trainer {capabilities.trainer})") + "\n"


def _counts(addresses: Sequence[Address]) -> str:
    """`1 dataset and 2 models`; "" when there is none."""
    datasets = sum(address.kind is ResourceKind.DATASET for address in addresses)
    counts = {"dataset": datasets, "model": len(addresses) - datasets}
    return " and ".join(counted(count, noun) for noun, count in counts.items() if count)


def _part_text(planned: BoundPlan, style: Style) -> str:
    """Return the warning that a narrowed plan is not the whole one."""
    part = only_a_part(planned)
    if part is None:
        return ""
    lines = wrap(clean(part), _LINE - 9, break_on_hyphens=False)
    return f"{style.yellow('Warning:')} " + "\n         ".join(lines) + "\n"


def _policy_text(plan: Plan, style: Style) -> str:
    """Return the policy warnings, then the refusals."""
    warnings = (clean(violation_text(v)) for v in plan.violations if v.warns)
    text = "".join(f"{style.yellow('Warning:')} {warning}\n" for warning in warnings)
    if plan.refused:
        lines = "".join(f"  {clean(refusal.text)}\n" for refusal in plan.refused)
        text += f"\n{style.red(style.bold('Refused:'))}\n{lines}"
    return text


def summary(changes: Sequence[Change], *, done: bool = False) -> str:
    """`1 dataset to create, 1 model to train`, or `1 dataset created, 1 model trained`."""
    counts: dict[tuple[Action, ResourceKind], int] = {}
    for change in changes:
        key = (change.action, change.address.kind)
        counts[key] = counts.get(key, 0) + 1
    return ", ".join(
        (words.summed_up if done else words.planned).format(counted(counts[action, kind], kind))
        for action, words in WORDS.items()
        for kind in ResourceKind
        if (action, kind) in counts
    )


def _notes_text(notes: Sequence[Note], style: Style) -> str:
    """Return the notes beside the changes."""
    parts = []
    for note in notes:
        head = f"{style.yellow(_NOTES[note.kind])} {style.bold(str(note.address))}"
        lines = wrap(clean(note.text), _LINE - 4, break_on_hyphens=False)
        parts.append(f"{head}\n" + "".join(f"    {line}\n" for line in lines))
    return "\n".join(parts) + "\n" if parts else ""


def _fate(changes: Sequence[Change], planned: BoundPlan, style: Style) -> str:
    """Return what happens to an address, all its changes taken together."""
    actions = {change.action for change in changes}
    address = changes[0].address
    declared = planned.mode is PlanMode.NORMAL and (
        address in planned.desired.datasets or address in planned.desired.models
    )
    if Action.IMPORT in actions:
        return style.green("will be imported")
    if Action.RETRAIN in actions:
        return style.yellow("will be retrained")
    if Action.TRAIN in actions:
        return style.green("will be trained")
    if Action.CREATE in actions:
        replaced = Action.DELETE in actions
        return style.yellow("will be replaced") if replaced else style.green("will be created")
    if Action.RESUME in actions:
        return style.green("will be resumed")
    if Action.GATE in actions:
        return style.yellow("has a version waiting for its gate")
    if Action.PROMOTE in actions:
        return style.yellow("will switch to another version")
    if Action.DELETE in actions:
        if declared:
            return style.yellow("stays; replaced objects are deleted")
        return style.red("will be deleted")
    if actions == {Action.MOVE} or actions == {Action.MOVE, Action.UPDATE}:
        return style.yellow("will be moved")
    if actions == {Action.FORGET} and not declared:
        return style.red("will be forgotten")
    if actions <= {Action.CANCEL, Action.FORGET}:
        return style.red("will be cancelled")
    return style.yellow("will be updated in place")


def _change_text(change: Change, planned: BoundPlan, style: Style) -> str:
    words = WORDS[change.action]
    symbol = words.coloured(f"{words.symbol} {change.action:<11}", style)
    reason = clean(change.reason) or "(no reason given)"
    if change.where is not None:
        reason += f" ({clean(change.where)})"
    if change.origin is not None:
        reason += f" (was {change.origin})"
    subject = change.operation_id or change.object_id
    if subject is not None and change.action in _NAME_THEIR_OBJECT:
        reason += f" [{clean(subject)}]"
    lines = wrap(reason, _LINE - len(_REASON_INDENT), break_on_hyphens=False)
    head = f"    {symbol}   " + f"\n{_REASON_INDENT}".join(lines)
    details = [f"        {line}" for line in _details(change, planned, style)]
    takes = expected(change, planned.forecasts)
    details += [f"        {takes}"] if takes else []
    return "\n".join([head, *details]) + "\n"


def _details(change: Change, planned: BoundPlan, style: Style) -> list[str]:
    match change.action:
        case Action.CREATE | Action.TRAIN | Action.RETRAIN:
            return _new_attributes(change, style)
        case Action.IMPORT_DATA:
            return _sources(change, planned)
        case Action.GATE:
            return _requirements(change)
        case Action.UPDATE | Action.DEPLOY | Action.UNDEPLOY:
            width = max((len(clean(d.path)) for d in change.differences), default=0)
            found = [shown_difference(d, style, width) for d in change.differences]
            return [*found, *_endpoints(change)]
        case Action.IMPORT:
            return _endpoints(change)
        case _:
            return []


def _endpoints(change: Change) -> list[str]:
    """Return a line for each endpoint where a model is deployed or undeployed."""
    return [f"endpoint {clean(each)}" for each in change.endpoints]


def _requirements(change: Change) -> list[str]:
    require = dict((change.after or {}).items())
    values = [(path.removeprefix("require."), value) for path, value in leaves(require)]
    width = max((len(clean(path)) for path, _ in values), default=0)
    return [f"{clean(path):<{width}}  {shown(value)}" for path, value in values]


def _new_attributes(change: Change, style: Style) -> list[str]:
    """Return every attribute of a new object; beside those that force it, their former value."""
    after = {k: v for k, v in (change.after or {}).items() if k not in _SHOWN_ELSEWHERE}
    values = dict(leaves(after))
    found = {difference.path: difference for difference in change.differences}
    width = max((len(clean(path)) for path in (*values, *found)), default=0)
    lines = []
    for path in sorted({*values, *found}):
        if path not in found:
            lines.append(f"{clean(path):<{width}}  {shown(values[path])}")
            continue
        forces = _forces_a_new_one(change.address.kind, path)
        mark = style.dim(f"  # forces {_FORCED[change.address.kind]}") if forces else ""
        lines.append(shown_difference(found[path], style, width) + mark)
    return lines


def _forces_a_new_one(kind: ResourceKind, path: str) -> bool:
    """Whether a field can't change in place."""
    top = path.partition(".")[0]
    return any(
        field.path == top and field.mutability in (Mutability.IMMUTABLE, Mutability.DATA)
        for field in FIELDS[kind]
    )


def _sources(change: Change, planned: BoundPlan) -> list[str]:
    dataset = planned.desired.datasets.get(change.address)
    data = planned.sources.get(change.address)
    lines = [f"sources  {shown(source)}" for source in (dataset.sources if dataset else ())]
    if data is not None:
        images = counted(data.examples, "image")
        lines.append(f"content  {images}, {data.labelled_examples:,} labelled")
    return lines


def _found_text(found: Sequence[tuple[Address, Finding]], style: Style) -> str:
    """Return the outcome of calls that were interrupted in an earlier run."""
    lines = [style.bold("Outcome of calls interrupted in an earlier run:"), ""]
    for address, finding in found:
        outcome = "had no effect; can be sent again"
        if finding.verdict is Verdict.ARRIVED:
            outcome = f"arrived; created {clean(finding.made or '')}"
        elif finding.operation is not None:
            outcome = f"arrived; operation {clean(finding.operation.id)}"
        lines.append(f"  {style.bold(str(address))}  {finding.intent.step}: {outcome}")
    return "\n".join(lines) + "\n\n"


def _drift_text(drift: Sequence[Drift], mode: PlanMode, style: Style) -> str:
    note = style.dim("`automl-plan apply --refresh-only` accepts these changes into the state.")
    accept = "" if mode is PlanMode.REFRESH_ONLY else f"\n{note}\n"
    return f"{drift_text(drift, style)}{accept}\n"


def _refresh_summary(planned: BoundPlan, style: Style) -> str:
    drift, part = planned.plan.drift, planned.plan.not_planned
    if not drift and part:
        return f"{style.bold(style.green('No changes to the planned part.'))}\n"
    if not drift:
        return f"{style.bold(style.green('No changes.'))} Live resources match the state.\n"
    accepted = acceptable(drift)
    if not accepted:
        return (
            f"{style.bold(style.green('Nothing to accept.'))} Ownership labels and traffic follow "
            "from the state; `automl-plan apply` restores them.\n"
        )
    return (
        f"{style.bold('Plan:')} accept {counted(accepted, 'change')} into the state; "
        "nothing is changed at the provider.\n"
    )


def plan_outputs(planned: BoundPlan) -> str:
    """A line each, to be appended to the file that GITHUB_OUTPUT names.

    Numbers and our own words only: nothing from outside could begin a line of its own.
    """
    from automl_plan.workspace.plan_file import digest_of

    plan = planned.plan
    total = Amounts() if plan.costs is None else plan.costs.total
    values = {
        "changes": str(not planned.empty).lower(),
        "verdict": str(worry_of(planned)),
        "trainings": sum(change.action in TRAININGS for change in plan.changes),
        "deletions": sum(change.action is Action.DELETE for change in plan.changes),
        "training-cost": f"{total.training:.2f}",
        "monthly-before": f"{total.monthly_before:.2f}",
        "monthly-after": f"{total.monthly_after:.2f}",
        "digest": digest_of(planned),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
