"""Where the boxes of the dependency graph lie: datasets on the left, their models on the right."""

from __future__ import annotations

from dataclasses import dataclass

from automl_plan.applying.planned import Planned
from automl_plan.planning.plan import Action
from automl_plan.rendering.verdict import TRAININGS
from automl_plan.resources.address import Address, ResourceKind

MOST = 60
"""Boxes of one graph: more can't be read."""
_WIDTH, _HEIGHT, _GAP, _BETWEEN = 280, 44, 12, 80
_MARGIN = 4
_LONGEST = 30
"""Letters of a name that fit into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """One resource; lengths are in the units of the drawing."""

    address: str
    label: str
    """The address, cut where it does not fit."""
    fate: str
    """`delete`, `train`, `create`, `change` or `keep`: the worst that happens to it."""
    told: str
    """What happens to it, in words."""
    x: int
    y: int
    width: int = _WIDTH
    height: int = _HEIGHT


@dataclass(frozen=True, slots=True)
class Edge:
    """From a dataset to a model that is trained on it."""

    path: str
    """As SVG has it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    left_out: int
    """Resources that there is no room for: unchanged ones first."""


def drawing(planned: Planned) -> Drawing:
    """The graph of what is declared and what is deleted."""
    actions: dict[Address, list[Action]] = {}
    for change in planned.plan.changes:
        actions.setdefault(change.address, []).append(change.action)
    desired = planned.desired
    everything = {*desired.datasets, *desired.models, *actions}
    shown = set(sorted(everything, key=lambda a: (a not in actions, a))[:MOST])
    # What a model that changes is trained on is worth its box.
    of = {a: m.dataset for a, m in desired.models.items() if a in shown}
    boxes: list[Box] = []
    edges: list[Edge] = []
    y = _MARGIN
    datasets = sorted(a for a in shown if a.kind is ResourceKind.DATASET)
    for dataset in datasets:
        models = sorted(model for model, its in of.items() if its == dataset)
        box = _box(dataset, actions.get(dataset, []), _MARGIN, y)
        boxes.append(box)
        for model in models:
            right = _box(model, actions.get(model, []), _MARGIN + _WIDTH + _BETWEEN, y)
            boxes.append(right)
            edges.append(_edge(box, right))
            y += _HEIGHT + _GAP
        y += 0 if models else _HEIGHT + _GAP
    placed = {box.address for box in boxes}
    for address in sorted(a for a in shown if str(a) not in placed):
        boxes.append(_box(address, actions.get(address, []), _MARGIN + _WIDTH + _BETWEEN, y))
        y += _HEIGHT + _GAP
    width = 2 * (_WIDTH + _MARGIN) + _BETWEEN
    left_out = len(everything) - len(shown)
    return Drawing(width, max(y - _GAP, 0) + _MARGIN, tuple(boxes), tuple(edges), left_out)


def _box(address: Address, actions: list[Action], x: int, y: int) -> Box:
    text = str(address)
    label = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    told = ", ".join(dict.fromkeys(map(str, actions))) or "stays as it is"
    return Box(text, label, fate(actions), _cut(told), x, y)


def fate(actions: list[Action]) -> str:
    """The worst that happens to a resource, in one word."""
    if any(action in TRAININGS for action in actions):
        return "train"
    if Action.CREATE in actions:
        return "create"
    if Action.DELETE in actions:
        return "delete"
    return "change" if actions else "keep"


def _cut(told: str) -> str:
    return told if len(told) <= _LONGEST + 6 else f"{told[: _LONGEST + 5]}…"


def _edge(left: Box, right: Box) -> Edge:
    begin, end = left.x + left.width, right.x
    y1, y2 = left.y + left.height // 2, right.y + right.height // 2
    middle = (begin + end) // 2
    return Edge(f"M{begin} {y1} C{middle} {y1} {middle} {y2} {end} {y2}")
