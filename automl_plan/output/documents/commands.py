"""The documents of errors, and of commands that import next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.errors import AutomlPlanError, ConfigurationError
from automl_plan.model.address import Address
from automl_plan.model.json import Count
from automl_plan.output.documents.base import OutputDocument, Part

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration


class Version(OutputDocument, frozen=True):
    """`version --json`"""

    version: str
    python: str
    platform: str


class Validate(OutputDocument, frozen=True):
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


class Fmt(OutputDocument, frozen=True):
    """`fmt --json`: the files that were not in canonical form."""

    check: bool
    """With --check: nothing was written, and the exit code is 1 where a file would change."""
    changed: tuple[FormattedFile, ...]


class EmulatorStatus(OutputDocument, frozen=True):
    """`emulator status --json` and `emulator start --json`; the other keys where it runs."""

    running: bool
    url: str | UnsetType = UNSET
    vertex_url: str | UnsetType | None = UNSET
    """Where Vertex AI is served at the root, as `--vertex-port` makes it; null: nowhere."""
    pid: int | UnsetType = UNSET
    trainer: Literal["auto", "sklearn", "simulated"] | UnsetType = UNSET
    time_scale: float | UnsetType | None = UNSET
    """How many simulated hours pass in an hour; null: an earlier version, which does not report
    it."""
    idle_timeout: float | UnsetType | None = UNSET
    """Seconds without a request after which it ends; 0: never; null as above."""
    started: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    readings: dict[str, str] | UnsetType = UNSET
    """The value of each reading: what it answers where Google's answers are not proved."""


class Reading(Part, frozen=True):
    """What the embedded service can answer where Google's answers are not proved."""

    name: str
    about: str
    values: dict[str, str]
    """What the service does, by value."""
    recorded: str
    """The default: as Google's published answers show."""
    former: str
    """What the service did before it had readings."""
    sources: tuple[str, ...]


class Readings(OutputDocument, frozen=True):
    """`emulator readings --json`."""

    readings: tuple[Reading, ...]


class DiagnosticAt(Part, frozen=True):
    """An error in the configuration, at one place."""

    file: str
    line: Count
    """Lines and columns count from 1; 0: it has none."""
    column: Count
    rule: str
    message: str
    hint: str | None
    source_line: str | None


class ErrorDetails(Part, frozen=True):
    """What happened, where, and what to do next."""

    type: str
    """The kind of error."""
    message: str
    where: str | None
    hint: str | None
    exit_code: int
    diagnostics: tuple[DiagnosticAt, ...] | UnsetType = UNSET
    """Of an invalid configuration."""


class Error(OutputDocument, frozen=True):
    """On standard output of any command with --json that failed; always one line."""

    error: ErrorDetails
    type: Literal["error"] = "error"

    @classmethod
    def of(cls, error: AutomlPlanError) -> Self:
        """Return the document of an error."""
        found = error.diagnostics if isinstance(error, ConfigurationError) else None
        return cls(
            ErrorDetails.filled(
                error,
                type=type(error).__name__,
                diagnostics=UNSET if found is None else tuple(map(DiagnosticAt.filled, found)),
            )
        )
