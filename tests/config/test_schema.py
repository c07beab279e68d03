"""The published schema, and what the tool makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from automl_plan.config.load import RULES
from automl_plan.config.prices import list_prices
from automl_plan.config.schema import SchemaValidator, config_schema
from automl_plan.config.yaml_parser import parse
from automl_plan.model.address import NAME_PATTERN
from automl_plan.model.model_types import Problem
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.capabilities import MODEL_TYPES
from automl_plan.providers.registry import setting_rules
from tests.config.test_load import FULL
from tests.config.writing import GOOD, diagnostics, write

SCHEMA: dict[str, Any] = config_schema()
DEFINITIONS: dict[str, Any] = SCHEMA["definitions"]


def subschemas(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from subschemas(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from subschemas(inner)


def test_it_is_a_draft_07_schema() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(SCHEMA)


def test_it_is_the_file_of_the_repository() -> None:
    published = Path(__file__).parents[2] / "schemas" / "config.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("text", [GOOD, FULL, "provider:\n  local: {}\n"])
def test_editors_accept_what_the_tool_accepts(text: str) -> None:
    Draft7Validator(SCHEMA).validate(parse(text, "a.automl.yaml").value)


@pytest.mark.parametrize(
    "text",
    [
        "gates: {}",
        "datasets: {d: {}}",
        "datasets: {1d: {image_object_detection: {}}}",
        "datasets: {d: {image_object_detection: {}, display_name: ''}}",
        "models: {m: {dataset: d, image_classification: {}}}",
        GOOD.replace("8000", "999"),
        GOOD.replace("cloud", "clod"),
    ],
)
def test_editors_refuse_what_the_tool_refuses(text: str, tmp_path: Path) -> None:
    assert not Draft7Validator(SCHEMA).is_valid(parse(text, "a.automl.yaml").value)
    assert diagnostics(write(tmp_path, {"a.automl.yaml": text}))


def test_every_mapping_is_closed_and_every_key_described() -> None:
    for schema in subschemas(SCHEMA):
        if isinstance(schema.get("properties"), dict) and schema.get("type") != "string":
            assert schema.get("additionalProperties") is False
            for key, inner in schema["properties"].items():
                target = inner.get("$ref", "").rpartition("/")[2]
                assert inner.get("description") or DEFINITIONS[target]["description"], key


def test_rules_that_it_names_exist() -> None:
    named = {
        rule
        for schema in subschemas(SCHEMA)
        if isinstance(comment := schema.get("$comment"), str)
        for rule in comment.removeprefix("rules: ").split(", ")
    }
    assert named <= {*RULES, *setting_rules()}


def test_it_repeats_facts_as_they_are() -> None:
    assert DEFINITIONS["name"]["pattern"] == f"^{NAME_PATTERN}$"
    bounds = [t for types in MODEL_TYPES.values() for t in types.values()]
    budget = DEFINITIONS["budget"]
    assert budget["anyOf"][0]["minimum"] == min(t.min_budget for t in bounds)
    assert budget["anyOf"][0]["maximum"] == max(t.max_budget for t in bounds)
    for t in bounds:
        assert f"{t.min_budget:,}-{t.max_budget:,}" in budget["description"]
    for price in list_prices(AUTOML).training.values():
        assert f"{price.usd_per_node_hour}" in budget["description"]
    for problem in Problem:
        kind = DEFINITIONS["model"]["properties"][problem]["properties"]["model_type"]
        assert kind["anyOf"][0]["enum"] == list(MODEL_TYPES[problem])


KEYS = sorted(
    {"other", "x"}.union(*(schema.get("properties", {}) for schema in subschemas(DEFINITIONS)))
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 900_001),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "cloud", "MULTICLASS", "append", "eu", "sklearn", "integer", "a.csv"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    definition=st.sampled_from(["provider", "state", "variable", "dataset", "model"]), value=VALUES
)
def test_the_compiled_shape_agrees_with_jsonschema(definition: str, value: Any) -> None:
    shape = SchemaValidator()
    assert shape.accepts(definition, value) == (not list(shape.errors(definition, value)))


def near_misses(definition: str) -> st.SearchStrategy[Any]:
    """Values close to the right one, so that each limit is met from both sides."""
    every: dict[str, dict[str, Any]] = {
        "provider": {"automl": {"project": "p", "location": "eu"}},
        "dataset": {
            "image_classification": {"classification_type": "MULTILABEL"},
            "sources": ["a"],
        },
        "model": {
            "dataset": "d",
            "image_classification": {"train_budget_milli_node_hours": 8000},
            "deploy": {"node_count": 1},
            "labels": {"a": "b"},
        },
    }
    right = every[definition]
    return st.builds(
        lambda changes, gone: {k: v for k, v in {**right, **changes}.items() if k not in gone},
        st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
        st.sets(st.sampled_from(list(right)), max_size=1),
    )


@given(data=st.data(), definition=st.sampled_from(["provider", "dataset", "model"]))
def test_so_it_does_near_the_right_values(data: st.DataObject, definition: str) -> None:
    value = data.draw(near_misses(definition))
    shape = SchemaValidator()
    assert shape.accepts(definition, value) == (not list(shape.errors(definition, value)))
