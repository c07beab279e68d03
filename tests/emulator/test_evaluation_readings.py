"""What evaluations report under each reading, on both fronts: the same model every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.emulator.walk import take

Entries = list[dict[str, Any]]
Told = tuple[Entries, Entries]
"""The metrics of AutoML v1's evaluations (overall first), and of Vertex AI's."""
KINDS = ("truePositive", "falsePositive", "falseNegative", "trueNegative")
COUNTS = {f"{name}Count" for name in KINDS}
SHARES = {"confidenceThreshold", "precision", "recall"}


def messages(value: Any) -> Iterator[dict[str, Any]]:
    """All evaluations and slices in an answer."""
    if isinstance(value, list):
        for each in value:
            yield from messages(each)
    elif isinstance(value, dict):
        if "metrics" in value or "classificationEvaluationMetrics" in value:
            yield value
        for each in value.values():
            yield from messages(each)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Entries, Entries]]:
    known: dict[tuple[tuple[str, str], ...], tuple[Entries, Entries]] = {}

    def of(**readings: str) -> tuple[Entries, Entries]:
        key = tuple((f"evaluation-{k.replace('_', '-')}", v) for k, v in readings.items())
        if key not in known:
            answers = take(tmp_path_factory.mktemp("readings"), dict(key))
            automl: Entries = []
            vertex: Entries = []
            for asked, _, content in answers["automl"]:
                if "/modelEvaluations" in asked:
                    automl += messages(json.loads(content))
            for asked, _, content in answers["vertex"]:
                if "/evaluations" in asked:
                    vertex += messages(json.loads(content))
            assert len(automl) >= 3
            assert len(vertex) >= 3
            known[key] = automl, vertex
        return known[key]

    return of


def metrics(evaluation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        evaluation.get("metrics") or evaluation["classificationEvaluationMetrics"]
    )
    return found


def entries(evaluations: Entries) -> Entries:
    lists = (
        each
        for evaluation in evaluations
        for name, each in metrics(evaluation).items()
        if name.startswith("confidenceMetrics")
    )
    return [entry for each in lists for entry in each]


def test_by_default_as_google_printed_them(told: Callable[..., Told]) -> None:
    automl, vertex = told()
    for evaluations in (automl, vertex):
        assert {name for entry in entries(evaluations) for name in entry} == SHARES
        first = entries(evaluations)[0]
        assert first.keys() == {"precision", "recall"}  # its threshold is 0
        assert "confusionMatrix" in metrics(evaluations[0])
    overall, *labels = automl
    assert "evaluatedExampleCount" in overall
    assert not any("evaluatedExampleCount" in each for each in labels)
    assert "auRoc" not in metrics(overall)
    assert all("auRoc" in metrics(each) for each in labels)
    assert not any("auRoc" in metrics(each) for each in vertex)


def test_counts_are_texts_and_zeros_are_left_out(told: Callable[..., Told]) -> None:
    for evaluations in told(counts="present"):
        found = entries(evaluations)
        assert all(COUNTS & entry.keys() for entry in found)
        for entry in found:
            counts = [entry[name] for name in COUNTS & entry.keys()]
            assert all(isinstance(count, str) and int(count) > 0 for count in counts)


def test_zeros_of_what_is_measured_and_of_what_is_not(told: Callable[..., Told]) -> None:
    for evaluations in told(zeros="present"):
        assert all(entry.keys() == SHARES for entry in entries(evaluations))
    for evaluations in told(zeros="present-for-unset"):
        for entry in entries(evaluations):
            assert [entry[name] for name in COUNTS] == ["0"] * len(COUNTS)
            assert entry["f1Score"] == 0
