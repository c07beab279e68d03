"""What a named rule is: what a schema can't say, or can't say in words that help.

A rule is a function from the checked configuration to findings, with an id and one line of
meaning. It sees values of the right shape only, so any of them may be missing. To add one, write
it in `resource_rules` or `lifecycle_rules`; if it replaces a limit in the schema, name it in the
`$comment` there. Rules on what a provider alone has are in its `ProviderDefinition`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from automl_plan.config.findings import Finding, KeyPath
from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Capabilities, ProviderDefinition
from automl_plan.model.model_types import Problem

# Entries had their shape checked; Json would ask for that again at each step.
Entries: TypeAlias = Mapping[str, dict[str, Any]]


class ResolvedConfig(Struct, frozen=True):
    """The configuration with variables filled in, without what has a wrong shape."""

    provider: str | None
    """None when that section is wrong."""
    provider_settings: dict[str, Any]
    definition: ProviderDefinition
    """Of that provider, or of the one that is the default."""
    capabilities: Capabilities
    """What it can do with these settings."""
    state_path: str | None
    policy: Mapping[str, Any]
    lint: Mapping[str, str]
    """The severities of rules of the data lint."""
    notify: Entries
    prices_path: str | None
    """None: list prices, or a section that is wrong."""
    datasets: Entries
    models: Entries
    blocks: Mapping[str, Entries]
    """The blocks of `moved`, `removed` and `imports`, by their number."""
    broken: Collection[KeyPath]
    """The paths that were left out: what is not there, but was written."""
    complete: bool
    """Whether all files could be read."""

    @property
    def place(self) -> KeyPath:
        """The path of the provider's settings."""
        return ("provider", str(self.provider))

    def adopted_id(self, block: Mapping[str, Any]) -> str:
        """Return the id in a block of `imports`, which may be a full name of the service's.

        Raises ValueError for a name of another place or kind.
        """
        kind, _, _ = block.get("to", "").partition(".")
        return self.definition.object_id(
            block["id"],
            ResourceKind(kind) if kind in [*ResourceKind] else None,
            self.provider_settings,
        )

    def resources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The section, the name and the entry of each resource."""
        for name, entry in self.datasets.items():
            yield "datasets", name, entry
        for name, entry in self.models.items():
            yield "models", name, entry


class Rule(Struct, frozen=True):
    """A named rule: its id, what must hold, and what finds where it does not."""

    id: str
    meaning: str
    check: Callable[[ResolvedConfig], Iterator[Finding]]


_Check: TypeAlias = Callable[[ResolvedConfig], Iterator[Finding]]


def registrar(rules: dict[str, Rule]) -> Callable[[str, str], Callable[[_Check], _Check]]:
    """What makes named rules of functions, and keeps them in `rules`."""

    def rule(rule_id: str, meaning: str) -> Callable[[_Check], _Check]:
        def register(check: _Check) -> _Check:
            rules[rule_id] = Rule(rule_id, meaning, check)
            return check

        return register

    return rule


def problem_of(entry: Mapping[str, Any]) -> Problem | None:
    """The kind of a dataset or a model."""
    return next((problem for problem in Problem if problem in entry), None)
