"""The configuration: what the YAML of one directory says, checked and with variables filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from automl_plan.config.findings import Finding, KeyPath
from automl_plan.config.source_map import Position, SourceMap
from automl_plan.errors import Diagnostic
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Desired, Policy
from automl_plan.model.json import Json
from automl_plan.model.notices import Receiver
from automl_plan.model.prices import PriceBook

SECTION_OF = {ResourceKind.DATASET: "datasets", ResourceKind.MODEL: "models"}
"""The section of the configuration that declares each kind of resource."""


class ProviderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The chosen provider, with its settings; those that have a default are always there."""

    name: str
    """`local` or `automl`."""
    settings: Mapping[str, Json]


class Configuration(Struct, frozen=True):
    """What the YAML of one directory says."""

    directory: Path
    """Absolute."""
    provider: ProviderSettings
    capabilities: Capabilities
    """What that provider can do with these settings."""
    state_path: Path
    """Absolute; `state/default.json` in the directory when nothing is said."""
    desired: Desired
    """Every dataset's `data` is None: the content of sources is not looked at here."""
    policy: Policy
    """What plans may do."""
    lint: Mapping[str, str]
    """The severities that rules of the data lint have here. They are no part of the digest."""
    receivers: tuple[Receiver, ...]
    """Receivers of messages. Not in the digest: plans list them as contacts."""
    prices: PriceBook
    """The prices for cost estimates."""
    files: tuple[Path, ...]
    """What was read: its own files, var-files, the price book."""
    given: Mapping[str, str | None]
    """The variables that a flag, a file or the environment gives a value: a number or truth value
    as it is written there, None for a text, which may be secret. Not in the digest by itself."""
    given_values: Mapping[str, str | float | bool]
    """These values, texts too: to compare, never to show or to write."""
    digest: str
    """`sha256:` and a hex digest of what the configuration says. The order of keys, the split
    into files, formatting, comments and the directory don't matter."""
    _source_map: SourceMap

    def diagnostic(
        self, path: KeyPath, rule: str, message: str, hint: str | None = None
    ) -> Diagnostic:
        """Return a diagnostic at a path, for errors that are found after loading."""
        (found,) = self._source_map.diagnostics([Finding(path, rule, message, hint)])
        return found

    def place(self, section: str, *keys: str) -> Position | None:
        """Where a section that is no list of named things is written, if it is, or a key in it."""
        return self._source_map.key_position((section, *keys))

    def position(self, address: Address, field: str | None = None) -> Position | None:
        """Where a resource, or one of its fields (a dotted path), is written.

        A field that is not written has the position of the nearest key around it. The file is
        read again, once; None when it can't be or does not declare the resource any more.
        """
        path = (SECTION_OF[address.kind], address.name)
        return self._source_map.key_position((*path, *field.split(".")) if field else path)
