"""The dependency graph, and that no name gets out of its quotes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.output.graph import (
    Edge,
    Graph,
    configuration_graph,
    graph_dot,
    graph_mermaid,
    plan_graph,
)
from automl_plan.workspace.bound_plan import BoundPlan
from tests.output import scenes
from tests.output.golden import matches_golden
from tests.planning.worlds import dataset, desired, model

DECLARED = desired(
    dataset("digits"),
    dataset("boxes", display_name='Parcels "on" a\nbelt'),
    model("digits"),
    model("parity", of="digits", base_model_id="ICN1"),
    model("small", of="digits", base_model_id="dataset.boxes"),
)
SCENES = [
    scenes.create,
    scenes.retrain,
    scenes.delete_model,
    scenes.destroy,
    scenes.no_changes,
    scenes.cancel,
]
HOSTILE = [
    scenes.HOSTILE,
    '"]; evil [label="x',
    'x\\"]; evil; [y="',
    "\\",
    '"]:::lost\n  n0 --> n9',
    "`md` <script>alert(1)</script> &quot; #quot; %%{init: {}}%%",
    "```\n# out",
]

DOT_STRING = r'"(?:[^"\\\n]|\\["\\nlr])*"'
DOT_ATTRIBUTES = rf"\[\w+={DOT_STRING}(?:, \w+={DOT_STRING})*\]"
DOT_LINE = re.compile(
    rf"digraph {DOT_STRING} \{{|  rankdir={DOT_STRING};|  node {DOT_ATTRIBUTES};"
    rf"|  {DOT_STRING} {DOT_ATTRIBUTES};|  {DOT_STRING} -> {DOT_STRING};|\}}"
)
MERMAID_TEXT = r'"(?:[A-Za-z0-9 .,_-]|#[0-9]+;|<br/>)*"'
MERMAID_LINE = re.compile(
    rf"flowchart LR|  n\d+(?:\[{MERMAID_TEXT}\]|\(\[{MERMAID_TEXT}\]\)):::[a-z]+"
    r"|  n\d+ --> n\d+|  classDef [a-z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#202124"
)


def is_sound(graph: Graph) -> bool:
    """Every line is one of those that we write, with every name inside its quotes."""
    dot, mermaid = graph_dot(graph), graph_mermaid(graph)
    for text, pattern in ((dot, DOT_LINE), (mermaid, MERMAID_LINE)):
        assert text.endswith("\n")
        for line in text[:-1].split("\n"):
            assert pattern.fullmatch(line), line
    nodes, edges = len(graph.nodes), len(graph.edges)
    assert len(re.findall(rf"^  {DOT_STRING} -> ", dot, re.M)) == edges
    assert len(re.findall(rf"^  {DOT_STRING} \[", dot, re.M)) == nodes
    assert mermaid.count(" --> ") == edges
    assert len(re.findall(":::", mermaid)) == nodes
    return True


def test_a_configuration() -> None:
    graph = configuration_graph(DECLARED)
    assert is_sound(graph)
    assert matches_golden("graph-dot", graph_dot(graph))
    assert matches_golden("graph-mermaid", graph_mermaid(graph))


def test_no_id_passes_for_an_address() -> None:
    graph = configuration_graph(DECLARED)
    assert Edge("dataset.boxes", "model.small") not in graph.edges
    assert Edge("base model dataset.boxes", "model.small") in graph.edges


def test_plans() -> None:
    text = ""
    for scene in SCENES:
        graph = plan_graph(scene())
        assert is_sound(graph)
        text += f"--- {scene.__name__}\n{graph_dot(graph)}{graph_mermaid(graph)}"
    assert matches_golden("graph-plans", text)


@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.__name__)
def test_every_plan(scene: Callable[[], BoundPlan]) -> None:
    planned = scene()
    graph = plan_graph(planned)
    assert is_sound(graph)
    known = {node.key for node in graph.nodes}
    assert {str(change.address) for change in planned.plan.changes} <= known
    assert {key for edge in graph.edges for key in (edge.needed, edge.needing)} <= known


def hostile(text: str) -> Graph:
    return configuration_graph(
        desired(
            dataset("digits", display_name=text),
            replace(model("digits", display_name=text), base_model_id=text),
        )
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names(text: str) -> None:
    assert is_sound(hostile(text))


@given(st.text(max_size=30))
def test_any_name(text: str) -> None:
    assert is_sound(hostile(text))
