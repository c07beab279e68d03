"""Another provider in a configuration's text: all else stays, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.config.comments import comments
from automl_plan.config.parsing import parse
from automl_plan.config.provider_block import block, with_provider

API = {"api": "vertex"}
REGION = {"location": "europe-west4"}

REHEARSALS = {
    "provider:\n  local: {}   # c\na: {}\n": "provider:\n  local: {api: vertex}   # c\na: {}\n",
    "provider:\n  local:\n": "provider:\n  local: {api: vertex}\n",
    "provider:\n  local:  # c\n": "provider:\n  local: {api: vertex}  # c\n",
    "provider: {local: null}\n": "provider: {local: {api: vertex}}\n",
    "provider:\n  local: # a\n    trainer: sklearn # b\n": (
        "provider:\n  local: # a\n    api: vertex\n    trainer: sklearn # b\n"
    ),
    "provider:\n  local: {api: automl, trainer: sklearn}\n": (
        "provider:\n  local: {api: vertex, trainer: sklearn}\n"
    ),
    '{"provider": {"local": {"trainer": "sklearn"}}}': (
        '{"provider": {"local": {"trainer": "sklearn", "api": "vertex"}}}'
    ),
    "models: {}": "models: {}\n\nprovider:\n  local: {api: vertex}\n",
    "provider:\r\n  local:\r\n    trainer: sklearn\r\n": (
        "provider:\r\n  local:\r\n    api: vertex\r\n    trainer: sklearn\r\n"
    ),
}
MOVES = {
    "provider: {automl: {project: p, location: eu}}  # c\n": (
        "provider: {vertex: {project: p, location: europe-west4}}  # c\n"
    ),
    "a: {}\nprovider:\n  automl:   # a\n    project: ${var.p}  # b\n    location: eu\n": (
        "a: {}\nprovider:\n  vertex:   # a\n    project: ${var.p}  # b\n"
        "    location: europe-west4\n"
    ),
    '{"provider": {"automl": {"project": "é", "location": "eu"}}}': (
        '{"provider": {"vertex": {"project": "é", "location": "europe-west4"}}}'
    ),
    "provider:\n  automl: {project: p}\n": (
        "provider:\n  vertex: {project: p, location: europe-west4}\n"
    ),
}
REFUSED = (
    "a: &p {local: {}}\nprovider: *p\n",
    "{models: {}}",
    "- provider\n",
    "provider: {automl: {}}\n",
    "provider: [\n",
    "",
)
"""Nothing to edit in, or more would change than what is asked for."""


@pytest.mark.parametrize("text", REHEARSALS)
def test_the_embedded_service_by_another_api(text: str) -> None:
    assert with_provider(text, "local", "local", API) == REHEARSALS[text]


@pytest.mark.parametrize("text", MOVES)
def test_vertex_in_the_place_of_automl(text: str) -> None:
    assert with_provider(text, "automl", "vertex", REGION) == MOVES[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_left_to_the_reader(text: str) -> None:
    assert with_provider(text, "local", "local", API) is None


def test_the_section_by_itself() -> None:
    settings = {"project": "p", "endpoint": "http://127.0.0.1:1/vertex", "time_scale": 3.5}
    written = block("vertex", {**settings, "odd": "a: #b", "word": "true"})
    assert parse(written, "").value == {
        "provider": {"vertex": {**settings, "odd": "a: #b", "word": "true"}}
    }


_comment = st.sampled_from(("", " # a", "  # b: {c}", "\n# d"))
_value = st.sampled_from(("sklearn", "'sklearn'", '"sklearn"', "${var.x}", "3600"))
_inner = st.one_of(
    st.just(""),
    st.just(" {}"),
    st.sampled_from(("sklearn", "'a'", '"b"', "3600")).map(lambda v: f" {{trainer: {v}, x: {v}}}"),
    st.tuples(_comment, _value, _comment).map(
        lambda t: f"{t[0]}\n    trainer: {t[1]}{t[2]}\n    data_dir: {t[1]}"
    ),
)
_around = st.sampled_from(("", "# top\n", "models: {}\n", "x: &a [1, {b: c}]\ny: *a # z\n"))


@given(_around, _comment, _inner, _comment, _around)
def test_whatever_it_looks_like(
    before: str, comment: str, inner: str, behind: str, after: str
) -> None:
    text = f"{before}provider:{comment}\n  local:{inner}{behind}\n"
    text += after if after != before else ""
    edited = with_provider(text, "local", "local", API)
    assert edited is not None
    said: Any = parse(text, "").value
    kept = said["provider"]["local"] or {}
    assert parse(edited, "").value == {**said, "provider": {"local": {**kept, **API}}}
    assert comments(edited) == comments(text)
