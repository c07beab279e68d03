"""The defects: each puts something wrong into clean rows, and says what should be told of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.row_checks import SETS
from tests.data.proof.case import BUCKET, LABELS, Case, box


class Defect(Struct, frozen=True):
    """One way to break a rule."""

    rule: str
    kinds: Collection[DatasetKind]
    put: Callable[[Case], None]


DEFECTS: list[Defect] = []
"""At least one of each rule that is not about images."""
ALL = tuple(DatasetKind)
_CLASSES = (DatasetKind.MULTICLASS, DatasetKind.MULTILABEL)
BOXES = (DatasetKind.DETECTION,)
_Put = Callable[[Case], None]


def _defect(rule: str, kinds: Collection[DatasetKind] = ALL) -> Callable[[_Put], _Put]:
    def register(put: _Put) -> _Put:
        DEFECTS.append(Defect(rule, kinds, put))
        return put

    return register


# -- the file ---------------------------------------------------------------------------------


@_defect("csv-unreadable")
def _missing(case: Case) -> None:
    case.is_there = False
    case.expect("csv-unreadable", -1)


@_defect("csv-name")
def _name(case: Case) -> None:
    case.name = "data.txt"
    case.expect("csv-name", -1)


@_defect("csv-size")
def _size(case: Case) -> None:
    case.limits = replace(case.limits, csv_bytes=1_000)
    case.expect("csv-size", -1)


@_defect("csv-empty")
def _empty(case: Case) -> None:
    case.rows, case.before = [], case.chance.choice((b"", b"\n\n", b"\r\n"))
    case.expect("csv-empty", -1)


@_defect("csv-encoding")
def _encoding(case: Case) -> None:
    for place in case.some():
        case.raw[place] = (
            ",".join(case.rows[place]).replace("images/", "im\xe4ges/").encode("cp1252")
        )
        case.expect("csv-encoding", place)


@_defect("csv-encoding")
def _utf_16(case: Case) -> None:
    case.before = b"\xff\xfe"
    case.expect("csv-encoding", 0)


@_defect("byte-order-mark")
def _mark(case: Case) -> None:
    case.before = b"\xef\xbb\xbf"
    case.expect("byte-order-mark", 0)


@_defect("csv-syntax")
def _syntax(case: Case) -> None:
    for place in case.some():
        use, path, *others = case.rows[place]
        case.raw[place] = ",".join([use, f'"{path}"x', *others]).encode()
        case.expect("csv-syntax", place)


@_defect("csv-syntax")
def _unclosed(case: Case) -> None:
    use, path, *others = case.rows[-1]
    case.raw[len(case.rows) - 1] = ",".join([use, f'"{path}', *others]).encode()
    case.expect("csv-syntax", len(case.rows) - 1)


@_defect("header-line")
def _header(case: Case) -> None:
    case.rows.insert(0, ["ml_use", "image", "label"])
    case.expect("header-line", 0)


@_defect("header-line")
def _comments(case: Case) -> None:
    before = (["# made by a.py"], ["#!a", "b"], ["sep=", ""], ["sep=;"], ["", "ml_use", "path"])
    chosen = case.chance.sample(before, case.chance.randint(1, 3))
    for place, line in enumerate(chosen):
        case.rows.insert(place, list(line))
        case.expect("header-line", place)


@_defect("csv-delimiter")
def _delimiter(case: Case) -> None:
    for place in case.some():
        delimiter = case.chance.choice((";", "\t", "|", ";"))
        fields = case.rows[place]
        if case.chance.random() < 0.3:
            fields = [f'"{field}"' for field in fields]
        case.raw[place] = delimiter.join(fields).encode()
        case.expect("csv-delimiter", place)


def _into_json(case: Case) -> str:
    """Write the rows as JSON Lines, and return the key of their annotations."""
    key = {
        DatasetKind.MULTICLASS: "classificationAnnotation",
        DatasetKind.MULTILABEL: "classificationAnnotations",
        DatasetKind.DETECTION: "boundingBoxAnnotations",
    }[case.kind]
    case.name = "data.jsonl"
    for place, (use, path, *labels) in enumerate(case.rows):
        found: list[dict[str, object]] = [{"displayName": label} for label in labels]
        if case.kind is DatasetKind.DETECTION:
            x0, y0, _, _, x1, y1, *_ = labels[1:]
            corners = {"xMin": float(x0), "yMin": float(y0), "xMax": float(x1), "yMax": float(y1)}
            found = [{"displayName": labels[0], **corners}]
        several = case.kind is not DatasetKind.MULTICLASS
        sets = {"aiplatform.googleapis.com/ml_use": use.lower()}
        line = {"imageGcsUri": path, "dataItemResourceLabels": sets}
        line[key] = found if several else found[0]  # type: ignore[assignment]
        case.raw[place] = json.dumps(line).encode()
    return key


@_defect("json-line")
def _broken_json(case: Case) -> None:
    key = _into_json(case)
    for place in case.some():
        line = case.raw[place]
        other = case.chance.choice((b"classification", key.encode() + b"s", b"boxes"))
        broken = (line[:-1], line.replace(key.encode(), other), b"[1]", b"TRAIN,a.png,cat")
        case.raw[place] = case.chance.choice(broken)
        case.expect("json-line", place)


@_defect("json-annotations", _CLASSES)
def _other_schema(case: Case) -> None:
    key = _into_json(case)
    for place in case.some():
        line = json.loads(case.raw[place])
        found = line.pop(key)
        if case.kind is DatasetKind.MULTILABEL:
            line["classificationAnnotation"] = found[0]
        else:
            line["classificationAnnotations"] = [found]
        case.raw[place] = json.dumps(line).encode()
        case.expect("json-annotations", place)


# -- the row ----------------------------------------------------------------------------------


@_defect("row-shape", BOXES)
def _too_short(case: Case) -> None:
    for place in case.some():
        del case.rows[place][case.chance.randint(3, 10) :]
        case.expect("row-shape", place)


@_defect("row-shape", _CLASSES)
def _a_box(case: Case) -> None:
    for place in case.some():
        case.rows[place] = [*case.rows[place][:3], *box(case.chance)]
        case.expect("row-shape", place)


@_defect("ml-use")
def _use(case: Case) -> None:
    for place in case.some():
        case.rows[place][0] = case.chance.choice(("TRIAN", "VAL", "dev", "0"))
        case.expect("ml-use", place)


@_defect("set-documented", BOXES)
def _no_use(case: Case) -> None:
    for place in case.some():
        case.rows[place][0] = ""
        case.expect("set-documented", place)


@_defect("index-column")
def _index(case: Case) -> None:
    for place in case.some():
        case.rows[place].insert(0, str(place))
        case.expect("index-column", place)


@_defect("ml-use-spelling")
def _spelling(case: Case) -> None:
    for place in case.some():
        use = case.rows[place][0]
        others = {"TRAIN": ("TRAINING", "train", "training"), "TEST": ("test", "Test")}
        case.rows[place][0] = case.chance.choice(others.get(use, ("validation", "validate")))
        case.expect("ml-use-spelling", place)


@_defect("no-image")
def _no_path(case: Case) -> None:
    for place in case.some():
        case.rows[place][1] = ""
        case.expect("no-image", place)


@_defect("image-path")
def _path(case: Case) -> None:
    bad = ("/etc/a.jpg", "../a.jpg", "gs://bucket.jpg", "s3://b/a.jpg", " a b.jpg", "a\x07.jpg")
    for place in case.some():
        case.rows[place][1] = case.chance.choice(bad)
        case.expect("image-path", place)


@_defect("image-path")
def _local_path(case: Case) -> None:
    _into_storage(case)
    for place in case.some():
        case.rows[place][1] = f"images/x{place}.jpg"
        case.expect("image-path", place)


@_defect("bucket-mismatch")
def _bucket(case: Case) -> None:
    _into_storage(case)
    for place in case.some():
        case.rows[place][1] = f"gs://another/images/x{place}.jpg"
        case.expect("bucket-mismatch", place)


def _into_storage(case: Case) -> None:
    case.name = f"gs://{BUCKET}/{case.name}"
    for row in case.rows:
        if not row[1].startswith("gs://"):
            row[1] = f"gs://{BUCKET}/{row[1]}"


@_defect("image-type")
def _type(case: Case) -> None:
    bad = ("pdf", "txt", "svg", *(("webp", "bmp") if case.kind is DatasetKind.DETECTION else ()))
    for place in case.some():
        case.rows[place][1] = f"images/x{place}.{case.chance.choice(bad)}"
        case.expect("image-type", place)


@_defect("image-type-documented")
def _other_type(case: Case) -> None:
    forms = replace(case.limits.forms, other_images=frozenset({".webp", ".tif"}))
    case.limits = replace(case.limits, forms=forms)
    for place in case.some():
        case.rows[place][1] = f"images/x{place}.{case.chance.choice(('webp', 'tif', 'WEBP'))}"
        case.expect("image-type-documented", place)


@_defect("label-syntax")
def _label(case: Case) -> None:
    for place in case.some():
        case.rows[place][2] = case.chance.choice(("x" * 129, "big\x07cat", "\x7f"))
        case.expect("label-syntax", place)


@_defect("label-documented")
def _other_label(case: Case) -> None:
    """It is told once."""
    old, new = LABELS[1], case.chance.choice(("big cat", "k\xf6ter", "x" * 33, "cat-1", "a.b"))
    for row in case.rows:
        row[2:] = [new if label == old else label for label in row[2:]]
    case.expect("label-documented", case.first_of(new))


@_defect("label-injection")
def _formula(case: Case) -> None:
    for place in case.some():
        case.rows[place][2] = case.chance.choice(("=1+1", "+cat", "-cat", "@SUM(1)"))
        case.expect("label-injection", place)


@_defect("several-labels", (DatasetKind.MULTICLASS,))
def _several(case: Case) -> None:
    for place in case.some():
        case.rows[place] += [label for label in LABELS if label not in case.rows[place]][:1]
        case.expect("several-labels", place)


@_defect("box-label", BOXES)
def _no_label(case: Case) -> None:
    for place in case.some():
        if case.chance.random() < 0.5:
            case.rows[place][2] = ""
        else:
            case.rows[place][3:] = [""] * 8
        case.expect("box-label", place)


@_defect("box-vertices", BOXES)
def _vertices(case: Case) -> None:
    bad = (
        ["0.1", "0.1", "", "", "0.5", "", "", ""],
        ["0.1", "0.1", "0.5", "0.1", "0.5", "0.5", "0.2", "0.5"],
        ["0.1", "0.1", "0.5", "0.5", "", "", "", ""],
    )
    for place in case.some():
        case.rows[place][3:] = case.chance.choice(bad)
        case.expect("box-vertices", place)


@_defect("box-coordinates", BOXES)
def _coordinates(case: Case) -> None:
    for place in case.some():
        case.rows[place][3] = case.chance.choice(("1.5", "-0.1", "nan", "1e1", "0.5e", "+.1"))
        case.expect("box-coordinates", place)


@_defect("box-size", BOXES)
def _small(case: Case) -> None:
    for place in case.some():
        case.rows[place][3:] = ["0.1", "0.1", "", "", "0.105", "0.5", "", ""]
        case.expect("box-size", place)


# -- the same thing twice ---------------------------------------------------------------------


@_defect("box-count", BOXES)
def _many_boxes(case: Case) -> None:
    place = case.some()[0]
    most = case.limits.boxes_of_an_image
    for number in range(most + case.chance.randint(0, 2)):
        corners = [f"0.{number:03}5", "0.1", "", "", "1.0", "0.9", "", ""]
        case.rows.append([*case.rows[place][:3], *corners])
        if number + 2 == most + 1:
            case.expect("box-count", len(case.rows) - 1)


@_defect("row-repeated")
def _twice(case: Case) -> None:
    for place in case.some():
        case.rows.append(list(case.rows[place]))
        case.expect("row-repeated", len(case.rows) - 1)


@_defect("labels-differ", (DatasetKind.MULTICLASS,))
def _contradiction(case: Case) -> None:
    for place in case.some():
        use, path, label = case.rows[place]
        other = case.chance.choice([each for each in LABELS if each != label])
        case.rows.append([use, path, other])
        case.expect("labels-differ", len(case.rows) - 1)


@_defect("sets-differ")
def _two_sets(case: Case) -> None:
    for place in case.some():
        use, *others = case.rows[place]
        case.rows.append(["TRAIN" if use == "TEST" else "TEST", *others])
        case.expect("sets-differ", len(case.rows) - 1)


# -- the whole --------------------------------------------------------------------------------


@_defect("unlabelled-rows", _CLASSES)
def _unlabelled(case: Case) -> None:
    places = case.some()
    for place in places:
        del case.rows[place][2:]
    case.expect("unlabelled-rows", places[0])


@_defect("label-minimum", _CLASSES)
def _one_label(case: Case) -> None:
    for row in case.rows:
        row[2:] = [LABELS[0]]
    case.expect("label-minimum", 0)


@_defect("label-minimum", BOXES)
def _no_object(case: Case) -> None:
    for row in case.rows:
        row[2:] = [""] * 9
    case.expect("label-minimum", 0)


@_defect("label-quota")
def _many_labels(case: Case) -> None:
    case.limits = replace(case.limits, labels_at_most=len(LABELS) - 1)
    case.expect("label-quota", 0)


@_defect("image-quota")
def _many_images(case: Case) -> None:
    case.limits = replace(case.limits, images_at_most=len(case.rows) - 1)
    case.expect("image-quota", 0)


@_defect("box-quota", BOXES)
def _all_boxes(case: Case) -> None:
    case.limits = replace(case.limits, boxes_at_most=len(case.rows) - 1)
    case.expect("box-quota", 0)


def _rare(case: Case, rule: str, count: int) -> None:
    """Give some rows of each set a rare label, and the other labels as many more."""
    by_set: dict[str, list[list[str]]] = {use: [] for use in SETS}
    for row in case.rows:
        by_set[row[0]].append(row)
    templates = [next(row for row in case.rows if row[2] == label) for label in LABELS]
    more = [
        [*row[:1], f"{row[1].rpartition('/')[0]}/{row[2]}{number}.jpg", *row[2:]]
        for row in templates
        for number in range(count)
    ]
    for number in range(count):
        row = by_set[SETS[number % 3]][number // 3]
        row[2:3] = ["rare"]
        if case.kind is not DatasetKind.DETECTION:
            del row[3:]
    case.rows += more
    case.expect(rule, case.first_of("rare"))
    counts = Counter(label for row in case.rows for label in case.labels(row))
    if max(counts.values()) > case.limits.balance * count:
        case.expect("label-balance", case.first_of("rare"))


@_defect("label-under-10")
def _under_10(case: Case) -> None:
    _rare(case, "label-under-10", case.chance.randint(3, case.limits.few - 1))


@_defect("label-under-100")
def _under_100(case: Case) -> None:
    limits = case.limits
    _rare(case, "label-under-100", case.chance.randint(limits.some // 2, limits.some - 1))


@_defect("label-under-1000")
def _under_1000(case: Case) -> None:
    # Rows of TEST are the fewest, and not all of them may go.
    some = case.limits.some
    _rare(case, "label-under-1000", case.chance.randint(some, some * 3 // 2))


@_defect("label-balance")
def _unbalanced(case: Case) -> None:
    _rare(case, "label-under-100", case.limits.few)


@_defect("set-empty")
def _no_set(case: Case) -> None:
    gone, kept = case.chance.choice((("TEST", "TRAIN"), ("VALIDATION", "TRAIN")))
    for row in case.rows:
        row[0] = kept if row[0] == gone else row[0]
    case.expect("set-empty", 0)


def _not_in(case: Case, gone: str, instead: tuple[str, ...]) -> None:
    label = case.chance.choice(LABELS)
    for row in case.rows:
        if row[0] == gone and label in case.labels(row):
            row[0] = case.chance.choice(instead)
    case.expect(f"label-not-in-{gone.lower()}", case.first_of(label))


@_defect("label-not-in-train")
def _not_in_train(case: Case) -> None:
    _not_in(case, "TRAIN", ("VALIDATION", "TEST"))


@_defect("label-not-in-validation")
def _not_in_validation(case: Case) -> None:
    _not_in(case, "VALIDATION", ("TRAIN",))


@_defect("label-not-in-test")
def _not_in_test(case: Case) -> None:
    _not_in(case, "TEST", ("TRAIN", "VALIDATION"))
