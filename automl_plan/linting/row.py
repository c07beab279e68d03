"""One row, field by field: what is wrong with it, and what it says where nothing is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from automl_plan.linting.findings import quoted
from automl_plan.linting.kinds import FIELDS_OF_BOX_ROWS, NUMBER, Kind, has_box
from automl_plan.linting.limits import ROUNDING, SHORTEST_EDGE
from automl_plan.linting.rules import REFUSED
from automl_plan.linting.words import (
    SPELLINGS,
    USES,
    bucket_of,
    extension,
    label_fault,
    path_fault,
)


class Row(Struct):
    """What a row says, and its faults: a rule, the field from 0, and words."""

    use: str = "UNASSIGNED"
    path: str = ""
    labels: tuple[str, ...] = ()
    faults: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether the service does not take it."""
        return any(rule in REFUSED for rule, _, _ in self.faults)


def is_header(fields: Sequence[str]) -> bool:
    """Whether a first row names columns: no set, no image, only words."""
    return fields[0].upper() not in SPELLINGS and not any(
        "/" in each or "." in each for each in fields
    )


def read_row(fields: Sequence[str], kind: Kind, bucket: str | None) -> Row:
    """A row; `bucket` is that of its CSV, None for a file."""
    row = Row()
    if kind is Kind.DETECTION:
        _read_box(row, fields)
        place = 1
    else:
        place = _read_labels(row, fields, kind)
    if place < len(fields):
        _check_path(row, place, kind, bucket)
    return row


def _read_labels(row: Row, fields: Sequence[str], kind: Kind) -> int:
    """`ML_USE,PATH,LABEL,…`, where the first column may be left out; the path's place."""
    place = _use(row, fields)
    if place >= len(fields) or not fields[place]:
        row.faults.append(("no-image", place, "the row names no image"))
        return len(fields)
    row.path = fields[place]
    if has_box(fields) and any(fields[2:]):
        row.faults.append(("row-shape", 0, "the row has a box, but this is classification"))
        return place
    labels = []
    for at, label in enumerate(fields[place + 1 :], place + 1):
        if label:
            _label(row, label, at)
            labels.append(label)
    if kind is Kind.MULTICLASS and len(labels) > 1:
        row.faults.append(("several-labels", place + 2, f"the image has {len(labels)} labels"))
    row.labels = tuple(labels)
    return place


def _use(row: Row, fields: Sequence[str]) -> int:
    """Read ML_USE; the place of the path."""
    written = fields[0]
    use = USES.get(written)
    if use is None and written.upper() in SPELLINGS:
        use = SPELLINGS[written.upper()]
        message = f"{quoted(written)} is not how the API spells {use}"
        row.faults.append(("ml-use-spelling", 0, message))
    if use is not None:
        row.use = use
        return 1
    if written == "":
        return 1
    second = fields[1] if len(fields) > 1 else ""
    looks_like_path = extension(written) or "/" in written
    if not looks_like_path and (extension(second) or second.startswith("gs://")):
        row.faults.append(("ml-use", 0, f"{quoted(written)} is none of {', '.join(USES)}"))
        return 1
    return 0


def _read_box(row: Row, fields: Sequence[str]) -> None:
    """`ML_USE,PATH,[LABEL],BOX`; a box is eight fields, all empty when there is no object."""
    if len(fields) != FIELDS_OF_BOX_ROWS:
        message = f"the row has {len(fields)} fields instead of {FIELDS_OF_BOX_ROWS}"
        row.faults.append(("row-shape", 0, message))
        row.path = fields[1] if len(fields) > 1 else ""
        return
    use = SPELLINGS.get(fields[0].upper())
    if use is None:
        row.faults.append(("ml-use", 0, f"{quoted(fields[0])} is none of {', '.join(USES)}"))
    else:
        _use(row, fields)
    row.path, label, corners = fields[1], fields[2], fields[3:]
    if not row.path:
        row.faults.append(("no-image", 1, "the row names no image"))
    if label:
        _label(row, label, 2)
        row.labels = (label,)
    if bool(label) != any(corners):
        what = "the label has no box" if label else "the box has no label"
        row.faults.append(("box-label", 2, what))
    if any(corners):
        _check_box(row, corners)


def _check_box(row: Row, corners: Sequence[str]) -> None:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    opposite = points[1] == points[3] == ("", "")
    given = [0, 2] if opposite else [0, 1, 2, 3]
    numbers: list[tuple[float, float]] = []
    for place in given:
        for side, text in enumerate(points[place]):
            at = 3 + 2 * place + side
            if text == "":
                row.faults.append(("box-vertices", at, "a vertex has no coordinate"))
                return
            if not NUMBER.fullmatch(text) or float(text) > 1:
                message = f"the coordinate {quoted(text)} is not a number from 0 to 1"
                row.faults.append(("box-coordinates", at, message))
                return
        numbers.append((float(points[place][0]), float(points[place][1])))
    xs, ys = {x for x, _ in numbers}, {y for _, y in numbers}
    corners_of_it = {(x, y) for x in xs for y in ys}
    if not opposite and (len(corners_of_it) > 4 or set(numbers) != corners_of_it):
        message = "the four vertices are not the corners of an upright rectangle"
        row.faults.append(("box-vertices", 3, message))
    elif min(max(xs) - min(xs), max(ys) - min(ys)) < SHORTEST_EDGE - ROUNDING:
        message = f"an edge of the box is shorter than {SHORTEST_EDGE} of the image's side"
        row.faults.append(("box-size", 3, message))


def _label(row: Row, label: str, at: int) -> None:
    fault = label_fault(label)
    if fault is not None:
        rule, how = fault
        row.faults.append((rule, at, f"the label {quoted(label)} {how}"))


def _check_path(row: Row, place: int, kind: Kind, bucket: str | None) -> None:
    path = row.path
    if not path or any(rule == "row-shape" for rule, _, _ in row.faults):
        return
    fault = path_fault(path, in_storage=bucket is not None)
    if fault is not None:
        row.faults.append(("image-path", place, f"{quoted(path)} {fault}"))
    elif extension(path) not in kind.extensions:
        message = f"{quoted(path)} does not end as an image of this kind of dataset does"
        row.faults.append(("image-type", place, message))
    elif bucket is not None and bucket_of(path) != bucket:
        message = f"{quoted(path)} lies in another bucket than its CSV"
        row.faults.append(("bucket-mismatch", place, message))
