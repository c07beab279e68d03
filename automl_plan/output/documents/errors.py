"""The document of a command that failed."""

from __future__ import annotations

from typing import Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.errors import AutomlPlanError, ConfigurationError
from automl_plan.output.documents.base import Count, Document, Part


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


class Error(Document, frozen=True):
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
