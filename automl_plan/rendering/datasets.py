"""Datasets that live, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.inventory.datasets import DatasetRow
from automl_plan.rendering.document import document
from automl_plan.rendering.live import kind_of, labels_of, managed_as, ownership_json
from automl_plan.rendering.style import Style, clean, columns, fields, moment
from automl_plan.resources.json import Json


def datasets_text(rows: Sequence[DatasetRow], style: Style) -> str:
    """Google's own columns, and who manages each."""
    if not rows:
        return "There are no datasets.\n"
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


def datasets_json(rows: Sequence[DatasetRow]) -> dict[str, Json]:
    """The same for programs."""
    return document(datasets=[_json(row) for row in rows])


def dataset_text(row: DatasetRow, style: Style) -> str:
    """One dataset, a field a line."""
    live = row.live
    kind = kind_of(live.problem)
    if live.classification_type is not None:
        kind += f" ({live.classification_type})"
    labelled = row.labelled_images
    return fields(
        {
            "Name": live.display_name,
            "Id": live.id,
            "Type": kind,
            "Description": live.description or "-",
            "Total images": _told(live.example_count),
            "Labeled images": _told(labelled),
            "Created": moment(live.create_time),
            "Last updated": moment(row.updated),
            "Status": row.status,
            "Labels": labels_of(live),
            "Managed as": managed_as(row),
        },
        style,
    )


def _told(count: int | None) -> str:
    return "- (the service does not tell)" if count is None else f"{count:,}"


def dataset_json(row: DatasetRow) -> dict[str, Json]:
    """The same for programs."""
    return document(**_json(row))


def _json(row: DatasetRow) -> dict[str, Json]:
    live = row.live
    return {
        "id": live.id,
        "display_name": live.display_name,
        "type": None if live.problem is None else str(live.problem),
        "classification_type": live.classification_type and str(live.classification_type),
        "description": live.description,
        "labels": dict(live.labels),
        "total_images": live.example_count,
        "labeled_images": row.labelled_images,
        "created": live.create_time,
        "last_updated": row.updated,
        "status": row.status,
        "address": None if row.address is None else str(row.address),
        "current": row.current,
        **ownership_json(row),
    }
