"""Live datasets and models, and the versions of a model, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from automl_plan.model.address import Address
from automl_plan.model.annotation_sets import shown_set
from automl_plan.model.capabilities import BudgetUnit
from automl_plan.model.items import SETS, LiveCounts, LiveItem
from automl_plan.model.live import LiveDataset, LiveModel
from automl_plan.model.timestamps import instant_of
from automl_plan.output.evaluations import counts, figure
from automl_plan.output.expiry import (
    kind_of,
    labels_of,
    life_text,
    life_warnings,
    managed_as,
    service_labels,
)
from automl_plan.output.style import (
    PLAIN,
    Style,
    clean,
    columns,
    counted,
    fields,
    moment,
    width_of,
)
from automl_plan.output.values import shown
from automl_plan.planning.notes import fewer_trained_text
from automl_plan.workspace.inventory import DatasetRow, ModelRow
from automl_plan.workspace.versions import VersionRow

if TYPE_CHECKING:
    from automl_plan.workspace.live_items import DatasetImages


def datasets_text(rows: Sequence[DatasetRow], style: Style) -> str:
    """Google's own columns, and who manages each."""
    if not rows:
        return "No datasets.\n"
    headers = (
        "NAME",
        "TYPE",
        "TOTAL IMAGES",
        "LABELED IMAGES",
        "LAST UPDATED",
        "STATUS",
        "MANAGED AS",
    )
    cells = [
        (
            f"{clean(row.live.display_name)}\n{clean(row.live.id)}",
            kind_of(row.live.problem),
            "-" if row.live.example_count is None else f"{row.live.example_count:,}",
            "-" if row.labelled_images is None else f"{row.labelled_images:,}",
            moment(row.updated),
            clean(row.status),
            managed_as(row),
        )
        for row in rows
    ]
    return columns(headers, cells, style)


def dataset_text(row: DatasetRow, counts: LiveCounts | str, style: Style) -> str:
    """One dataset, a field a line, and its images by label, or why they are unknown."""
    live = row.live
    kind = kind_of(live.problem)
    if live.classification_type is not None:
        kind += f" ({live.classification_type})"
    labelled = row.labelled_images
    unknown: dict[str, str] = {}
    if isinstance(counts, str):
        unknown["Images by label"] = f"- ({counts.removesuffix('.')})"
    elif counts.labelled is not None:
        labelled = counts.labelled
    text = fields(
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": kind,
            "Description": live.description or "-",
            "Total images": _count(live.example_count),
            "Labeled images": _count(labelled),
            **_annotation_sets(live),
            "Created": moment(live.create_time),
            "Last updated": moment(row.updated),
            "Status": row.status,
            "Labels": labels_of(live),
            **service_labels(live),
            "Managed as": managed_as(row),
            **unknown,
        },
        style,
    )
    return text if isinstance(counts, str) else f"{text}\n{_by_label(counts, style)}"


def _by_label(counts: LiveCounts, style: Style) -> str:
    if not counts.labels:
        return "No image has a label.\n"
    in_sets = all(each.by_set is not None for each in counts.labels)
    rows = [
        (clean(each.label), f"{each.images:,}", *(f"{n:,}" for n in (each.by_set or {}).values()))
        for each in counts.labels
    ]
    table = columns(("LABEL", "IMAGES", *(SETS if in_sets else ())), rows, style)
    if counts.complete:
        return table
    return f"{table}{style.dim('(only labels that a model was trained with are known)')}\n"


def images_text(found: DatasetImages, style: Style) -> str:
    """One image a line: its set, its labels, and last its URI, which is not cut."""
    if not found.images:
        return "No images.\n"
    rows = [(image.use, _labels_of(image)) for image in found.images]
    header, *lines = columns(("SET", "LABELS"), rows).splitlines()
    width = max(map(width_of, (header, *lines)))
    shown = [
        f"{line}{' ' * (width - width_of(line))}  {clean(image.uri)}"
        for line, image in zip(lines, found.images, strict=True)
    ]
    head = f"{header}{' ' * (width - width_of(header))}  IMAGE"
    return "\n".join([style.bold(head), *shown]) + "\n"


def _labels_of(image: LiveItem) -> str:
    boxes = Counter(box.label for box in image.boxes)
    told = [*image.labels, *(k if n == 1 else f"{n} {k}" for k, n in boxes.items())]
    return clean(", ".join([*told, *(["…"] if image.truncated else [])])) or "-"


def _annotation_sets(live: LiveDataset) -> Mapping[str, Sequence[str]]:
    sets = [shown_set(each) for each in live.annotation_sets.sets]
    return {"Annotation sets": sets} if sets else {}


def _trained_items(live: LiveModel) -> Mapping[str, str]:
    used = live.trained_items
    if used is None:
        return {}
    by_set = f"TRAIN {used.train:,}, VALIDATION {used.validation:,}, TEST {used.test:,}"
    return {"Trained on": f"{used.all:,} images ({by_set})"}


def _count(count: int | None) -> str:
    return "- (not reported by the service)" if count is None else f"{count:,}"


_SIMULATED = "evaluations and predictions are made up"


def models_text(rows: Sequence[ModelRow], now: datetime, style: Style) -> str:
    """One model a line, its id below its name; then warnings of those whose life ends soon.

    `now` is the service's time.
    """
    if not rows:
        return "No models.\n"
    hours = rows[0].budget_unit.hours.upper()
    headers = ("NAME", "TYPE", "DATASET", "STATE", "TRAINED", hours, "EXPIRES", "MANAGED AS")
    cells = [
        (
            f"{clean(row.live.display_name)}\n{clean(row.live.id)}",
            f"{kind_of(row.live.problem)}\n{clean(row.live.model_type or '-')}",
            f"{row.dataset or '-'}\n{clean(row.live.dataset_id)}",
            "\n".join(filter(None, (_state(row.live), _endpoint(row.live)))),
            moment(row.live.create_time) + ("\nsimulated" if row.live.simulated else ""),
            _hours(row.live.train_cost_milli_node_hours),
            life_text(row.expires, now, style),
            managed_as(row),
        )
        for row in rows
    ]
    warnings = life_warnings(rows, now, style)
    return columns(headers, cells, style) + (f"\n{warnings}" if warnings else "")


def model_text(row: ModelRow, now: datetime, style: Style) -> str:
    """One model, a field a line."""
    live = row.live
    budget, cost = live.train_budget_milli_node_hours, live.train_cost_milli_node_hours
    return fields(
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": f"{kind_of(live.problem)} ({live.model_type or '-'})",
            "Dataset": " ".join(filter(None, (str(row.dataset or ""), live.dataset_id))),
            "State": _state(live),
            "Endpoint": live.endpoint or "-",
            "Trained": moment(live.create_time),
            **_trained_items(live),
            "Expires": life_text(row.expires, now, PLAIN).replace("\n", ", "),
            "Last updated": moment(live.update_time),
            "Train budget": _hours(budget, row.budget_unit),
            "Train cost": _hours(cost, row.budget_unit),
            "Stop reason": live.stop_reason or "-",
            **({"Simulated": _SIMULATED} if live.simulated else {}),
            "Base model": live.base_model_id or "-",
            "Labels": labels_of(live),
            **service_labels(live),
            "Managed as": managed_as(row),
        },
        style,
    )


def deletion_question(model: LiveModel, address: Address | None, *, current: bool) -> str:
    """Return the question before a model is deleted."""
    lines = [f"Delete the model {clean(model.display_name)} ({clean(model.id)})?"]
    if model.endpoints:
        lines += [
            f"It is deployed at endpoint {clean(each.id)}, which will stop serving its predictions."
            for each in model.endpoints
        ]
    elif model.deployed:
        lines.append("It is deployed: predictions will stop.")
    if address is not None and current:
        lines.append(
            f"It is the current version of {address}: the next apply retrains it, at full cost."
        )
    return "\n".join([*lines, "This can't be undone."])


def deleted_text(model: LiveModel) -> str:
    """Return the confirmation of a deletion, with the endpoints that served the model."""
    places = ", ".join(clean(each.id) for each in model.endpoints)
    ended = f", undeployed at {places}" if places else ""
    return f"Deleted {clean(model.id)}{ended}.\n"


def _state(model: LiveModel) -> str:
    if not model.deployed:
        return "undeployed"
    return f"deployed ({counted(model.node_count, 'node')})" if model.node_count else "deployed"


def _endpoint(model: LiveModel) -> str:
    at = [] if model.endpoint is None else [f"at {clean(model.endpoint)}"]
    return "\n".join(
        [*at, *(f"also at {clean(each)}" for each in sorted(model.foreign_deployments))]
    )


def _hours(milli_node_hours: int | None, unit: BudgetUnit | None = None) -> str:
    if milli_node_hours is None:
        return "-"
    return f"{milli_node_hours / 1000:g}{'' if unit is None else f' {unit.hours}'}"


_COMMIT = 10
"""Digits of a commit that are shown."""
_NOT_DEPLOYED = "No version is deployed.\n"


def versions_text(rows: Sequence[VersionRow], now: datetime, style: Style) -> str:
    """One version a line, newest first, its id below its number; decisions after the table."""
    if not rows:
        return "No versions.\n"
    headers = ("VERSION", "STATUS", "DATA", "COMMIT", "EVALUATION", "COST", "AGE", "EXPIRES")
    cells = [
        (
            f"{row.recorded.version or '-'}\n{clean(row.live.id)}",
            _status(row),
            shown(row.data) if row.data else "-",
            _commit(row.recorded.commit),
            _evaluation(row),
            "-" if row.usd is None else f"${row.usd:,.2f}",
            _age(row.live.create_time, now),
            life_text(row.expires, now, style),
        )
        for row in rows
    ]
    nothing = "" if any(row.live.deployed for row in rows) else _NOT_DEPLOYED
    more = "".join(f"{_decision(row)}{_fewer_images(row)}" for row in rows)
    return columns(headers, cells, style) + nothing + more


def _status(row: VersionRow) -> str:
    status = "current" if row.current else str(row.recorded.status or "former")
    return f"{status}\n{'deployed' if row.live.deployed else 'undeployed'}"


def _commit(commit: str | None) -> str:
    if commit is None:
        return "-"
    digits, dash, rest = commit.partition("-")
    return clean(digits[:_COMMIT] + dash + rest)


def _evaluation(row: VersionRow) -> str:
    evaluation = row.evaluation
    if evaluation is None:
        return "-"
    boxes = evaluation.mean_average_precision
    area = f"auPRC {figure(evaluation.au_prc)}" if boxes is None else f"mAP {figure(boxes)}"
    made_up = "\nsimulated" if row.live.simulated else ""
    return f"{area}\n{counts(evaluation.example_count)} images{made_up}"


def _age(created: str | None, now: datetime) -> str:
    born = instant_of(created)
    if born is None:
        return "-"
    age = now - born
    return f"{age.days} days" if age.days != 1 else "1 day"


def _fewer_images(row: VersionRow) -> str:
    fewer = fewer_trained_text(row.recorded.labelled_examples, row.live.trained_items)
    return f"Version {row.recorded.version} {fewer}\n" if fewer else ""


def _decision(row: VersionRow) -> str:
    decision = row.recorded.decision
    if decision is None:
        return ""
    by = "" if decision.by is None else f" by {clean(decision.by)}"
    why = "" if decision.why is None else f": {clean(decision.why)}"
    missed = [str(r.get("requirement")) for r in decision.rows if r.get("met") is False]
    lists = {"not met": missed, "not reported": decision.undecided}
    told = "; ".join(f"{name}: {clean(', '.join(rows))}" for name, rows in lists.items() if rows)
    what = f" ({told})" if told else ""
    return f"Version {row.recorded.version}: {decision.kind}{by} {decision.when}{what}{why}\n"
