"""Named rules on gates, ages, protection, moves, removals and imports.

Each is a function from the checked configuration to findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from automl_plan.config.findings import Finding, KeyPath, Suggester, quoted
from automl_plan.config.rule import ResolvedConfig, Rule, problem_of, registrar
from automl_plan.config.scalars import TO_WRITE, parse_duration
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.capabilities import BUDGET
from automl_plan.model.model_types import Problem
from automl_plan.model.requirements import Metric

RULES: dict[str, Rule] = {}
"""All rules of this module, by id."""
_rule = registrar(RULES)

MAX_KEPT = 100
MAX_DOLLARS = 1_000_000_000
_ONLY_FOR = {
    Metric.AU_PRC: Problem.IMAGE_CLASSIFICATION,
    Metric.MEAN_AVERAGE_PRECISION: Problem.IMAGE_OBJECT_DETECTION,
}
_TRAINING = ("model_type", BUDGET, "base_model_id")
_IGNORABLE = {
    "datasets": (
        "display_name",
        "description",
        "labels",
        "sources",
        *Problem,
        f"{Problem.IMAGE_CLASSIFICATION}.classification_type",
    ),
    "models": (
        "display_name",
        "labels",
        "dataset",
        "deploy",
        "deploy.node_count",
        *Problem,
        *(f"{problem}.{field}" for problem in Problem for field in _TRAINING),
    ),
}


# -- gates -----------------------------------------------------------------------------------


def _minima(name: str, require: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """Every mapping of metrics in a gate, with its path."""
    path = ("models", name, "require")
    yield path, require
    yield (*path, "each_label"), require.get("each_label", {})
    for label, minima in require.get("labels", {}).items():
        yield (*path, "labels", label), minima


@_rule("require-something", "A gate has at least one requirement.")
def _require_something(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        require = entry.get("require")
        path = ("models", name, "require")
        if require is None or any(broken[:3] == path for broken in config.broken):
            continue
        asked = "not_worse_than_current" in require or any(
            metric in minima for _, minima in _minima(name, require) for metric in Metric
        )
        if not asked:
            message = "this gate has no requirements"
            hint = "write a metric and its minimum, such as au_prc: 0.95"
            yield Finding(path, "require-something", message, hint, at_key=True)


@_rule("metric-kind", "A gate's metrics exist for its kind of model.")
def _metric_kind(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        problem = problem_of(entry)
        for path, minima in _minima(name, entry.get("require", {})):
            for metric, only_for in _ONLY_FOR.items():
                if metric in minima and problem is not None and problem is not only_for:
                    other = next(m for m, p in _ONLY_FOR.items() if p is problem)
                    yield Finding(
                        (*path, metric),
                        "metric-kind",
                        f"{metric} is available for {only_for} only",
                        f"write {other}, or precision, recall or f1",
                        at_key=True,
                    )


@_rule("metric-bounds", "Metrics, thresholds and margins are from 0 to 1, a confidence is below 1.")
def _metric_bounds(config: ResolvedConfig) -> Iterator[Finding]:
    shares = (*Metric, "threshold", "not_worse_than_current")
    for name, entry in config.models.items():
        require = entry.get("require", {})
        for path, minima in _minima(name, require):
            for key in shares:
                value = minima.get(key)
                if value is not None and not 0 <= value <= 1:
                    hint = "write a number from 0 to 1"
                    if 1 < value <= 100:
                        hint += f" ({value / 100:g} for {value:g}%)"
                    message = f"{key} can't be {value:g}"
                    yield Finding((*path, key), "metric-bounds", message, hint)
        confidence = require.get("confidence", 0.95)
        if not 0.5 <= confidence <= 0.9999:
            path = ("models", name, "require", "confidence")
            message = f"a confidence can't be {confidence:g}"
            yield Finding(path, "metric-bounds", message, "write 0.5 to 0.9999, such as 0.95")


# -- ages, versions, protection --------------------------------------------------------------


@_rule("duration", "Ages are durations, shorter than the time after which a model expires.")
def _durations(config: ResolvedConfig) -> Iterator[Finding]:
    life = config.capabilities.lifespan
    for name, entry in config.models.items():
        for key, text in entry.get("retrain", {}).items():
            path = ("models", name, "retrain", key)
            duration = parse_duration(text)
            if duration is None:
                yield Finding(path, "duration", f"{quoted(text)} is not a duration", TO_WRITE)
            elif life is not None and duration >= life.shortest:
                days = life.shortest_days
                message = (
                    f"{text} is too long: a model expires after {life.months} calendar months, "
                    f"which can be {days} days"
                )
                yield Finding(path, "duration", message, f"write less than {days}d")


@_rule("keep-versions", f"0 to {MAX_KEPT} former versions are kept.")
def _keep_versions(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        kept = entry.get("lifecycle", {}).get("keep_versions", 0)
        if not 0 <= kept <= MAX_KEPT:
            path = ("models", name, "lifecycle", "keep_versions")
            message = f"{kept:,} versions can't be kept"
            yield Finding(path, "keep-versions", message, f"write 0 to {MAX_KEPT}")


@_rule("ignore-changes", "Ignored fields exist in the resource.")
def _ignore_changes(config: ResolvedConfig) -> Iterator[Finding]:
    key_problem = config.capabilities.labels.key_problem
    for section, name, entry in config.resources():
        unit = config.capabilities.budget_unit.field
        known = [field.replace(BUDGET, unit) for field in _IGNORABLE[section]]
        suggest = Suggester(known)
        for i, field in enumerate(entry.get("lifecycle", {}).get("ignore_changes", ())):
            top, _, key = field.partition(".")
            if field in known or (top == "labels" and not key_problem(key)):
                continue
            path = (section, name, "lifecycle", "ignore_changes", str(i))
            message = f"changes of {quoted(field)} can't be ignored"
            hint = suggest.hint(field, f"the fields are {', '.join(known)} and labels.KEY")
            yield Finding(path, "ignore-changes", message, hint)


@_rule("policy-bounds", "Cost limits are not negative.")
def _policy_bounds(config: ResolvedConfig) -> Iterator[Finding]:
    for key, usd in config.policy.items():
        if isinstance(usd, bool) or not isinstance(usd, int | float):
            continue
        if not 0 <= usd <= MAX_DOLLARS:
            message = f"{usd:g} is not a valid limit in dollars"
            hint = f"write 0 to {MAX_DOLLARS:,}"
            yield Finding(("policy", key), "policy-bounds", message, hint)


# -- moved, removed, imports -----------------------------------------------------------------


def _addresses(
    config: ResolvedConfig, section: str, key: str
) -> Iterator[tuple[str, str, Address | None]]:
    """Of each block: its number, the text of one of its addresses, and what it means."""
    for number, block in config.blocks[section].items():
        text = block.get(key)
        if text is None:
            continue
        try:
            yield number, text, Address.parse(text)
        except ValueError:
            yield number, text, None


def _declared(config: ResolvedConfig, address: Address) -> bool:
    entries = config.datasets if address.kind is ResourceKind.DATASET else config.models
    return address.name in entries


_ADDRESS_KEYS = (("moved", "from"), ("moved", "to"), ("removed", "from"), ("imports", "to"))


@_rule("address", "Blocks refer to resources by address.")
def _address(config: ResolvedConfig) -> Iterator[Finding]:
    for section, key in _ADDRESS_KEYS:
        for number, text, address in _addresses(config, section, key):
            if address is None:
                message = f"{quoted(text)} is not an address"
                hint = "write dataset.NAME or model.NAME"
                yield Finding((section, number, key), "address", message, hint)


@_rule("block-declared", "A moved or removed resource is no longer declared; its new name is.")
def _block_declared(config: ResolvedConfig) -> Iterator[Finding]:
    for section in ("moved", "removed"):
        for number, _, address in _addresses(config, section, "from"):
            if address is not None and _declared(config, address):
                message = f"{address} is still declared"
                hint = f"remove it from {address.kind}s, or remove this block"
                yield Finding((section, number, "from"), "block-declared", message, hint)
    onwards = {a for _, _, a in _addresses(config, "moved", "from") if a is not None}
    for section in ("moved", "imports"):
        for number, _, address in _addresses(config, section, "to"):
            if address is None or _declared(config, address) or not config.complete:
                continue
            if section == "moved" and address in onwards:
                continue
            names = config.datasets if address.kind is ResourceKind.DATASET else config.models
            suggest = Suggester(f"{address.kind}.{name}" for name in names)
            message = f"{address} is not declared"
            known = suggest.hint(str(address), f"declare it under {address.kind}s")
            yield Finding((section, number, "to"), "block-declared", message, known)


@_rule("moved-kind", "A move keeps the kind of a resource and changes its name.")
def _moved_kind(config: ResolvedConfig) -> Iterator[Finding]:
    targets = {number: to for number, _, to in _addresses(config, "moved", "to")}
    for number, _, source in _addresses(config, "moved", "from"):
        target = targets.get(number)
        if source is None or target is None:
            continue
        path = ("moved", number, "to")
        if source == target:
            yield Finding(
                path, "moved-kind", "this moves a resource to itself", "write its new address"
            )
        elif source.kind is not target.kind:
            message = f"a {source.kind} can't become a {target.kind}"
            yield Finding(path, "moved-kind", message, f"write {source.kind}.{target.name}")


@_rule("block-twice", "No two blocks concern the same resource, and moves form no cycle.")
def _block_twice(config: ResolvedConfig) -> Iterator[Finding]:
    sources = [("moved", *found) for found in _addresses(config, "moved", "from")]
    sources += [("removed", *found) for found in _addresses(config, "removed", "from")]
    yield from _twice(sources, "from")
    yield from _twice([("moved", *found) for found in _addresses(config, "moved", "to")], "to")
    yield from _twice([("imports", *found) for found in _addresses(config, "imports", "to")], "to")
    ids = [
        ("imports", number, block["id"], None)
        for number, block in config.blocks["imports"].items()
        if "id" in block
    ]
    yield from _twice(ids, "id")
    yield from _circles(config)


def _twice(found: Iterable[tuple[str, str, str, Address | None]], key: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for section, number, text, _ in found:
        if text in seen:
            message = f"{quoted(text)} occurs twice"
            yield Finding((section, number, key), "block-twice", message, "remove one of the two")
        seen.add(text)


def _circles(config: ResolvedConfig) -> Iterator[Finding]:
    targets = {number: to for number, _, to in _addresses(config, "moved", "to")}
    onwards = {
        source: targets.get(number)
        for number, _, source in _addresses(config, "moved", "from")
        if source is not None
    }
    reported: set[Address] = set()
    for number, _, source in _addresses(config, "moved", "from"):
        if source is None or source in reported:
            continue
        circle, at = [source], onwards.get(source)
        while at is not None and at not in circle:
            circle.append(at)
            at = onwards.get(at)
        if at == source and len(circle) > 1:
            reported.update(circle)  # once for each circle
            message = f"these moves form a cycle from {source} back to it"
            yield Finding(("moved", number), "block-twice", message, "remove one of them")


@_rule("object-id", "Ids are ids of the service.")
def _object_id(config: ResolvedConfig) -> Iterator[Finding]:
    for number, block in config.blocks["imports"].items():
        text = block.get("id", "-")
        at = ("imports", number, "id")
        try:
            found = config.adopted_id({"id": "-", **block})
        except ValueError as error:
            hint = config.definition.object_id_hint
            yield Finding(at, "object-id", f"{quoted(text)}: {error}", hint)
            continue
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", found):
            message = f"{quoted(text)} is not a valid object id"
            hint = "write only the id, as shown by `automl-plan models list`"
            yield Finding(at, "object-id", message, hint)
