"""Changes outside automl-plan, unrecorded objects with our labels, and why something is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from automl_plan.model.items import ImageDrift
from automl_plan.output.style import Style, clean, columns, counted
from automl_plan.output.values import shown, shown_difference
from automl_plan.planning.plan import UNRECORDED, Drift, Plan, Unrecorded

if TYPE_CHECKING:  # of one command only
    from automl_plan.planning.explain import Compared, Explanation

_SHOWN = 20
"""Objects that a text names; JSON has all."""


def unrecorded_text(found: Sequence[Unrecorded], style: Style) -> str:
    """Return each object with the ways to settle it; "" when there is none."""
    if not found:
        return ""
    lines = [f"{style.yellow('Not recorded:')} {unrecorded_summary(found)}"]
    # Not wrapped: a command is copied as a whole.
    lines += [f"  {clean(sentence)}" for sentence in unrecorded_sentences(found)]
    return "\n".join(lines) + "\n"


def unrecorded_sentences(found: Sequence[Unrecorded]) -> tuple[str, ...]:
    """Return a sentence for each of the first objects."""
    more = len(found) - _SHOWN
    said = tuple(each.text for each in found[:_SHOWN])
    return (*said, f"… and {more:,} more (`--json` lists all)") if more > 0 else said


def unrecorded_summary(found: Sequence[Unrecorded]) -> str:
    """Return how many there are, what their deployments cost, and the consequence."""
    monthly = sum(each.monthly for each in found)
    money = f" (${monthly:,.2f} per month)" if monthly else ""
    labelled = sum(each.labelled for each in found)
    what = []
    if labelled:
        have = "has" if labelled == 1 else "have"
        what.append(
            f"{counted(labelled, 'live object')} {have} ownership labels of this state{money}"
        )
    if others := len(found) - labelled:
        run = "runs" if others == 1 else "run"
        what.append(f"{counted(others, 'training')} {run} on its datasets that it did not start")
    return f"{'; '.join(what)}. Nothing is paid for until this is settled."


def not_in_refusals(plan: Plan) -> tuple[Unrecorded, ...]:
    """Return the unrecorded objects, unless the refusals of the plan list them."""
    return () if any(refusal.rule == UNRECORDED for refusal in plan.refused) else plan.unrecorded


def drift_text(drift: Sequence[Drift], style: Style) -> str:
    """Return each object that changed, with its differences."""
    if not drift:
        return f"{style.green('No drift.')} Live resources match the state.\n"
    lines = [style.bold("Changed outside automl-plan:"), ""]
    for item in drift:
        head = f"  {style.bold(str(item.address))}  "
        if item.trained is not None:
            what = (
                f"someone else trained a model on it: {clean(item.trained)} {clean(item.object_id)}"
            )
            lines.append(head + what)
        elif item.gone:
            lines.append(f"{head}{clean(item.object_id)}  {style.red('was deleted')}")
        else:
            lines.append(head + clean(item.object_id))
            lines += [f"        {shown_difference(d, style)}" for d in item.differences]
    return "\n".join(lines) + "\n"


IMAGES_SHOWN = 20
"""Images of each kind that are named; `--json` names all."""


def image_drift_text(found: Sequence[ImageDrift], style: Style) -> str:
    """Return the images that changed in each dataset; nothing where none was compared."""
    if not found:
        return ""
    lines = (f"  {style.bold(str(each.address))}  {_images(each, style)}" for each in found)
    return style.bold("Images:") + "\n\n" + "".join(lines)


def _images(found: ImageDrift, style: Style) -> str:
    now = "" if found.images is None else f" of {counted(found.images, 'image')}"
    if found.unknown is not None:
        text = f"{clean(found.object_id)}: images were not compared: {clean(found.unknown)}\n"
        if found.counts_differ:
            text += f"        images: {found.imported:,} were imported, now {found.images:,}\n"
        return text
    changes = found.changes
    if not changes:
        return style.green(f"all{now} are as they were imported") + "\n"
    lines = [f"{clean(found.object_id)}{now and f': {now.strip()}'}"]
    for word, images in (
        (style.green("added"), [clean(uri) for uri in changes.added]),
        (style.red("removed"), [clean(name) for name in changes.removed]),
        (
            style.yellow("relabelled"),
            [
                f"{clean(each.image)}: {clean(each.before)} → {clean(each.after)}"
                for each in changes.relabelled
            ],
        ),
    ):
        if images:
            lines.append(f"        {word}: {len(images):,}")
            lines += [f"          {image}" for image in images[:IMAGES_SHOWN]]
            if more := len(images) - IMAGES_SHOWN:
                lines += [f"          … and {more:,} more"] if more > 0 else []
    return "\n".join(lines) + "\n"


def drift_sentences(drift: Sequence[Drift]) -> tuple[str, ...]:
    """A sentence for each object that changed."""
    return tuple(map(_sentence, drift))


def _sentence(item: Drift) -> str:
    if item.trained is not None:
        return (
            f"{item.address}: someone else trained a model on it: {item.trained} {item.object_id}"
        )
    if item.gone:
        return f"{item.address}: {item.object_id} was deleted"
    changed = (f"{d.path}: {shown(d.before)} → {shown(d.after)}" for d in item.differences)
    return f"{item.address}: {item.object_id}: {'; '.join(changed)}"


def why_text(explanation: Explanation, places: Mapping[str, str], style: Style) -> str:
    """The comparison, the facts, and what follows. `places`: where fields are written."""
    parts = [style.bold(str(explanation.address)) + "\n"]
    if explanation.compared:
        headers = ("FIELD", "DECLARED", "ACTUAL", "FROM", "DECLARED AT", "ON CHANGE", "")
        cells = [
            (
                clean(row.field),
                shown(row.declared),
                shown(row.found),
                row.origin,
                clean(places.get(row.field, "(default)")),
                row.meaning,
                _verdict(row),
            )
            for row in explanation.compared
        ]
        parts.append(columns(headers, cells, style))
    parts.append("".join(f"- {clean(fact)}\n" for fact in explanation.facts))
    parts.append(_conclusion(explanation, style))
    return "\n".join(parts)


def _verdict(row: Compared) -> str:
    if row.equal:
        return "equal, ignored" if row.ignored else "equal"
    return "DIFFERS"


def _conclusion(explanation: Explanation, style: Style) -> str:
    lines = []
    for change in explanation.changes:
        where = f" ({clean(change.where)})" if change.where else ""
        lines.append(f"  {change.action:<11} {clean(change.reason)}{where}")
    lines += [f"  {style.yellow('note')}        {clean(note.text)}" for note in explanation.notes]
    if not explanation.changes:
        lines.insert(0, "  nothing: no difference requires a change")
    return style.bold("Planned:") + "\n" + "\n".join(lines) + "\n"
