"""What changed outside, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.plan import Drift, Unrecorded
from automl_plan.planning.unrecorded import unrecorded_to_json
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, clean
from automl_plan.rendering.values import shown, shown_difference
from automl_plan.resources.json import Json


def drift_text(drift: Sequence[Drift], style: Style) -> str:
    """Each object that changed, with what of it did."""
    if not drift:
        return f"{style.green('No drift.')} What lives is what is recorded.\n"
    lines = [style.bold("Changed outside automl-plan since it was recorded:"), ""]
    for item in drift:
        head = f"  {style.bold(str(item.address))}  "
        if item.trained is not None:
            what = f"a model was trained on it: {clean(item.trained)} {clean(item.object_id)}"
            lines.append(head + what)
        elif item.gone:
            lines.append(f"{head}{clean(item.object_id)}  {style.red('is gone')}")
        else:
            lines.append(head + clean(item.object_id))
            lines += [f"        {shown_difference(d, style)}" for d in item.differences]
    return "\n".join(lines) + "\n"


def drift_sentences(drift: Sequence[Drift]) -> tuple[str, ...]:
    """A sentence for each object that changed."""
    return tuple(map(_sentence, drift))


def _sentence(item: Drift) -> str:
    if item.trained is not None:
        return f"{item.address}: a model was trained on it: {item.trained} {item.object_id}"
    if item.gone:
        return f"{item.address}: {item.object_id} is gone"
    changed = (f"{d.path}: {shown(d.before)} → {shown(d.after)}" for d in item.differences)
    return f"{item.address}: {item.object_id}: {'; '.join(changed)}"


def drift_json(drift: Sequence[Drift], unrecorded: Sequence[Unrecorded]) -> dict[str, Json]:
    """The same for programs, with what the state does not know."""
    return document(
        unrecorded=unrecorded_to_json(unrecorded),
        drift=[
            {
                "address": str(item.address),
                "object_id": item.object_id,
                "gone": item.gone,
                "trained": item.trained,
                "differences": [
                    {"path": d.path, "before": d.before, "after": d.after} for d in item.differences
                ],
            }
            for item in drift
        ],
    )
