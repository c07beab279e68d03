"""Lets no paid call through before the service was checked for objects that the state lacks.

A plan may be hours old when it is carried out, and another checkout may have started the same. One
check serves all calls of the next seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Set
from functools import partial

from automl_plan.errors import ProviderError, StateOutdated
from automl_plan.model.address import Address
from automl_plan.model.live import Live
from automl_plan.model.recorded import Step
from automl_plan.planning.unrecorded import Known, known_to, reasons, unrecorded
from automl_plan.providers.protocol import Provider
from automl_plan.state.store import StateSession
from automl_plan.workspace.unrecorded import unknown_trainings, with_datasets

PAID_STEPS = frozenset({Step.IMPORT_DATA, Step.TRAIN, Step.DEPLOY})
"""Steps that cost money, or load data: none of them is sent from an outdated state."""
_SHORTEST, _LONGEST = 1.0, 30.0
"""Seconds for which a check is valid, at least and at most."""
_TIMES = 60
"""A check is valid for this many times what it took. The next one starts when half of that is over,
so that nothing waits for it."""


class PaidCallGuard:
    """The checks of one run; all but their calls runs on the thread that writes the state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        lineage: str,
        declared: Collection[Address],
        own: Set[str],
    ) -> None:
        """`lineage` is that of the plan, "" for one without a state.

        `own` grows with the ids and the tokens of all that the run starts and adopts.
        """
        self._provider = provider
        self._session = session
        self._lineage = lineage
        self._declared = declared
        self._own = own
        self._known = known_to(session.state.resources)
        self._live: Live | None = None
        """What a check found that is not judged yet."""
        self._has_datasets = False
        """Whether that says on which datasets unknown trainings are running."""
        self._wanted = self._under_way = False
        self._took = 0.0
        self._failure: ProviderError | None = None
        self._starting: frozenset[str] | None = None
        """Tokens of trainings that were not answered when it was listed, and still are not."""
        self._next = self._valid_until = 0.0

    def allows(self, step: Step | None) -> bool:
        """Whether a call may be sent now. For a paid one, requests a check where it may not."""
        if step not in PAID_STEPS:
            return True
        now = time.monotonic()
        self._wanted = self._wanted or now >= self._next
        return now < self._valid_until

    def pop_failure(self) -> ProviderError | None:
        """Return, once, why the last check failed; the next paid call requests another."""
        failure, self._failure = self._failure, None
        return failure

    @property
    def idle(self) -> bool:
        """Whether no deferred call waits for a check."""
        return not self._wanted or time.monotonic() < self._valid_until

    def next_call(self, starting: Set[str]) -> Callable[[], Live] | None:
        """Return the next request of the check that is wanted; None when none is needed now.

        `starting` are the tokens of trainings whose calls were sent and not answered. Raises
        StateOutdated when the service has objects that the state should contain.
        """
        if not self._wanted or self._under_way:
            return None
        if self._live is None:
            self._under_way = True
            return self._list
        resources = self._session.state.resources
        known = (
            self._known | known_to(resources) | Known(frozenset(self._own), frozenset(self._own))
        )
        trainings = unknown_trainings(self._live, known)
        if trainings and not self._has_datasets:
            # Those that were starting when the list came may be among them; later ones are not.
            self._starting = frozenset(starting if self._starting is None else self._starting)
            self._starting &= starting
            if self._starting:
                return None
            self._under_way = self._has_datasets = True
            return partial(with_datasets, self._live, trainings, resources, self._provider)
        found = unrecorded(self._live, known, self._lineage, resources, self._declared)
        if found:
            raise StateOutdated(
                "\n".join(reasons(found, self._lineage)),
                hint="What was done before is recorded, and what is running continues.",
            )
        self._end()
        valid = min(max(self._took * _TIMES, _SHORTEST), _LONGEST)
        self._next = time.monotonic() + valid / 2
        self._valid_until = self._next + valid / 2
        return None

    def take(self, result: Callable[[], Live]) -> None:
        """Take the answer to a request; `result` returns or raises it."""
        self._under_way = False
        try:
            self._live = result()
        except ProviderError as error:
            self._failure = error
            self._end()

    def _end(self) -> None:
        self._live, self._has_datasets, self._starting, self._wanted = None, False, None, False

    def _list(self) -> Live:
        started = time.monotonic()
        live = self._provider.live_labels()
        self._took = time.monotonic() - started
        return live
