"""Deployments at Vertex AI: an endpoint, the model at it, its traffic; one call at a time.

All versions of a declared model answer at one endpoint, so that whoever asks for predictions
keeps its address when a new version takes the place of the current one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from automl_plan.errors import AlreadyExists, NotFound, Unavailable
from automl_plan.providers.transport import HttpTransport
from automl_plan.providers.vertex.endpoints import Endpoints
from automl_plan.providers.vertex.requests import (
    deploy_body,
    deployment_id,
    endpoint_body,
    endpoint_id,
)
from automl_plan.providers.vertex.wire import Deployed, LiveEndpoint, model, operation
from automl_plan.providers.writes import checked_id, opened
from automl_plan.resources.json import Json
from automl_plan.resources.live import LiveModel, Operation, OperationKind

_LOOKS, _PAUSE = 20, 0.5
"""How often, and after how many seconds, is looked for what another call is just making."""


class Deployments:
    """What is deployed in one project and location."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent
        self._endpoints = Endpoints(transport, parent)

    def deploy(self, model: LiveModel, node_count: int) -> Operation | None:
        """The next call of: make the endpoint, deploy there, take away what was there before.

        Replicas can't be changed (proto: AutomaticResources), so another number is another
        deployment, which takes over the traffic before the former one ends. What somebody
        deployed at an endpoint of their own stays.
        """
        home = self._endpoints.home_of(model)
        if isinstance(home, str):
            return self._create(home, model, node_count)
        mine = [d for d in home.deployed if d.model_id == model.id]
        wanted = deployment_id(model.id, node_count)
        fits = [d for d in mine if d.id == wanted or d.replicas == node_count]
        if not fits:
            return self._deploy(home, model, node_count)
        kept = max(fits, key=lambda d: home.traffic.get(d.id, 0))
        if home.traffic.get(kept.id) != 100:
            split: dict[str, Json] = {"trafficSplit": {kept.id: 100}}
            path = self._endpoints.path(home.id)
            self._transport.repeatable("PATCH", path, split, {"updateMask": "trafficSplit"})
        self._endpoints.mark(home, model)
        for there in self._places(model):
            surplus = [d for d in there.deployed if d.model_id == model.id and d.id != kept.id]
            if there.ours and surplus:
                return self._undeploy(there, surplus[0])
        return None

    def undeploy(self, answer: Mapping[str, Any]) -> Operation | None:
        """The next call of: end each deployment of a model, delete our endpoint if it is empty."""
        leaving = model(answer, None, ())
        for there in self._endpoints.serving(answer):
            self._endpoints.mark(there, leaving)
            mine = [d for d in there.deployed if d.model_id == leaving.id]
            # What gets no traffic first: the last one may go with all of it.
            for deployed in sorted(mine, key=lambda d: there.traffic.get(d.id, 0)):
                begun = self._undeploy(there, deployed)
                if begun is not None:
                    return begun
        return self._close(leaving)

    def leave(self, model_id: str) -> None:
        """Delete our endpoint if it is empty, and no other version could be deployed there.

        A deployment that failed, or that nobody wanted any more, left it.
        """
        path = f"/v1/{self._parent}/models/{checked_id(model_id)}"
        try:
            leaving = model(self._transport.get(path), None, ())
        except NotFound:
            return
        if self._endpoints.is_last(leaving):
            self._close(leaving)

    def serving(self, answer: Mapping[str, Any]) -> list[LiveEndpoint]:
        """The endpoints of this location that a Model is deployed at."""
        return self._endpoints.serving(answer)

    def homes(self, model: LiveModel, answer: Mapping[str, Any]) -> list[str]:
        """The ids of endpoints whose operations may be about a model."""
        chosen = {endpoint_id(model), endpoint_id(model, apart=True)}
        return sorted(chosen | set(self._endpoints.named_by(answer)))

    def _places(self, model: LiveModel) -> list[LiveEndpoint]:
        path = f"/v1/{self._parent}/models/{checked_id(model.id)}"
        return self._endpoints.serving(self._transport.get(path))

    def _close(self, leaving: LiveModel) -> Operation | None:
        """Delete an endpoint that a model has left; the service refuses it where anything is."""
        for left in self._endpoints.left_by(leaving):
            path = self._endpoints.path(left.id)
            try:
                ended = operation(self._transport.repeatable("DELETE", path), self._parent)
            except NotFound:
                continue
            return opened(ended, f"DELETE {path}")
        return None

    def _create(self, home: str, model: LiveModel, node_count: int) -> Operation | None:
        path = f"/v1/{self._parent}/endpoints"
        query = {"endpointId": home}
        try:
            answer = self._transport.repeatable("POST", path, endpoint_body(model), query)
        except AlreadyExists:
            # An answer was lost, or another run is faster.
            making = self._under_way(
                home,
                OperationKind.CREATE_ENDPOINT,
                lambda: self._endpoints.get(home) is not None,
            )
            return making or self.deploy(model, node_count)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _deploy(self, home: LiveEndpoint, model: LiveModel, node_count: int) -> Operation | None:
        path = self._endpoints.path(home.id, "deployModel")
        name = f"{self._parent}/models/{checked_id(model.id)}"
        try:
            answer = self._transport.once("POST", path, deploy_body(name, model, node_count))
        except AlreadyExists:
            wanted = deployment_id(model.id, node_count)

            def done() -> bool:
                there = self._endpoints.get(home.id)
                return there is not None and any(d.id == wanted for d in there.deployed)

            making = self._under_way(home.id, OperationKind.DEPLOY_MODEL, done)
            return making or self.deploy(model, node_count)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _undeploy(self, there: LiveEndpoint, deployed: Deployed) -> Operation | None:
        """None when it is gone: an answer was lost, or another run is faster.

        What has traffic can't go while others are there (proto: UndeployModelRequest.
        traffic_split): at an endpoint of ours, another deployment takes it over.
        """
        path = self._endpoints.path(there.id, "undeployModel")
        body: dict[str, Json] = {"deployedModelId": deployed.id}
        others = [d for d in there.deployed if d.id != deployed.id]
        if there.ours and others and there.traffic.get(deployed.id):
            heir = max(others, key=lambda d: there.traffic.get(d.id, 0))
            body["trafficSplit"] = {heir.id: 100}
        try:
            answer = self._transport.repeatable("POST", path, body)
        except NotFound:
            return None
        return opened(operation(answer, self._parent), f"POST {path}")

    def _under_way(
        self, home: str, kind: OperationKind, done: Callable[[], bool]
    ) -> Operation | None:
        """The operation that makes what is refused as being there already; None: it is done."""
        path = f"{self._endpoints.path(home)}/operations"
        for _ in range(_LOOKS):
            try:
                answers = list(self._transport.pages(path, "operations"))
            except NotFound:
                answers = []
            found = [operation(answer, self._parent) for answer in answers]
            running = [each for each in found if each.kind is kind and not each.done]
            if running:
                return max(running, key=lambda each: each.create_time or "")
            if done():
                return None
            time.sleep(_PAUSE)
        raise Unavailable(
            f"{home} is being made by somebody else, and does not appear.",
            http_status=409,
            where=path,
            hint="Apply again.",
        )
