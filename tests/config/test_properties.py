"""What holds for every input."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.config.configuration import Configuration
from automl_plan.config.load import load
from automl_plan.providers.registry import PROVIDERS
from tests.config.cases import CASES
from tests.config.test_load import FULL
from tests.config.test_schema import KEYS, VALUES
from tests.config.writing import GOOD, diagnostics, write


def loaded(files: Mapping[str, str | bytes]) -> Configuration:
    with tempfile.TemporaryDirectory() as directory:
        return load(write(Path(directory), files), PROVIDERS)


def tried(files: Mapping[str, str | bytes], variables: Mapping[str, str] | None = None) -> None:
    """Load; the only failure there may be is one that tells the user all."""
    with tempfile.TemporaryDirectory() as directory:
        found = diagnostics(write(Path(directory), files), variables=variables)
    for d in found:
        shown = f"{d.file}{d.message}{d.hint}{d.source_line}"
        assert shown.isprintable(), shown
        shown.encode()
        assert d.line >= 0
        assert d.column >= 0


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    tried({"a.automl.yaml": content})


PIECES = st.sampled_from(
    [
        *"{}[]:,-?|>&*!%@`#'\"~$\t\n \x85\u2028",
        *("- ", ": ", "? ", "\n  ", "&a ", "*a", "<<: ", "!!", "---\n"),
        *("datasets", "models", "provider", "a", "1", ".inf", "null", "\\ud800", "%YAML 1.1"),
        *("${var.", "${"),
    ]
)


@given(st.lists(PIECES, max_size=40))
@example(list(FULL))
@example(['"\\UFFFFFFFF"'])
def test_any_text(pieces: list[str]) -> None:
    tried({"a.automl.yaml": "".join(pieces).encode("utf-8", "replace")})


@given(cut=st.integers(0, len(FULL)), piece=PIECES, gone=st.integers(0, 3))
def test_any_slip_of_the_hand(cut: int, piece: str, gone: int) -> None:
    tried({"a.automl.yaml": FULL[:cut] + piece + FULL[cut + gone :]})


SECTIONS = st.dictionaries(
    st.sampled_from(["provider", "state", "variables", "datasets", "models", "other"]),
    st.one_of(VALUES, st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)),
)


@given(st.lists(SECTIONS, min_size=1, max_size=3))
def test_any_values(sections: list[dict[str, Any]]) -> None:
    tried({f"{i}.automl.yaml": yaml.safe_dump(value) for i, value in enumerate(sections)})


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_variables(name: str, value: str) -> None:
    tried({"a.automl.yaml": FULL}, {name: value, "budget": value, "team": value})


@given(st.sampled_from(CASES), st.sampled_from(CASES))
def test_any_two_mistakes(one: Any, other: Any) -> None:
    tried({**one.written, **{f"z{name}": text for name, text in other.written.items()}})


DATASETS: dict[str, Any] = {
    f"d{i}": {
        "image_classification": {"classification_type": "MULTICLASS"},
        "sources": [f"{i}.csv", "x.csv"],
        "labels": {"a": str(i), "b": "${var.v}"},
    }
    for i in range(4)
}
MODELS: dict[str, Any] = {
    f"m{i}": {
        "dataset": f"d{i}",
        "display_name": f"model_{i}",
        "image_classification": {"train_budget_milli_node_hours": 8000 + i, "model_type": "cloud"},
        "deploy": {"node_count": i + 1},
    }
    for i in range(4)
}
ENTRIES: list[tuple[str, str, Any]] = [
    *(("datasets", name, entry) for name, entry in DATASETS.items()),
    *(("models", name, entry) for name, entry in MODELS.items()),
    ("provider", "local", {"trainer": "simulated"}),
    ("state", "local", {"path": "s.json"}),
    ("variables", "v", {"default": "x"}),
]


def shuffled(value: Any, draw: st.DataObject) -> Any:
    """The same value with the keys of its mappings in another order."""
    if not isinstance(value, dict):
        return value
    keys = draw.draw(st.permutations(list(value)))
    return {key: shuffled(value[key], draw) for key in keys}


@given(st.data())
def test_order_and_files_do_not_matter(data: st.DataObject) -> None:
    entries = data.draw(st.permutations(ENTRIES))
    files: dict[str, dict[str, dict[str, Any]]] = {}
    for section, name, entry in entries:
        file = data.draw(st.sampled_from(["a.automl.yaml", "b.automl.yml", "c.automl.yaml"]))
        files.setdefault(file, {}).setdefault(section, {})[name] = shuffled(entry, data)
    flow = data.draw(st.sampled_from([True, False, None]))
    configuration = loaded(
        {
            name: "# a comment\n" + yaml.safe_dump(value, sort_keys=False, default_flow_style=flow)
            for name, value in files.items()
        }
    )
    whole: dict[str, dict[str, Any]] = {}
    for section, name, entry in ENTRIES:
        whole.setdefault(section, {})[name] = entry
    expected = loaded({"all.automl.yaml": yaml.safe_dump(whole)})
    assert configuration.desired == expected.desired
    assert list(configuration.desired.models) == list(expected.desired.models)
    assert configuration.provider == expected.provider
    assert configuration.digest == expected.digest


def test_the_digest_is_of_what_is_said() -> None:
    same = [
        GOOD,
        GOOD.replace("8000", "8e3"),
        GOOD.replace("      model_type: cloud\n", ""),
        GOOD.replace("8000", "${var.b}") + "variables: {b: {type: integer, default: 8000}}\n",
        GOOD + "provider: {local: {}}\nstate: {local: {path: state/default.json}}\n",
    ]
    assert len({loaded({"a.automl.yaml": text}).digest for text in same}) == 1
    other = [
        GOOD.replace("8000", "8001"),
        GOOD.replace("data/digits", "data/other"),
        GOOD.replace("MULTICLASS", "MULTILABEL"),
        GOOD + "    labels: {a: b}\n",
        GOOD + "    deploy: {}\n",
        GOOD + "provider: {local: {trainer: simulated}}\n",
        GOOD + "state: {local: {path: other.json}}\n",
    ]
    digests = {loaded({"a.automl.yaml": text}).digest for text in [GOOD, *other]}
    assert len(digests) == len(other) + 1
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in digests)
