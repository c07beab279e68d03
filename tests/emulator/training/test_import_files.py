"""Import files: what is taken, what is left out, and that nothing crashes the reader."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl_plan.emulator.readings import Readings
from automl_plan.emulator.training.import_files import Imported, ImportFailed, read_file
from automl_plan.emulator.training.import_rows import RowReader, json_line, row_rules
from automl_plan.emulator.training.types import Box, Example, Problem, SetName
from tests.depth import times

CLASSIFICATION = Problem.IMAGE_CLASSIFICATION
DETECTION = Problem.IMAGE_OBJECT_DETECTION
READER = RowReader(CLASSIFICATION, multilabel=False, rules=row_rules(Readings(), vertex=False))


def read(
    directory: Path,
    content: str | bytes,
    problem: Problem = CLASSIFICATION,
    *,
    multilabel: bool = False,
    vertex: bool = False,
    name: str = "data.csv",
    **readings: str,
) -> Imported:
    """Import a file; images are what the directory holds."""
    octets = content.encode() if isinstance(content, str) else content
    (directory / name).write_bytes(octets)

    def resolve(uri: str) -> Path:
        path = directory / Path(uri).name
        if "\0" in uri or not path.is_file():
            raise ImportFailed(f"{uri}: There is no such file.")
        return path

    rules = row_rules(
        Readings({k.replace("_", "-"): v for k, v in readings.items()}), vertex=vertex
    )
    return read_file(f"gs://folder/{name}", RowReader(problem, multilabel, rules), resolve)


def failed(directory: Path, row: str, problem: Problem = CLASSIFICATION) -> str:
    """Why AutoML leaves out a row as its documentation says, among good ones."""
    good = "TRAIN,one.png,a\nTRAIN,two.png,b\n"
    if problem is DETECTION:
        good = "TRAIN,one.png,,,,,,,,,\nTRAIN,two.png,,,,,,,,,\n"
    (failure,) = read(
        directory, good + row, problem, import_labels="documented", automl_box_sets="required"
    ).failures
    start = "gs://folder/data.csv line 3: "
    assert failure.startswith(start)
    return failure.removeprefix(start)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A directory of files that are named, and hashed, as images are."""
    for name in ("one.png", "two.png", "three.JPG", "four.tiff"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "one_again.png").write_bytes(b"one.png")
    (tmp_path / "empty.png").write_bytes(b"")
    return tmp_path


def test_classification_rows(images: Path) -> None:
    rows = (
        "TRAIN,gs://folder/one.png,daisy\n"
        "TEST,gs://folder/two.png,dandelion,tulip,,tulip\n"
        "gs://folder/three.JPG,daisy\r\n"
        "\n"
        ",gs://folder/four.tiff\n"
    )
    found = read(images, rows, multilabel=True)
    assert found.failures == ()
    one, two, three, four = found.examples
    content = hashlib.sha256(b"one.png").hexdigest()
    path = images / "one.png"
    assert one == Example("gs://folder/one.png", path, SetName.TRAIN, ("daisy",), (), content)
    assert (two.set, two.labels) == (SetName.TEST, ("dandelion", "tulip"))
    assert (three.set, three.labels) == (SetName.UNASSIGNED, ("daisy",))
    assert (four.set, four.labels) == (SetName.UNASSIGNED, ())


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("TRAIN", SetName.TRAIN),
        ("TRAINING", SetName.TRAIN),
        ("VALIDATE", SetName.VALIDATION),
        ("VALIDATION", SetName.VALIDATION),
        ("TEST", SetName.TEST),
        ("UNASSIGNED", SetName.UNASSIGNED),
    ],
)
def test_spellings_of_ml_use(images: Path, spelling: str, expected: SetName) -> None:
    (example,) = read(images, f"{spelling},one.png,a").examples
    assert example.set is expected
    (example,) = read(images, f"{spelling},one.png,,,,,,,,,", DETECTION).examples
    assert example.set is expected


def test_detection_rows(images: Path) -> None:
    rows = (
        "TRAIN,one.png,car,0.1,0.1,,,0.3,0.3,,\n"
        "TRAIN,one.png,bike,.7,.6,,,.8,.9,,\n"
        "UNASSIGNED,two.png,car,0.1,0.1,0.2,0.1,0.2,0.3,0.1,0.3\n"
        "VALIDATE,two.png,car,1,1.0,,,0,0,,\n"
        "TEST,three.JPG,,,,,,,,,\n"
    )
    found = read(images, rows, DETECTION)
    assert found.failures == ()
    one, two, three = found.examples
    assert one.boxes == (Box("car", 0.1, 0.1, 0.3, 0.3), Box("bike", 0.7, 0.6, 0.8, 0.9))
    assert two.boxes == (Box("car", 0.1, 0.1, 0.2, 0.3), Box("car", 0.0, 0.0, 1.0, 1.0))
    assert two.set is SetName.UNASSIGNED
    assert (three.set, three.labels, three.boxes) == (SetName.TEST, (), ())


@pytest.mark.parametrize("vertex", [False, True])
def test_detection_rows_without_a_set(images: Path, vertex: bool) -> None:
    """As Vertex AI's page has them, and AutoML's console."""
    rows = (
        "one.png,car,0.1,0.1,,,0.3,0.3,,\n"
        ",two.png,car,0.1,0.1,,,0.3,0.3,,\n"
        "three.JPG\n"
        "validation,four.tiff,,,,,,,,,\n".replace("four.tiff", "one_again.png")
    )
    found = read(images, rows, DETECTION, vertex=vertex)
    assert found.failures == ()
    assert [(each.set, len(each.boxes)) for each in found.examples] == [
        (SetName.UNASSIGNED, 1),
        (SetName.UNASSIGNED, 1),
        (SetName.UNASSIGNED, 0),
    ]
    assert "fields instead of 11" in failed(images, "three.JPG", DETECTION)


def test_labels_that_were_taken(images: Path) -> None:
    rows = f"TRAIN,one.png,Baked goods\nTRAIN,two.png,{'ä' * 128}\nTRAIN,three.JPG,{'a' * 129}\n"
    for vertex in (False, True):
        found = read(images, rows, vertex=vertex)
        assert [each.labels for each in found.examples] == [("Baked goods",), ("ä" * 128,)]
        assert "not made of 1 to 128 characters" in found.failures[0]


def test_what_vertex_ai_takes_of_boxes(images: Path) -> None:
    """Any four vertices, BMP and ICO, URIs without an extension."""
    (images / "bare").write_bytes(b"bare")
    rows = "one.png,cat,0,0,1,0,1,1,0.5,1\nfour.tiff\na/bare\n"
    found = read(images, rows, DETECTION, vertex=True)
    assert found.failures == ()
    assert found.examples[0].boxes == (Box("cat", 0, 0, 1, 1),)
    with pytest.raises(ImportFailed, match="3 of 3 rows"):
        read(images, rows, DETECTION)


JSON_LINES = {
    ("classificationAnnotation", False): (
        (
            '{"imageGcsUri":"one.png","classificationAnnotation":{"displayName":"a b",'
            '"annotationResourceLabels":{"x":"y"}},"dataItemResourceLabels":'
            '{"aiplatform.googleapis.com/ml_use":"training"}}\n\n{"imageGcsUri":"two.png"}\n'
        ),
        "TRAIN,one.png,a b\ntwo.png\n",
    ),
    ("classificationAnnotations", True): (
        (
            '{"imageGcsUri":"one.png","classificationAnnotations":[{"displayName":"a"},'
            '{"displayName":"b"}]}\n{"imageGcsUri":"two.png","classificationAnnotations":[]}\n'
        ),
        "one.png,a,b\ntwo.png\n",
    ),
    ("boundingBoxAnnotations", False): (
        (
            '{"imageGcsUri":"one.png","boundingBoxAnnotations":[{"displayName":"a","xMin":0.1,'
            '"xMax":0.5,"yMax":1},{"displayName":"b","xMin":0.1,"xMax":0.5,"yMin":0.2,"yMax":1}]}\n'
            '{"imageGcsUri":"two.png"}\n'
        ),
        "one.png,a,0.1,0,,,0.5,1,,\none.png,b,0.1,0.2,,,0.5,1,,\ntwo.png\n",
    ),
}


@pytest.mark.parametrize("kind", JSON_LINES)
def test_json_lines_and_a_csv_are_the_same_examples(images: Path, kind: tuple[str, bool]) -> None:
    key, multilabel = kind
    lines, rows = JSON_LINES[kind]
    problem = DETECTION if key.startswith("bounding") else CLASSIFICATION
    both = [
        read(images, text, problem, multilabel=multilabel, vertex=True, name=name)
        for name, text in (("data.jsonl", lines), ("data.csv", rows))
    ]
    assert both[0] == both[1]
    assert both[0].failures == ()
    written = "".join(json_line(e, problem, multilabel=multilabel) for e in both[0].examples)
    again = read(images, written, problem, multilabel=multilabel, vertex=True, name="data.jsonl")
    assert again.examples == both[0].examples
    with pytest.raises(ImportFailed, match=r"ends in \.csv"):
        read(images, lines, problem, multilabel=multilabel, name="data.jsonl")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "The line is no JSON object."),
        ("[" * 100_000, "The line is no JSON object."),
        ('{"image": "one.png"}', "no JSON object with imageGcsUri"),
        ('{"imageGcsUri": "three.JPG", "classificationAnnotations": []}', "has other annotations"),
        ('{"imageGcsUri": "three.JPG", "classificationAnnotation": 1}', "is no JSON object"),
        ('{"imageGcsUri": "three.JPG", "classificationAnnotation": {"displayName": 1}}', "no text"),
        (
            (
                '{"imageGcsUri": "three.JPG", "dataItemResourceLabels": '
                '{"aiplatform.googleapis.com/ml_use": "trian"}}'
            ),
            "'trian' is not one of TRAIN",
        ),
    ],
)
def test_bad_lines_of_json(images: Path, line: str, reason: str) -> None:
    good = '{"imageGcsUri": "one.png"}\n{"imageGcsUri": "two.png"}\n'
    (failure,) = read(images, good + line, vertex=True, name="data.jsonl").failures
    assert failure.startswith("gs://folder/data.jsonl line 3: ")
    assert reason in failure


def test_equal_content_counts_once(images: Path) -> None:
    rows = "TEST,one_again.png,a\nTRAIN,one.png,b\nTRAIN,one.png\nTRAIN,two.png,a\n"
    one, two = read(images, rows, multilabel=True).examples
    assert (one.uri, one.set, one.labels) == ("one_again.png", SetName.TEST, ("a", "b"))
    assert two.uri == "two.png"


def test_a_repeated_label_is_reported_but_no_reason_to_stop(images: Path) -> None:
    found = read(images, "TRAIN,one.png,a\n" * 3)
    assert len(found.examples) == 1
    assert found.failures == (
        "gs://folder/data.csv line 2: The label is already a ground truth.",
        "gs://folder/data.csv line 3: The label is already a ground truth.",
    )


def test_a_second_label_of_equal_content_is_refused_when_multiclass(images: Path) -> None:
    assert failed(images, "TRAIN,one_again.png,b") == "The image already has the label a."


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("TRAIN,one.png,a,b", "has 2 labels, but in a MULTICLASS dataset"),
        ("TRAIN,one.png,with space", "The label 'with space' is not made of"),
        ("TRAIN,one.png," + "a" * 33, "is not made of 1 to 32 characters"),
        ("TRAIN,one.png,ä", "The label 'ä' is not made of"),
        ("TRAIN,absent.png,a", "absent.png: There is no such file."),
        ("TRAIN,empty.png,a", "empty.png: The image is empty."),
        ("TRAIN,data.csv,a", "'data.csv' doesn't end as an image does: .bmp, .gif"),
        ("TRAIN", "The row names no image."),
        ("TRAIN,,a", "The row names no image."),
        ("trained,one.png,a", "'trained' is neither one of TRAIN, TRAINING,"),
        ("ML_USE,path,label", "'ML_USE' is neither one of TRAIN, TRAINING,"),
    ],
)
def test_bad_classification_rows(images: Path, row: str, reason: str) -> None:
    assert reason in failed(images, row)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("one.png,car,0.1,0.1,,,0.3,0.3,,", "The row has 10 fields instead of 11."),
        (",one.png,car,0.1,0.1,,,0.3,0.3,,", "'' is not one of TRAIN"),
        ("TRAIN,four.tiff,,,,,,,,,", "'four.tiff' doesn't end as an image does"),
        ("TRAIN,one.png,,0.1,0.1,,,0.3,0.3,,", "The box has no label."),
        ("TRAIN,one.png,car,,,,,,,,", "The coordinate '' is not a number"),
        ("TRAIN,one.png,car,0.1,0.1,,,1.3,0.3,,", "The coordinate '1.3' is not a number from"),
        ("TRAIN,one.png,car,nan,0.1,,,0.3,0.3,,", "The coordinate 'nan' is not a number"),
        ("TRAIN,one.png,car,0.1,0.1,,,0.1_1,0.3,,", "The coordinate '0.1_1' is not"),
        ("TRAIN,one.png,car,0.1,0.1,,,0.105,0.3,,", "shorter than 0.01 of the image's side"),
        ("TRAIN,one.png,car,0,0,1,0,1,1,0.5,1", "not the corners of an upright rectangle"),
        ("TRAIN,one.png,car,0.1,0.1,0.2,,0.3,0.3,,", "The coordinate '' is not a number"),
    ],
)
def test_bad_detection_rows(images: Path, row: str, reason: str) -> None:
    assert reason in failed(images, row, DETECTION)


def test_an_edge_of_exactly_a_hundredth_is_long_enough(images: Path) -> None:
    (example,) = read(images, "TRAIN,one.png,car,0.3,0.3,,,0.31,0.31,,", DETECTION).examples
    assert example.boxes == (Box("car", 0.3, 0.3, 0.31, 0.31),)


def test_an_image_has_at_most_500_boxes(images: Path) -> None:
    rows = "".join(f"TRAIN,one.png,car,0,{n / 1000},,,1,1,,\n" for n in range(501))
    found = read(images, rows, DETECTION)
    assert len(found.examples[0].boxes) == 500
    assert found.failures == ("gs://folder/data.csv line 501: The image already has 500 boxes.",)


def test_lines_are_those_on_which_rows_begin(images: Path) -> None:
    rows = '\n"TRAIN",one.png,a\nTRAIN,"two\n.png",b\nTRAIN,absent.png,a\nTRAIN,two.png,b\n'
    found = read(images, rows)
    assert [text.split(":")[1] for text in found.failures] == [
        "//folder/data.csv line 3",
        "//folder/data.csv line 5",
    ]


def test_half_of_the_rows_may_be_bad_but_no_more(images: Path) -> None:
    good, bad = "TRAIN,one.png,a\nTRAIN,two.png,a\n", "TRAIN,absent.png,a\n"
    assert len(read(images, good + bad * 2).failures) == 2
    with pytest.raises(ImportFailed) as caught:
        read(images, good + bad * 3)
    assert str(caught.value) == (
        "ImportData stopped due to too many errors. 3 of 5 rows are bad; the first: "
        "gs://folder/data.csv line 3: absent.png: There is no such file."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"TRAIN,\xff.png,a", "gs://folder/data.csv: The file is not UTF-8 text."),
        (b'TRAIN,"one.png,a', "gs://folder/data.csv line 1: unexpected end of data."),
        (b"TRAIN," + b"x" * 200_000, "gs://folder/data.csv line 1: field larger than"),
        (b"", "gs://folder/data.csv: The file names no images."),
        (b"\n\n", "gs://folder/data.csv: The file names no images."),
    ],
)
def test_unreadable_files(images: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ImportFailed) as caught:
        read(images, content)
    assert str(caught.value).startswith(reason)


def test_files_that_are_too_large(images: Path) -> None:
    with (images / "large.csv").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(
        ImportFailed, match=r"^large\.csv: An import file has at most 100000000 byt"
    ):
        read_file("large.csv", READER, lambda uri: images / uri)
    with (images / "large.png").open("wb") as file:
        file.truncate(30_000_001)
    assert failed(images, "TRAIN,large.png,a") == (
        "large.png: An image has at most 30000000 bytes."
    )


def test_a_byte_order_mark_is_no_part_of_the_first_row(images: Path) -> None:
    (example,) = read(images, b"\xef\xbb\xbfTRAIN,one.png,a").examples
    assert example.set is SetName.TRAIN


def test_a_file_that_is_not_there_or_no_csv(images: Path) -> None:
    for uri, reason in (("data.txt", "ends in .csv"), ("absent.csv", "No such file")):
        with pytest.raises(ImportFailed, match=reason):
            read_file(uri, READER, lambda uri: images / uri)


_FIELD = st.one_of(
    st.sampled_from(["TRAIN", "TEST", "", "one.png", "two.png", "absent.png", "a", "b"]),
    st.sampled_from(["0.1", ".5", "1", "1e-1", "nan", "-1"]),
    st.text(max_size=6),
)
_CONTENT = st.one_of(
    st.binary(max_size=200),
    st.lists(st.lists(_FIELD, max_size=12), max_size=8).map(
        lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
    ),
)


@given(_CONTENT, st.sampled_from(Problem), st.booleans())
@settings(max_examples=times(150, 900), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_the_file_nothing_crashes(
    images: Path, content: bytes, problem: Problem, multilabel: bool
) -> None:
    try:
        found = read(images, content, problem, multilabel=multilabel)
    except ImportFailed:
        return
    contents = [example.content for example in found.examples]
    assert len(contents) == len(set(contents))
    for example in found.examples:
        assert multilabel or len(example.labels) <= 1
        for box in example.boxes:
            assert 0 <= box.x_min < box.x_max <= 1
            assert 0 <= box.y_min < box.y_max <= 1
    for failure in found.failures:
        assert failure.startswith("gs://folder/data.csv line ")
