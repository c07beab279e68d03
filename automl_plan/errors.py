"""Every failure a user can meet, as one tree.

::

    AutomlPlanError                     exit code 1 unless a subclass says otherwise
    ├── ConfigurationError              the YAML or the variables; carries all diagnostics
    ├── UsageError                      flags or arguments that make no sense together
    ├── OutputUnwritable                a file that output was to go into
    ├── PriceBookInvalid                a file of prices that is not one
    ├── SourceError                     an import CSV, or a file that it names, can't be read
    ├── StagingError                    local data can't be uploaded for an import
    ├── StateError                      the state file
    │   ├── StateUnreadable             torn, not ours, or of a newer format
    │   ├── StateUnwritable             no room, no permission
    │   ├── StateForeign                of another lineage or another provider
    │   ├── StateConflict               an object would be recorded under two addresses
    │   ├── StateOutdated               live objects bear its labels, unknown to it (exit code 3)
    │   ├── StateMigrating              a migration that version 0.1 began is not finished
    │   └── StateLocked                 another process works on it (exit code 4)
    ├── PlanError
    │   ├── PlanFileInvalid             not a plan, or not one of this version
    │   ├── PlanStale                   the world moved on since it was made
    │   ├── StartedOtherwise            what was started is not what is declared (exit code 3)
    │   └── PlanRefused                 approval missing, or forbidden (exit code 3)
    ├── GateRejected                    a new version does not meet its requirements (exit code 3)
    ├── ImportIncomplete                a dataset holds fewer images than were imported into it
    ├── UnsettledOperation              it is not known whether a paid call arrived
    ├── ApplyFailed                     some changes failed; the others were carried out
    ├── OperationsRunning               detached: work goes on at the service (exit code 5)
    ├── Interrupted                     Ctrl-C (exit code 130)
    ├── CodeHostError                   GitHub does not take a comment
    │   └── CodeHostUnreachable         no whole answer: whether it acted is not known
    ├── EmulatorError                   the embedded service does not start or answer
    └── ProviderError
        ├── CredentialsError            none found, expired, or refused before use
        ├── TransportError              no whole answer; `sent`: may it have arrived?
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
            ├── OperationCancelled      … because somebody cancelled it
            └── ImportPartial           … an import, that the service refused rows of

An error says what happened (`message`), where (`where`) and what to do next (`hint`).
This module imports nothing of ours, so every part may raise these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class AutomlPlanError(Exception):
    """A failure that is told to the user in full, without a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class Diagnostic(NamedTuple):  # no Struct: completion loads this module, and has none else
    """One thing wrong with the configuration, at one place.

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
    """The configuration is wrong; every finding of the run is in `diagnostics`."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        count = len(diagnostics)
        super().__init__(f"The configuration has {count} error{'s' if count != 1 else ''}.")
        self.diagnostics = tuple(diagnostics)


class UsageError(AutomlPlanError):
    """Flags or arguments that make no sense together, or name what does not exist."""


class OutputUnwritable(AutomlPlanError):
    """A file that output was to go into can't be written."""


class PriceBookInvalid(AutomlPlanError):
    """A file of prices that can't be read, or is not one."""


class SourceError(AutomlPlanError):
    """An import CSV, or a file that it names, can't be read."""


class StagingError(AutomlPlanError):
    """Local data can't be uploaded to where the service imports it from; nothing was imported."""


class StateError(AutomlPlanError):
    """Something is wrong with the state file."""


class StateUnreadable(StateError):
    """The state is torn, is not a state, or has a newer format than this version reads."""


class StateUnwritable(StateError):
    """The state can't be written: no room, or no permission."""


class StateForeign(StateError):
    """The state belongs to another lineage or another provider."""


class StateConflict(StateError):
    """An object is recorded under one address, and would be under another one as well."""


class StateOutdated(StateError):
    """Live objects bear its labels, and it does not know them: nothing is paid for."""

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
    """The plan may not be applied: approval is missing, or something forbids it."""

    exit_code = 3


class StartedOtherwise(PlanError):
    """What was started is recorded, and is not what is declared: a person decides."""

    exit_code = 3


class GateRejected(AutomlPlanError):
    """A newly trained version does not meet what is required; the current one stays.

    `serves`: whether a version is deployed all the same; None where that could not be asked.
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


class ImportIncomplete(AutomlPlanError):
    """A dataset holds fewer images at the service than were imported; nothing is trained on it."""


class UnsettledOperation(AutomlPlanError):
    """A call was cut off and it can't be proved whether the service received it."""


class ApplyFailed(AutomlPlanError):
    """Some changes failed or were held back; the others were carried out and recorded."""


class OperationsRunning(AutomlPlanError):
    """All that could be started is started; the work goes on at the service."""

    exit_code = 5


class Interrupted(AutomlPlanError):
    """The user interrupted the run; the state is saved."""

    exit_code = 130


class CodeHostError(AutomlPlanError):
    """The host of a pull request refuses what is asked of it."""


class CodeHostUnreachable(CodeHostError):
    """There was no whole answer, so whether the host acted is not known."""


class EmulatorError(AutomlPlanError):
    """The embedded service does not start, or does not answer."""


class ProviderError(AutomlPlanError):
    """A call to the service did not do what was asked."""


class CredentialsError(ProviderError):
    """No credentials were found, or they can't be used."""


class TransportError(ProviderError):
    """No whole answer arrived.

    `sent` is False when it is certain that the service did not receive the request (no
    connection was made), True when it may have acted on it. `accepted` is True when the service
    answered that it did, and only what it said besides can't be used.
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
    """The request is wrong, whatever the state of the service."""

    status = "INVALID_ARGUMENT"


class FailedPrecondition(ApiError):
    """The request does not fit the present state of the service."""

    status = "FAILED_PRECONDITION"


class OutOfRange(ApiError):
    """A value lies past the valid range."""

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
    """There is such an object already."""

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
