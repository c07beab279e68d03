"""Applies a plan."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from automl_plan.applying.events import ApplyResult, Event, EventType
from automl_plan.applying.planned import Planned
from automl_plan.applying.recovery import settle
from automl_plan.applying.refresh import accept_drift
from automl_plan.applying.schedule import Schedule
from automl_plan.applying.steps import Steps
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import Interrupted, PlanStale
from automl_plan.planning.options import PlanMode
from automl_plan.state.store import StateSession


def apply(
    workspace: Workspace,
    planned: Planned,
    *,
    parallelism: int = 10,
    detach: bool = False,
    on_event: Callable[[Event], None],
    command: str = "apply",
    lock_timeout: float = 0.0,
) -> ApplyResult:
    """Carry out a plan; every step is in the state before the next one begins.

    Changes that fail are in the result; those that need them are skipped, the others go on.
    Raises PlanStale before anything is sent, StateLocked, StateUnwritable, Interrupted.
    """
    with workspace.store.open(timeout=lock_timeout, command=command) as session:
        _check_fresh(workspace, planned, session)
        if planned.empty and not planned.plan.drift:
            return ApplyResult()
        provider = workspace.provider
        session.bind(provider.identity)
        for record in settle(session.state.resources, provider).values():
            session.record(record)
        accept_drift(session, planned.plan.drift, gone_too=planned.mode is PlanMode.REFRESH_ONLY)
        steps = Steps(provider, session, planned.desired, planned.sources)
        schedule = Schedule(
            planned.plan.changes,
            steps,
            provider.operation,
            parallelism=parallelism,
            detach=detach,
            on_event=on_event,
        )
        with _terminate_as_interrupt():
            try:
                return schedule.run()
            except KeyboardInterrupt:
                running = schedule.result(EventType.DETACHED).running
                raise _interrupted(len(running)) from None


def _check_fresh(workspace: Workspace, planned: Planned, session: StateSession) -> None:
    """Raise PlanStale when the plan was made of something else than what stands now."""
    if planned.configuration_digest != workspace.configuration.digest:
        raise PlanStale(
            "The configuration, or a variable, is not the one that the plan was made of.",
            hint="Plan again; for a saved plan give the same --var and --var-file.",
        )
    state = session.state
    if planned.lineage and planned.lineage != state.lineage:
        raise PlanStale("The plan was made of another state (its lineage differs).")
    if planned.serial != state.serial:
        raise PlanStale(
            f"The state changed after the plan was made (serial {planned.serial} then, "
            f"{state.serial} now).",
            hint="The plan may have been applied already. Plan again.",
        )


def _interrupted(running: int) -> Interrupted:
    if not running:
        return Interrupted("Interrupted; the state is saved and nothing is left running.")
    return Interrupted(
        f"Interrupted; the state is saved. {running} operation"
        f"{'s go' if running != 1 else ' goes'} on at the service.",
        hint="The next apply takes them up; `automl-plan operations list --running` shows "
        "them, `automl-plan operations cancel ID` ends one (used node hours are billed).",
    )


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
