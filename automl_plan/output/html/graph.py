"""Where the boxes of the dependency graph lie: datasets on the left, their models on the right."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.model.address import ResourceKind
from automl_plan.output.graph import Gravity, Node, plan_graph
from automl_plan.output.style import clean
from automl_plan.workspace.bound_plan import BoundPlan

MOST = 60
"""Boxes of one graph: more can't be read."""
_WIDTH, _HEIGHT, _GAP, _BETWEEN = 280, 44, 12, 80
_MARGIN = 4
_LONGEST = 36
"""Letters of a line that fit into a box."""
_WEIGHT = {gravity: place for place, gravity in enumerate(Gravity)}


class Box(Struct, frozen=True):
    """One resource; lengths are in the units of the drawing."""

    name: str
    lines: tuple[str, str]
    """Its text, cut where it does not fit."""
    gravity: Gravity
    x: int
    y: int
    width: int = _WIDTH
    height: int = _HEIGHT


class Drawing(Struct, frozen=True):
    """All of it."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[str, ...]
    """The paths of curves, as SVG has them."""
    left_out: int
    """Resources that there is no room for: unchanged ones first."""


def drawing(planned: BoundPlan) -> Drawing:
    """The graph of what is declared and what is deleted."""
    graph = plan_graph(planned)
    shown = sorted(graph.nodes, key=lambda node: (_WEIGHT[node.shade], node.key))[:MOST]
    nodes = {node.key: node for node in sorted(shown, key=lambda node: node.key)}
    pairs = [(edge.needed, edge.needing) for edge in graph.edges]
    edges = [(left, right) for left, right in pairs if left in nodes and right in nodes]
    boxes: dict[str, Box] = {}
    y = _MARGIN
    for key in [key for key, node in nodes.items() if not _is_model(node)]:
        boxes[key] = _box(nodes[key], _MARGIN, y)
        models = [right for left, right in edges if left == key and right not in boxes]
        for model in models:
            boxes[model] = _box(nodes[model], _MARGIN + _WIDTH + _BETWEEN, y)
            y += _HEIGHT + _GAP
        y += 0 if models else _HEIGHT + _GAP
    for key, node in nodes.items():
        if key not in boxes:
            boxes[key] = _box(node, _MARGIN + _WIDTH + _BETWEEN, y)
            y += _HEIGHT + _GAP
    return Drawing(
        2 * (_WIDTH + _MARGIN) + _BETWEEN,
        max(y - _GAP, 0) + _MARGIN,
        tuple(boxes.values()),
        tuple(_edge(boxes[left], boxes[right]) for left, right in edges),
        len(graph.nodes) - len(shown),
    )


def _is_model(node: Node) -> bool:
    return not node.outside and node.key.startswith(f"{ResourceKind.MODEL}.")


def _box(node: Node, x: int, y: int) -> Box:
    name, *told = (clean(line) for line in node.lines)
    second = " · ".join(told) or "stays as it is"
    return Box(": ".join((name, second)), (_cut(name), _cut(second)), node.shade, x, y)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _edge(left: Box, right: Box) -> str:
    begin, end = left.x + left.width, right.x
    y1, y2 = left.y + left.height // 2, right.y + right.height // 2
    middle = (begin + end) // 2
    return f"M{begin} {y1} C{middle} {y1} {middle} {y2} {end} {y2}"
