"""Vertex AI v1: the states of jobs and pipelines (job_state.proto, pipeline_state.proto)."""

from collections.abc import Mapping

from automl_plan.emulator.errors import Code
from automl_plan.emulator.objects import Operation
from automl_plan.emulator.sql_filters import Term, all_of, compare, equals, negate
from automl_plan.emulator.vertex import filters

PENDING, RUNNING, SUCCEEDED, FAILED = "PENDING", "RUNNING", "SUCCEEDED", "FAILED"
CANCELLING, CANCELLED = "CANCELLING", "CANCELLED"
PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
"""Of jobs only."""
_NUMBERS = {
    PENDING: 2,
    RUNNING: 3,
    SUCCEEDED: 4,
    FAILED: 5,
    CANCELLING: 6,
    CANCELLED: 7,
    PARTIALLY_SUCCEEDED: 11,
}
"""The same for both kinds."""
_NEVER = ("QUEUED", "PAUSED", "EXPIRED", "UPDATING")
"""States that the emulator doesn't have."""


def state_of(operation: Operation, *, partial: bool = False) -> str:
    """Return the state of an operation that is shown as a job or a pipeline.

    With `partial`, success with some failed items has a state of its own.
    """
    if operation.done:
        if operation.error is None:
            some_failed = operation.counts is not None and operation.counts.failed
            return PARTIALLY_SUCCEEDED if partial and some_failed else SUCCEEDED
        return CANCELLED if operation.error.code is Code.CANCELLED else FAILED
    if operation.cancel_requested:
        return CANCELLING
    return RUNNING if operation.started is not None else PENDING


def state_value(prefix: str, state: str, *, enums: bool) -> int | str:
    """Return a state as messages have it: a number, or a name with its prefix."""
    return _NUMBERS[state] if enums else prefix + state


def state_term(prefix: str, *, partial: bool = False) -> filters.FieldTerm:
    """Accept `=` and `!=` with a state, by the columns that `state_of` derives it from."""
    done, succeeded = equals("done", 1), equals("error_code", None)
    cancelled = equals("error_code", int(Code.CANCELLED))
    cancelling = equals("cancel_requested", 1)
    started = equals("started", None, negated=True)
    never = all_of([done, negate(done)])
    some_failed = compare("json_extract(counts, '$[1]')", ">", 0) if partial else never
    terms: Mapping[str, Term] = {
        SUCCEEDED: all_of([done, succeeded, negate(some_failed)]),
        PARTIALLY_SUCCEEDED: all_of([done, succeeded, some_failed]),
        CANCELLED: all_of([done, cancelled]),
        FAILED: all_of([done, negate(cancelled), negate(succeeded)]),
        CANCELLING: all_of([negate(done), cancelling]),
        RUNNING: all_of([negate(done), negate(cancelling), started]),
        PENDING: all_of([negate(done), negate(cancelling), negate(started)]),
        **dict.fromkeys(_NEVER, never),
    }

    def term(comparison: filters.Comparison) -> Term:
        found = terms.get(comparison.value.removeprefix(prefix))
        if found is None:
            raise filters.bad_comparison(comparison)
        return negate(found) if filters.is_negated(comparison) else found

    return term
