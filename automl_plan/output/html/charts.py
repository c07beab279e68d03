"""The drawings of the page: a confusion matrix, precision over recall, the dependency graph."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from automl_plan.model.address import ResourceKind
from automl_plan.model.evaluation import ConfusionMatrix
from automl_plan.output.evaluations import simulated, version_name
from automl_plan.output.graph import Gravity, Node, plan_graph
from automl_plan.output.style import clean
from automl_plan.planning.scorecards import Scorecard
from automl_plan.workspace.bound_plan import BoundPlan

_SIDE = 300
"""Of the plot, in the units of the drawing."""
_LEFT, _BOTTOM, _TOP, _RIGHT = 44, 40, 12, 16
_CELL = 30
_LETTER = 7
"""What a letter of a label takes."""
_LONGEST = 20


class Curve(Struct, frozen=True):
    """Precision over recall of one version."""

    name: str
    role: str
    points: str
    """As SVG has them."""
    at: tuple[float, float] | None
    """Where its threshold lies."""
    threshold: float


class Plot(Struct, frozen=True):
    """The curves of a model's versions in one plot."""

    width: int
    height: int
    left: int
    top: int
    side: int
    ticks: tuple[tuple[str, float, float], ...]
    """Label, then the positions on the two axes."""
    curves: tuple[Curve, ...]


class Cell(Struct, frozen=True):
    """How many images of one label were taken for another."""

    x: int
    y: int
    count: int
    share: float
    """Of the images of the true label, 0 to 1."""
    right: bool
    true: str
    predicted: str


class Matrix(Struct, frozen=True):
    """A confusion matrix as a picture."""

    width: int
    height: int
    left: int
    top: int
    cell: int
    labels: tuple[str, ...]
    cells: tuple[Cell, ...]


def plot(cards: Sequence[Scorecard]) -> Plot | None:
    """Of all that have a curve; None when none has."""
    curves = tuple(_curve(card) for card in cards if card.curve)
    if not curves:
        return None
    ticks = tuple((f"{n / 4:g}", *_place(n / 4, n / 4)) for n in range(5))
    return Plot(_LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM, _LEFT, _TOP, _SIDE, ticks, curves)


def matrix(confusion: ConfusionMatrix) -> Matrix:
    """Rows: the true label; columns: what was predicted. Both by name."""
    order = sorted(range(len(confusion.labels)), key=lambda place: confusion.labels[place])
    names = [confusion.labels[place] for place in order]
    labels = tuple(x if len(x) <= _LONGEST else f"{x[: _LONGEST - 1]}…" for x in names)
    side = max((len(label) for label in labels), default=0) * _LETTER + 12
    cells = []
    for row, true in enumerate(names):
        counts = [confusion.rows[order[row]][place] for place in order]
        for column, (predicted, count) in enumerate(zip(names, counts, strict=True)):
            x, y = side + column * _CELL, side + row * _CELL
            share = round(count / (sum(counts) or 1), 3)
            cells.append(Cell(x, y, count, share, row == column, true, predicted))
    size = side + len(labels) * _CELL + 2
    return Matrix(size, size, side, side, _CELL, labels, tuple(cells))


def _curve(card: Scorecard) -> Curve:
    points = " ".join(
        f"{x:.1f},{y:.1f}" for x, y in (_place(p.recall, p.precision) for p in card.curve)
    )
    below = [p for p in card.curve if p.threshold <= card.threshold + 1e-9]
    at = max(below, key=lambda point: point.threshold, default=None)
    place = None if at is None else _place(at.recall, at.precision)
    name = f"{version_name(card)} ({card.role}){simulated(card)}"
    return Curve(name, str(card.role), points, place, card.threshold)


def _place(recall: float, precision: float) -> tuple[float, float]:
    def within(share: float) -> float:
        return min(max(share, 0.0), 1.0)

    return _LEFT + within(recall) * _SIDE, _TOP + (1 - within(precision)) * _SIDE


MOST = 60
"""Boxes of one graph: more can't be read."""
_WIDTH, _HEIGHT, _GAP, _BETWEEN = 280, 44, 12, 80
_MARGIN = 4
_LONGEST_LINE = 36
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
    name, *rest = (clean(line) for line in node.lines)
    second = " · ".join(rest) or "stays as it is"
    return Box(": ".join((name, second)), (_cut(name), _cut(second)), node.shade, x, y)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 1]}…"


def _edge(left: Box, right: Box) -> str:
    begin, end = left.x + left.width, right.x
    y1, y2 = left.y + left.height // 2, right.y + right.height // 2
    middle = (begin + end) // 2
    return f"M{begin} {y1} C{middle} {y1} {middle} {y2} {end} {y2}"
