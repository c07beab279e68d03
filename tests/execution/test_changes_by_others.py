"""Whatever others do at endpoints: no deployment ends that no plan named, no share of theirs moves.

A few random changes by others between runs, over HTTP, from seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from automl_plan.planning.plan import Action
from tests.execution.test_vertex_deployments import Shared, shared, tail

__all__ = ["shared"]

ROUNDS = 4
Deployment = tuple[str, str]
"""Ids of an endpoint and of a deployment there."""


class Others:
    """Colleagues who work at the same endpoints, by chance: more at those that serve already."""

    def __init__(self, shared: Shared, seed: int) -> None:
        self._shared = shared
        self._chance = Random(seed)
        self.done: list[str] = []

    def act(self) -> None:
        actions: list[Callable[[str], bool]] = [
            self._undeploy,
            self._split,
            self._unlabel,
            self._deploy,
            self._delete,
        ]
        endpoints = sorted(self._shared.serving())
        for action in self._chance.choices(actions, (1, 4, 1, 4, 1), k=3):
            if endpoints and action(self._chance.choice(endpoints)):
                self.done.append(action.__name__)
                endpoints = sorted(self._shared.serving())

    def _undeploy(self, endpoint: str) -> bool:
        there = self._shared.serving()[endpoint]
        if not there:
            return False
        gone = self._chance.choice(sorted(there))
        left = sorted(there.keys() - {gone})
        if left:
            self._shared.shift(endpoint, {left[0]: 100})
        self._shared.undeploy(endpoint, gone)
        return True

    def _split(self, endpoint: str) -> bool:
        there = sorted(self._shared.serving()[endpoint])
        if len(there) < 2:
            return False
        share = self._chance.choice([0, 30, 100])
        self._shared.shift(endpoint, {there[0]: share, there[1]: 100 - share})
        return True

    def _unlabel(self, endpoint: str) -> bool:
        self._shared.ask(f"endpoints/{endpoint}?updateMask=labels", {"labels": {}}, "PATCH")
        return True

    def _deploy(self, endpoint: str) -> bool:
        there = self._shared.serving()[endpoint]
        models = [tail(m["name"]) for m in self._shared.ask("models", method="GET")["models"]]
        free = sorted(set(models) - there.keys())
        if not free:
            return False
        self._shared.deploy_at(endpoint, self._chance.choice(free), alone=not there)
        return True

    def _delete(self, endpoint: str) -> bool:
        if endpoint == "theirs" or not self._shared.serving()[endpoint]:
            return False
        self._shared.end(endpoint)
        return True


def deployments(shared: Shared) -> dict[Deployment, tuple[str, int]]:
    """All of them: the model, and its percent of the requests."""
    found = {}
    for endpoint in shared.ask("endpoints", method="GET").get("endpoints", ()):
        split: dict[str, Any] = endpoint.get("trafficSplit", {})
        for deployed in endpoint.get("deployedModels", ()):
            place = (tail(endpoint["name"]), deployed["id"])
            found[place] = (tail(deployed["model"]), split.get(deployed["id"], 0))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_whatever_others_do_theirs_is_left(shared: Shared, seed: int) -> None:
    shared.declare("digits", "other")
    shared.settled()
    shared.deploy_elsewhere(shared.current(), shared.current("other"))
    others = Others(shared, seed)
    for turn in range(ROUNDS):
        others.act()
        shared.declare("digits", "other", nodes=1 + turn % 2, budget=8000 + 1000 * (turn // 2))
        before = deployments(shared)
        plan = shared.plan().plan
        assert plan.refused == (), (others.done, plan.refused)
        ended = {
            (change.object_id, endpoint)
            for change in plan.changes
            if change.action in (Action.UNDEPLOY, Action.DEPLOY)
            for endpoint in change.endpoints
        }
        resources = shared.state().resources
        ours = {
            (home.id, obj.id)
            for address, home in plan.endpoints.items()
            for obj in resources[address].objects
        }
        result = shared.apply()
        assert not result.failed, (others.done, result.failed)
        after = deployments(shared)
        for place, (model, share) in before.items():
            if place not in after:
                assert (model, place[0]) in ended, (others.done, place)
            elif (place[0], model) not in ours:
                assert after[place] == (model, share), (others.done, place)
        assert shared.actions() == [], others.done
