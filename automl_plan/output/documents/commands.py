"""The documents of the other commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.model.address import Address
from automl_plan.output.documents.base import Document, Part

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration


class Version(Document, frozen=True):
    """`version --json`"""

    version: str
    python: str
    platform: str


class Validate(Document, frozen=True):
    """`validate --json` of a valid configuration; of an invalid one it is an error."""

    datasets: tuple[Address, ...]
    models: tuple[Address, ...]
    valid: Literal[True] = True

    @classmethod
    def of(cls, configuration: Configuration) -> Self:
        """Return the document of a valid configuration."""
        desired = configuration.desired
        return cls(tuple(sorted(desired.datasets)), tuple(sorted(desired.models)))


class FormattedFile(Part, frozen=True):
    """A file that was not in canonical form."""

    file: str
    diff: str | None
    """With --diff: a unified diff."""


class Fmt(Document, frozen=True):
    """`fmt --json`: the files that were not in canonical form."""

    check: bool
    """With --check: nothing was written, and the exit code is 1 where a file would change."""
    changed: tuple[FormattedFile, ...]


class EmulatorStatus(Document, frozen=True):
    """`emulator status --json` and `emulator start --json`; the other keys where it runs."""

    running: bool
    url: str | UnsetType = UNSET
    pid: int | UnsetType = UNSET
    trainer: Literal["sklearn", "simulated"] | UnsetType = UNSET
    time_scale: float | UnsetType | None = UNSET
    """How many simulated hours pass in an hour; null: an earlier version, which does not report
    it."""
    idle_timeout: float | UnsetType | None = UNSET
    """Seconds without a request after which it ends; 0: never; null as above."""
    started: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
