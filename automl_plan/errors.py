"""Every failure a user can meet, as one tree.

::

    AutomlPlanError                     exit code 1 unless a subclass says otherwise
    ├── ConfigurationError              the YAML or the variables; carries all diagnostics
    ├── UsageError                      invalid flags or arguments
    ├── OutputUnwritable                an output file can't be written
    ├── PriceBookInvalid                an invalid price book
    ├── SourceError                     an import CSV, or a file in it, can't be read
    ├── StagingError                    local data can't be uploaded for an import
    ├── StateError                      the state file
    │   ├── StateUnreadable             torn, not ours, or of a newer format
    │   ├── StateUnwritable             no room, no permission
    │   ├── StateForeign                of another lineage or another provider
    │   ├── StateConflict               an object would be recorded under two addresses
    │   ├── StateOutdated               live objects with its labels are unrecorded (exit code 3)
    │   ├── StateMigrating              a migration that version 0.1 began is not finished
    │   └── StateLocked                 another process uses it (exit code 4)
    ├── PlanError
    │   ├── PlanFileInvalid             not a plan, or not one of this version
    │   ├── PlanStale                   the state or configuration has changed since
    │   ├── StartedOtherwise            a running operation differs from the configuration (code 3)
    │   └── PlanRefused                 not approved, or refused by a rule (exit code 3)
    ├── GateNotPassed                   a new version does not become current (exit code 3)
    │   ├── GateRejected                it does not meet its requirements
    │   └── GateUndecided               a number that a requirement needs is not reported
    ├── ImportIncomplete                a dataset has fewer images than were imported
    ├── UnsettledOperation              whether a paid call arrived is unknown
    ├── ApplyFailed                     some changes failed; the others were carried out
    ├── OperationsRunning               detached: operations are still running (exit code 5)
    ├── Interrupted                     Ctrl-C (exit code 130)
    ├── CodeHostError                   GitHub rejects a request
    │   └── CodeHostUnreachable         no complete response: the outcome is unknown
    ├── EmulatorError                   the embedded service does not start or answer
    └── ProviderError
        ├── CredentialsError            none found, expired, or refused before use
        ├── TransportError              no complete response; `sent`: may it have arrived?
        ├── ApiError                    an answer with an error; one subclass per google.rpc code
        │   ├── InvalidArgument  FailedPrecondition  OutOfRange       400
        │   ├── Unauthenticated                                        401
        │   ├── PermissionDenied                                       403
        │   ├── NotFound                                               404
        │   ├── AlreadyExists  Aborted                                 409
        │   ├── ResourceExhausted                                      429
        │   ├── Cancelled                                              499
        │   ├── Internal  Unknown  DataLoss                            500
        │   ├── Unimplemented                                          501
        │   ├── Unavailable                                            503
        │   └── DeadlineExceeded                                       504
        └── OperationFailed             a long-running operation ended with an error
            ├── OperationCancelled      … because it was cancelled
            └── ImportPartial           … an import of which rows were refused

An error says what happened (`message`), where (`where`) and what to do next (`hint`).
This module imports nothing of ours, so every part may raise these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class AutomlPlanError(Exception):
    """A failure that is reported to the user without a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class Diagnostic(NamedTuple):  # no Struct: completion loads this module, and has none else
    """One error in the configuration, at one place.

    Lines and columns count from 1; 0 means that the place has none (a file that can't be
    read, a variable given on the command line).
    """

    file: str
    line: int
    column: int
    rule: str
    message: str
    hint: str | None = None
    source_line: str | None = None


class ConfigurationError(AutomlPlanError):
    """The configuration is invalid; `diagnostics` has every finding of the run."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = len(diagnostics)
        super().__init__(f"The configuration has {count} error{'s' if count != 1 else ''}.")
        self.diagnostics = tuple(diagnostics)


class UsageError(AutomlPlanError):
    """Flags or arguments that are invalid together, or name something that does not exist."""


class OutputUnwritable(AutomlPlanError):
    """An output file can't be written."""


class PriceBookInvalid(AutomlPlanError):
    """A price book can't be read or is invalid."""


class SourceError(AutomlPlanError):
    """An import CSV, or a file that it lists, can't be read."""


class StagingError(AutomlPlanError):
    """Local data can't be uploaded to the staging bucket; nothing was imported."""


class StateError(AutomlPlanError):
    """Something is wrong with the state file."""


class StateUnreadable(StateError):
    """The state is damaged, is not a state, or has a newer format."""


class StateUnwritable(StateError):
    """The state can't be written: no room, or no permission."""


class StateForeign(StateError):
    """The state belongs to another lineage or another provider."""


class StateConflict(StateError):
    """An object would be recorded under two addresses."""


class StateOutdated(StateError):
    """Live objects have the state's labels but are not recorded: nothing is paid for."""

    exit_code = 3


class StateMigrating(StateError):
    """Version 0.1 began to migrate it to another provider; only that version can finish it."""


class StateLocked(StateError):
    """Another process works on this state."""

    exit_code = 4


class PlanError(AutomlPlanError):
    """Something is wrong with a plan."""


class PlanFileInvalid(PlanError):
    """A file that is not a plan, or not one that this version reads."""


class PlanStale(PlanError):
    """The state or the configuration changed after the plan was made."""


class PlanRefused(PlanError):
    """The plan is refused: it was not approved, or a rule forbids it."""

    exit_code = 3


class StartedOtherwise(PlanError):
    """A recorded operation differs from the configuration: a person has to decide."""

    exit_code = 3


class GateNotPassed(AutomlPlanError):
    """A newly trained version does not become current; the one that is current stays.

    `serves`: whether a version is deployed; None where that is unknown.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        serves: bool | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.serves = serves


class GateRejected(GateNotPassed):
    """A newly trained version does not meet its requirements."""


class GateUndecided(GateNotPassed):
    """The service does not report a number that a requirement needs; a person has to decide."""


class ImportIncomplete(AutomlPlanError):
    """The service has fewer images of a dataset than were imported; no model is trained on it."""


class AnnotationSetsUnclear(AutomlPlanError):
    """It is not known which annotation set of a dataset holds the declared data.

    No model is trained on it.
    """


class UnsettledOperation(AutomlPlanError):
    """A call was interrupted, and whether the service received it can't be proved."""


class ApplyFailed(AutomlPlanError):
    """Some changes failed or were held back; the others were carried out and recorded."""


class OperationsRunning(AutomlPlanError):
    """Everything that could start has started and is still running at the service."""

    exit_code = 5


class Interrupted(AutomlPlanError):
    """The user interrupted the run; the state is saved."""

    exit_code = 130


class CodeHostError(AutomlPlanError):
    """The code host rejects a request."""


class CodeHostUnreachable(CodeHostError):
    """There was no complete response: whether the host acted is unknown."""


class EmulatorError(AutomlPlanError):
    """The embedded service does not start, or does not answer."""


class ProviderError(AutomlPlanError):
    """A call to the service failed."""


class CredentialsError(ProviderError):
    """No credentials were found, or they can't be used."""


class TransportError(ProviderError):
    """No complete response arrived.

    `sent` is False when the service certainly did not receive the request (no connection was
    made), True when it may have acted on it. `accepted` is True when the service responded that it
    did, but the rest of its response is unusable.
    """

    def __init__(
        self,
        message: str,
        *,
        sent: bool,
        accepted: bool = False,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.sent = sent
        self.accepted = accepted


class AnswerTooLarge(TransportError):
    """An answer above the limit; a second one would be as large."""


class ApiError(ProviderError):
    """The service answered with an error (google.rpc.Status in its HTTP envelope)."""

    status = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        http_status: int = 0,
        retry_after: float | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.http_status = http_status
        self.retry_after = retry_after
        """Seconds the service asks to wait (Retry-After or google.rpc.RetryInfo)."""


class InvalidArgument(ApiError):
    """The request is invalid, regardless of the state of the service."""

    status = "INVALID_ARGUMENT"


class FailedPrecondition(ApiError):
    """The service is not in a state for this request."""

    status = "FAILED_PRECONDITION"


class OutOfRange(ApiError):
    """A value is out of range."""

    status = "OUT_OF_RANGE"


class Unauthenticated(ApiError):
    """The credentials were not accepted."""

    status = "UNAUTHENTICATED"


class PermissionDenied(ApiError):
    """The caller lacks a permission, or the API is off."""

    status = "PERMISSION_DENIED"


class NotFound(ApiError):
    """There is no such object."""

    status = "NOT_FOUND"


class AlreadyExists(ApiError):
    """The object already exists."""

    status = "ALREADY_EXISTS"


class Aborted(ApiError):
    """A concurrent change won (an etag did not match)."""

    status = "ABORTED"


class ResourceExhausted(ApiError):
    """A quota or a rate limit is used up."""

    status = "RESOURCE_EXHAUSTED"


class Cancelled(ApiError):
    """The call was cancelled."""

    status = "CANCELLED"


class Internal(ApiError):
    """The service failed."""

    status = "INTERNAL"


class Unknown(ApiError):
    """The service failed without saying how."""

    status = "UNKNOWN"


class DataLoss(ApiError):
    """The service lost data."""

    status = "DATA_LOSS"


class Unimplemented(ApiError):
    """The service does not have this method."""

    status = "UNIMPLEMENTED"


class Unavailable(ApiError):
    """The service can't answer now."""

    status = "UNAVAILABLE"


class DeadlineExceeded(ApiError):
    """The service did not finish in time; it may have acted all the same."""

    status = "DEADLINE_EXCEEDED"


class OperationFailed(ProviderError):
    """A long-running operation ended with an error (its google.rpc.Status)."""


class OperationCancelled(OperationFailed):
    """A long-running operation was cancelled (google.rpc code 1)."""


class ImportPartial(OperationFailed):
    """The service refused rows of an import; the others are imported."""
