"""What a model misreads, as people read it: a table, and a page of pictures."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from automl_plan.model.evaluation import ImageResult, Resembled
from automl_plan.model.live import LiveModel
from automl_plan.model.model_types import Problem
from automl_plan.model.predictions import Prediction
from automl_plan.output.documents.models import ModelsEvaluationsWrong
from automl_plan.output.evaluations import misread_text
from automl_plan.output.html.contact_sheet import MOST_SHOWN, contact_sheet
from automl_plan.output.style import PLAIN
from automl_plan.workspace.misread import Misread
from tests.output.golden import matches_golden
from tests.output.scenes import HOSTILE
from tests.output.schema import is_valid

ATTACK = "\"'></style><script>hit()</script><img src=/x onerror=hit()>{{7*7}}{% raise %}"


def image(
    uri: str, labels: tuple[str, ...], wrong: tuple[str, ...], scores: dict[str, float]
) -> ImageResult:
    """One whose labels with a score of at least 0.5 are predicted."""
    return ImageResult(
        uri=uri,
        sha256=f"of {uri}",
        labels=labels,
        predicted=tuple(label for label, score in scores.items() if score >= 0.5),
        wrong=wrong,
        scores=tuple(Prediction(*pair) for pair in scores.items()),
        nearest=(
            Resembled("photos/dog/1.jpg", "1" * 64, ("dog",), 0.98765),
            Resembled(f"photos/{labels}.jpg", f"near {uri}", labels, -0.01),
        ),
    )


ONE_LABEL = Misread(
    179,
    None,
    (
        image("photos/cat/7.jpg", ("cat",), ("dog",), {"dog": 0.9312, "cat": 0.05}),
        image(f"photos/{HOSTILE}.jpg", (HOSTILE,), ("dog",), {"dog": 0.5, HOSTILE: 0.25}),
    ),
)
SEVERAL_LABELS = Misread(
    1,
    HOSTILE,
    (
        image(
            "gs://bucket/7.jpg",
            ("cat", HOSTILE),
            ("dog", HOSTILE),
            {"dog": 0.93, "cat": 0.75, HOSTILE: 0.02},
        ),
    ),
)


def model(name: str) -> LiveModel:
    return LiveModel(name, name, name, Problem.IMAGE_CLASSIFICATION)


MODEL = model("pets")


def test_tables() -> None:
    shown = [
        misread_text(f"pets {HOSTILE}", each, PLAIN)
        for each in (ONE_LABEL, SEVERAL_LABELS, Misread(1_179, "cat", ()), Misread(9, None, ()))
    ]
    assert matches_golden("evaluations-misread", "\n".join(shown))


def test_json() -> None:
    for each in (ONE_LABEL, SEVERAL_LABELS, Misread(9, None, ())):
        assert is_valid("models-evaluations-wrong", ModelsEvaluationsWrong.of("ICN1", each))


def test_how_sure_a_mistake_is() -> None:
    sure = [each.sureness for each in (*ONE_LABEL.images, *SEVERAL_LABELS.images)]
    assert sure == [0.9312, 0.5, 0.98]
    right = image("x", ("cat",), (), {"cat": 0.9})
    assert (right.sureness, right.concerns("cat")) == (0.0, False)
    (several,) = SEVERAL_LABELS.images
    assert [several.concerns(label) for label in ("cat", "dog", HOSTILE)] == [False, True, True]
    assert [ONE_LABEL.images[0].concerns(each) for each in ("cat", "dog")] == [True, True]


class Read(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.sources: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", [ATTACK, HOSTILE, "'", "<b>", "&amp;", "\u202e"])
def test_names_stay_text(name: str) -> None:
    """Whatever they are the page is built of the same tags, and asks for nothing."""
    pages = []
    for each in ("plain", name):
        found = image(each, (each,), (f"{each}!",), {f"{each}!": 0.9, each: 0.1})
        pictures = {found.sha256: b"\x89PNG 1", "1" * 64: b"\xff\xd8\xff"}
        page = contact_sheet(model(each), each, Misread(3, each, (found,)), pictures)
        pages.append(Read(page))
        style = page[page.index("<style>") :]
        assert style.index("</style>") < style.index("<body>")
    plain, other = pages
    assert other.tags == plain.tags
    assert other.attributes == plain.attributes
    assert "script" not in other.tags
    assert not [n for _, n in other.attributes if n.startswith("on")]
    assert {source.partition(",")[0] for source in other.sources} == {
        "data:",
        "data:image/png;base64",
        "data:image/jpeg;base64",
    }
    if name.isprintable():
        assert other.text.count(name) >= 5


def test_the_page_allows_nothing_but_its_own_style() -> None:
    page = contact_sheet(MODEL, "local:p", SEVERAL_LABELS, {})
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    allowed = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert "script-src" not in allowed
    assert page.count('class="gone"') == 3
    text = re.sub(r"\s+", " ", Read(page).text)
    assert "read as: dog 0.9300, not " in text


def test_a_page_has_so_many_images() -> None:
    many = Misread(1_000, None, SEVERAL_LABELS.images * (MOST_SHOWN + 2))
    page = contact_sheet(MODEL, "local:p", many, {})
    assert page.count("<article") == MOST_SHOWN
    assert "2 more images not shown" in page
