"""Looks again for what the state does not know, directly before calls that are paid for.

A plan may be hours old when it is carried out, and another checkout may have begun the same. One
look serves all calls of the next seconds.
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
"""Steps that cost money, or load data: nothing of that is sent on the strength of a wrong state."""
_SHORTEST, _LONGEST = 1.0, 30.0
"""Seconds for which a look holds, at the least and at the most."""
_TIMES = 60
"""A look holds for so many times what it took; the next one is begun when half of that is over, so
that nothing waits for it."""


class PaidCallGuard:
    """The looks of one run; all but the calls runs on the thread that writes the state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        lineage: str,
        declared: Collection[Address],
        own: Set[str],
    ) -> None:
        """`lineage` is that of the plan, "" for one without a state.

        `own` grows with the ids and the tokens of all that the run begins and adopts.
        """
        self._provider = provider
        self._session = session
        self._lineage = lineage
        self._declared = declared
        self._own = own
        self._known = known_to(session.state.resources)
        self._live: Live | None = None
        """What was seen and not judged yet."""
        self._asked_on = False
        """Whether it tells on which datasets unknown trainings run."""
        self._wanted = self._under_way = False
        self._took = 0.0
        self._failure: ProviderError | None = None
        self._awaited: frozenset[str] | None = None
        """Tokens of trainings that were asked for when it was seen, and are still."""
        self._next = self._holds_until = 0.0

    def lets(self, step: Step | None) -> bool:
        """Whether a call may be sent now; for one that is paid for, a look is wanted where not."""
        if step not in PAID_STEPS:
            return True
        now = time.monotonic()
        self._wanted = self._wanted or now >= self._next
        return now < self._holds_until

    def failure(self) -> ProviderError | None:
        """Why the last look failed, told once; the next call that is paid for wants another."""
        failure, self._failure = self._failure, None
        return failure

    @property
    def over(self) -> bool:
        """Whether what waited for a look can be asked about again."""
        return not self._wanted or time.monotonic() < self._holds_until

    def next_call(self, beginning: Set[str]) -> Callable[[], Live] | None:
        """The request that the look which is wanted needs next; None when it needs none now.

        `beginning` are the tokens of trainings that are asked for now, whose operations are not
        known yet. Raises StateOutdated when something lives that the state should know.
        """
        if not self._wanted or self._under_way:
            return None
        if self._live is None:
            self._under_way = True
            return self._look
        resources = self._session.state.resources
        known = (
            self._known | known_to(resources) | Known(frozenset(self._own), frozenset(self._own))
        )
        trainings = unknown_trainings(self._live, known)
        if trainings and not self._asked_on:
            # What was asked for when the list came may be among them; what is later is not.
            self._awaited = frozenset(beginning if self._awaited is None else self._awaited)
            self._awaited &= beginning
            if self._awaited:
                return None
            self._under_way = self._asked_on = True
            return partial(with_datasets, self._live, trainings, resources, self._provider)
        found = unrecorded(self._live, known, self._lineage, resources, self._declared)
        if found:
            raise StateOutdated(
                "\n".join(reasons(found, self._lineage)),
                hint="What was done before is recorded, and what runs goes on at the service.",
            )
        self._end()
        holds = min(max(self._took * _TIMES, _SHORTEST), _LONGEST)
        self._next = time.monotonic() + holds / 2
        self._holds_until = self._next + holds / 2
        return None

    def take(self, answer: Callable[[], Live]) -> None:
        """Take what a request came back with."""
        self._under_way = False
        try:
            self._live = answer()
        except ProviderError as error:
            self._failure = error
            self._end()

    def _end(self) -> None:
        self._live, self._asked_on, self._awaited, self._wanted = None, False, None, False

    def _look(self) -> Live:
        begun = time.monotonic()
        live = self._provider.live_labels()
        self._took = time.monotonic() - begun
        return live
