"""What is kept of the TEST images of a model: what it predicts, what is wrong of that, scores."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from automl_plan.emulator.tested_images import ImageResult, Resembled, image_results
from automl_plan.emulator.training import types

LABELS = tuple("abcdefgh")
SCORES = st.lists(st.floats(0, 1), min_size=len(LABELS), max_size=len(LABELS))


def example(name: str, labels: tuple[str, ...]) -> types.Example:
    return types.Example(f"images/{name}.png", Path(), types.SetName.TEST, labels, (), name)


def kept(labels: tuple[str, ...], scores: tuple[float, ...], *, multilabel: bool) -> ImageResult:
    """Of one TEST image with these labels; a TRAIN image resembles it."""
    job = types.TrainingJob(
        problem=types.Problem.IMAGE_CLASSIFICATION,
        multilabel=multilabel,
        model_type="cloud",
        budget_milli_node_hours=8000,
        labels=LABELS,
        examples=(example("train", ("a",)), example("test", labels)),
        seed=1,
    )
    tested = types.TestedImage("test", scores, (("train", 0.9876),))
    (found,) = image_results(job, types.TrainingResult(b"", 1, "", 1.0, (), (tested,)))
    assert found.nearest == (Resembled("images/train.png", "train", ("a",), 0.9876),)
    return found


def test_one_label() -> None:
    scores = (0.3, 0.35, 0.05, 0.04, 0.06, 0.1, 0.08, 0.02)
    found = kept(("h",), scores, multilabel=False)
    assert (found.labels, found.predicted, found.wrong) == (("h",), ("b",), ("b",))
    assert [label for label, _ in found.scores] == ["b", "a", "f", "g", "e", "h"]
    assert kept(("b",), scores, multilabel=False).wrong == ()


def test_several_labels() -> None:
    scores = (0.9, 0.5, 0.49, 0.0, 0.0, 0.0, 0.0, 0.1)
    found = kept(("a", "c", "h"), scores, multilabel=True)
    assert (found.predicted, found.wrong) == (("a", "b"), ("b", "c", "h"))
    assert kept(("a", "b"), scores, multilabel=True).wrong == ()
    assert kept((), (0.0,) * 8, multilabel=True).wrong == ()


@given(st.sets(st.sampled_from(LABELS), min_size=1), SCORES, st.booleans())
def test_of_any_image(labels: set[str], given_scores: list[float], multilabel: bool) -> None:
    true = tuple(sorted(labels))
    found = kept(true, tuple(given_scores), multilabel=multilabel)
    scores = dict(zip(LABELS, given_scores, strict=True))
    if multilabel:
        assert {*found.predicted} == {label for label in LABELS if scores[label] >= 0.5}
        assert {*found.wrong} == {*found.predicted} ^ labels
    else:
        (best,) = found.predicted
        assert scores[best] == max(given_scores)
        assert found.wrong == (() if best in labels else (best,))
    known = [label for label, _ in found.scores]
    assert {*found.labels, *found.predicted, *found.wrong} <= {*known}
    assert len({*known}) == len(known) <= 5 + len(labels) + len(found.predicted)
    assert known == sorted(known, key=lambda label: -scores[label])
