"""The dependency graph, for Graphviz and Mermaid.

Names are text from outside: in both languages they stand in quotes that they can't leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.output.documents.base import OutputDocument
from automl_plan.output.style import clean
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import TRAININGS, Action, Change
from automl_plan.workspace.bound_plan import BoundPlan

_PLAIN = re.compile(r"[A-Za-z0-9 .,_-]")


class Gravity(StrEnum):
    """What is planned for a resource, by its gravest change."""

    LOST = "lost"
    """It is deleted, cancelled or forgotten."""
    TRAINED = "trained"
    """Something is trained, which is paid for."""
    CHANGED = "changed"
    """None of these; what it replaced may be deleted."""
    UNCHANGED = "unchanged"
    """Nothing is planned."""


_LOSES = frozenset({Action.DELETE, Action.CANCEL, Action.FORGET})
_COLOURS = {
    Gravity.LOST: ("#fde0dd", "#c5221f"),
    Gravity.TRAINED: ("#fef0cd", "#b06000"),
    Gravity.CHANGED: ("#e1f0fe", "#1967d2"),
    Gravity.UNCHANGED: ("#f6f6f6", "#80868b"),
}
"""How a node is filled, and its border."""


class Node(Struct, frozen=True):
    """A resource, or a model of the service that another one builds on."""

    key: str
    """The address; of a model of the service a text with a space in it."""
    lines: tuple[str, ...]
    """Its name, its display name where that differs, what is planned."""
    gravity: Gravity | None = None
    """The worst that is planned; null: not known."""
    outside: bool = False
    """Whether it is not a resource of this configuration."""

    @property
    def shade(self) -> Gravity:
        """How it is drawn."""
        return self.gravity or Gravity.UNCHANGED


class Edge(Struct, frozen=True, order=True):
    """A dependency."""

    needed: str
    needing: str


class Graph(OutputDocument, frozen=True):
    """`graph --json`: what depends on what"""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    planned: bool
    """Whether it shows what a saved plan does."""


class _Drawing(Struct):
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)

    def graph(self, *, planned: bool = False) -> Graph:
        nodes = sorted(self.nodes.values(), key=lambda node: (node.outside, node.key))
        if not planned:
            nodes = [replace(node, gravity=None) for node in nodes]
        return Graph(tuple(nodes), tuple(sorted(self.edges)), planned)


def configuration_graph(desired: Desired) -> Graph:
    """What is declared, and what it builds on."""
    return _declared(desired, {}).graph()


def plan_graph(planned: BoundPlan) -> Graph:
    """The resources of a plan with what is planned for each."""
    changes: dict[Address, list[Change]] = {}
    for change in planned.plan.changes:
        changes.setdefault(change.address, []).append(change)
    drawing = _declared(planned.desired, changes, stays=planned.mode is not PlanMode.DESTROY)
    for address in [*changes, *planned.plan.unchanged]:
        if str(address) not in drawing.nodes:
            drawing.nodes[str(address)] = _node(
                address, None, changes.get(address, ()), stays=False
            )
    owners = {change.key: change.address for change in planned.plan.changes}
    for change in planned.plan.changes:
        for key in change.needs:
            if key in owners and owners[key] != change.address:
                drawing.edges.add(_edge(owners[key], change.address))
    return drawing.graph(planned=True)


def _declared(
    desired: Desired, changes: Mapping[Address, Sequence[Change]], *, stays: bool = True
) -> _Drawing:
    drawing = _Drawing()
    for dataset in desired.datasets.values():
        address = dataset.address
        found = changes.get(address, ())
        drawing.nodes[str(address)] = _node(address, dataset.display_name, found, stays=stays)
    for model in desired.models.values():
        address = model.address
        found = changes.get(address, ())
        drawing.nodes[str(address)] = _node(address, model.display_name, found, stays=stays)
        drawing.edges.add(Edge(str(model.dataset), str(address)))
        if model.base_model_id is not None:
            # No address has a space in it, so that no id can pass for one.
            key = f"base model {model.base_model_id}"
            drawing.nodes[key] = Node(key, (model.base_model_id, "base model"), outside=True)
            drawing.edges.add(Edge(key, str(address)))
    return drawing


def _node(
    address: Address, display_name: str | None, changes: Sequence[Change], *, stays: bool
) -> Node:
    """`stays`: the address is declared, and not to be destroyed."""
    actions = tuple(dict.fromkeys(change.action for change in changes))
    lines = [str(address)]
    if display_name not in (None, address.name):
        lines.append(f"{display_name}")
    if actions:
        lines.append(", ".join(actions))
    return Node(str(address), tuple(lines), _gravity(actions, stays=stays))


def _gravity(actions: Iterable[Action], *, stays: bool) -> Gravity:
    found = set(actions)
    if found & _LOSES and not stays:
        return Gravity.LOST
    if found & TRAININGS:
        return Gravity.TRAINED
    return Gravity.CHANGED if found else Gravity.UNCHANGED


def _edge(needed: Address, needing: Address) -> Edge:
    """Deletions run the other way round; a model is always drawn behind its dataset."""
    if needed.kind is ResourceKind.MODEL and needing.kind is ResourceKind.DATASET:
        needed, needing = needing, needed
    return Edge(str(needed), str(needing))


def graph_dot(graph: Graph) -> str:
    """In the language of Graphviz."""
    lines = [
        'digraph "automl-plan" {',
        '  rankdir="LR";',
        '  node [shape="box", style="filled,rounded", fontname="sans-serif"];',
    ]
    for node in graph.nodes:
        fill, border = _COLOURS[node.shade]
        attributes = {"fillcolor": fill, "color": border}
        if node.gravity is not None:
            attributes["class"] = node.gravity
        if node.outside:
            attributes["style"] = "filled,dashed"
        # The breaks between lines are ours; those within them were made visible.
        label = "\\n".join(_dot_inner(line) for line in node.lines)
        rest = ", ".join(f"{key}={_dot(value)}" for key, value in attributes.items())
        lines.append(f'  {_dot(node.key)} [label="{label}", {rest}];')
    lines += [f"  {_dot(edge.needed)} -> {_dot(edge.needing)};" for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def graph_mermaid(graph: Graph) -> str:
    """In the language of Mermaid, which code hosts draw in Markdown."""
    ids = {node.key: f"n{place}" for place, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node in graph.nodes:
        label = "<br/>".join(_mermaid(line) for line in node.lines)
        shape = f'(["{label}"])' if node.outside else f'["{label}"]'
        lines.append(f"  {ids[node.key]}{shape}:::{node.shade}")
    lines += [f"  {ids[edge.needed]} --> {ids[edge.needing]}" for edge in graph.edges]
    for gravity in Gravity:
        if any(node.shade is gravity for node in graph.nodes):
            fill, border = _COLOURS[gravity]
            lines.append(f"  classDef {gravity} fill:{fill},stroke:{border},color:#202124")
    return "\n".join(lines) + "\n"


def _dot(text: str) -> str:
    return f'"{_dot_inner(text)}"'


def _dot_inner(text: str) -> str:
    """Graphviz reads escapes, and entities of HTML, in what is quoted."""
    return clean(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(text: str) -> str:
    """Mermaid has no escapes, only entities: every letter that could mean something is one."""
    return "".join(c if _PLAIN.match(c) else f"#{ord(c)};" for c in clean(text))
