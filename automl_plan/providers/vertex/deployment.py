"""Deployments at Vertex AI: an endpoint, the model at it, its traffic; one call at a time.

All versions of a declared model answer at one endpoint, so that whoever asks for predictions
keeps its address when a new version takes the place of the current one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from automl_plan.errors import AlreadyExists, NotFound, Unavailable
from automl_plan.providers.transport import HttpTransport
from automl_plan.providers.values import items, mapping, tail
from automl_plan.providers.vertex.requests import (
    deploy_body,
    deployment_id,
    endpoint_body,
    endpoint_id,
    is_ours,
)
from automl_plan.providers.vertex.wire import (
    Deployed,
    LiveEndpoint,
    endpoint,
    model,
    operation,
)
from automl_plan.providers.writes import checked_id, opened
from automl_plan.resources.live import LiveModel, Operation, OperationKind
from automl_plan.resources.marks import ADDRESS

_LOOKS, _PAUSE = 20, 0.5
"""How often, and after how many seconds, is looked for what another call is just making."""


class Deployments:
    """What is deployed in one project and location."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent

    def deploy(self, model: LiveModel, node_count: int) -> Operation | None:
        """The next call of: make the endpoint, deploy there, take away what was there before.

        Replicas can't be changed (proto: AutomaticResources), so another number is another
        deployment, which takes over the traffic before the former one ends.
        """
        home = endpoint_id(model)
        there = self._endpoint(home)
        if there is None:
            return self._create(home, model)
        wanted = deployment_id(model.id, node_count)
        mine = [d for d in there.deployed if d.model_id == model.id]
        fits = [d for d in mine if d.id == wanted or d.replicas == node_count]
        if not fits:
            return self._deploy(home, model, node_count)
        kept = max(fits, key=lambda d: there.traffic.get(d.id, 0))
        if there.traffic.get(kept.id) != 100:
            split = {"trafficSplit": {kept.id: 100}}
            path = self._path(home)
            self._transport.repeatable("PATCH", path, split, {"updateMask": "trafficSplit"})
        surplus = next((d for d in mine if d.id != kept.id), None)
        return None if surplus is None else self._undeploy(home, surplus)

    def undeploy(self, answer: Mapping[str, Any]) -> Operation | None:
        """The next call of: end each deployment of a model, delete our endpoint if it is empty."""
        model_id = tail(answer.get("name")).partition("@")[0]
        for there in self.serving(answer):
            for deployed in there.deployed:
                if deployed.model_id == model_id:
                    begun = self._undeploy(there.id, deployed)
                    if begun is not None:
                        return begun
        home = endpoint_id(model(answer, None, ()))
        return self._close(home) if self._is_left(home) else None

    def leave(self, model_id: str) -> None:
        """Delete our endpoint if it is empty, and no other version could be deployed there.

        A deployment that failed, or that nobody wanted any more, left it.
        """
        path = f"/v1/{self._parent}/models"
        try:
            leaving = model(self._transport.get(f"{path}/{checked_id(model_id)}"), None, ())
        except NotFound:
            return
        home = endpoint_id(leaving)
        if self._is_left(home) and not self._others(path, leaving):
            self._close(home)

    def _others(self, path: str, leaving: LiveModel) -> bool:
        """Whether another model that lives is of the same address."""
        mark = leaving.labels.get(ADDRESS)
        if mark is None:
            return False
        asked = {"filter": f'labels.{ADDRESS}="{mark}"'}
        found = self._transport.pages(path, "models", asked)
        return any(model(answer, None, ()).id != leaving.id for answer in found)

    def _is_left(self, home: str) -> bool:
        """Whether an endpoint is ours, and nothing is deployed there."""
        left = self._endpoint(home)
        return left is not None and not left.deployed and is_ours(home, left.labels)

    def _close(self, home: str) -> Operation | None:
        """Delete an endpoint; refused by the service while anything is deployed there."""
        path = self._path(home)
        try:
            ended = operation(self._transport.repeatable("DELETE", path), self._parent)
        except NotFound:
            return None
        return opened(ended, f"DELETE {path}")

    def serving(self, answer: Mapping[str, Any]) -> list[LiveEndpoint]:
        """The endpoints of this location that a Model is deployed at."""
        found = (self._endpoint(each) for each in self._named_by(answer))
        return [there for there in found if there is not None]

    def homes(self, model: LiveModel, answer: Mapping[str, Any]) -> list[str]:
        """The ids of endpoints whose operations may be about a model."""
        return sorted({endpoint_id(model), *self._named_by(answer)})

    def _named_by(self, answer: Mapping[str, Any]) -> Iterator[str]:
        """A model may be deployed in other locations too, which are not ours."""
        location = self._parent.rpartition("/")[2]
        names = (str(mapping(each).get("endpoint")) for each in items(answer.get("deployedModels")))
        found = {tail(name) for name in names if name.split("/")[3:4] == [location]}
        yield from sorted(found)

    def _create(self, home: str, model: LiveModel) -> Operation | None:
        path = f"/v1/{self._parent}/endpoints"
        query = {"endpointId": home}
        try:
            answer = self._transport.repeatable("POST", path, endpoint_body(model), query)
        except AlreadyExists:
            # An answer was lost, or another run is faster.
            return self._under_way(home, OperationKind.CREATE_ENDPOINT)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _deploy(self, home: str, model: LiveModel, node_count: int) -> Operation | None:
        path = self._path(home, "deployModel")
        name = f"{self._parent}/models/{checked_id(model.id)}"
        try:
            answer = self._transport.once("POST", path, deploy_body(name, model, node_count))
        except AlreadyExists:
            return self._under_way(home, OperationKind.DEPLOY_MODEL)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _undeploy(self, home: str, deployed: Deployed) -> Operation | None:
        """None when it is gone: an answer was lost, or another run is faster."""
        path = self._path(home, "undeployModel")
        try:
            answer = self._transport.repeatable("POST", path, {"deployedModelId": deployed.id})
        except NotFound:
            return None
        return opened(operation(answer, self._parent), f"POST {path}")

    def _under_way(self, home: str, kind: OperationKind) -> Operation:
        """The operation that makes what is refused as being there already."""
        path = f"{self._path(home)}/operations"
        for _ in range(_LOOKS):
            try:
                answers = list(self._transport.pages(path, "operations"))
            except NotFound:
                answers = []
            found = [operation(answer, self._parent) for answer in answers]
            for each in found:
                if each.kind is kind:
                    return each
            time.sleep(_PAUSE)
        raise Unavailable(
            f"{home} is being made by somebody else, and does not appear.",
            http_status=409,
            where=path,
            hint="Apply again.",
        )

    def _endpoint(self, home: str) -> LiveEndpoint | None:
        try:
            return endpoint(self._transport.get(self._path(home)))
        except NotFound:
            return None

    def _path(self, home: str, verb: str = "") -> str:
        path = f"/v1/{self._parent}/endpoints/{checked_id(home)}"
        return f"{path}:{verb}" if verb else path
