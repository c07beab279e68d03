"""Deployments at Vertex AI: endpoints, the models at them, their traffic; one call at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from automl_plan.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound, Unavailable
from automl_plan.model.endpoints import Deployed, Home, LiveEndpoint
from automl_plan.model.homes import is_taken, labelled
from automl_plan.model.json import Json
from automl_plan.model.live import LiveModel, Operation, OperationKind
from automl_plan.model.ownership_labels import ADDRESS, owner
from automl_plan.providers.google.json_fields import items, mapping, tail
from automl_plan.providers.google.service import checked_id, is_outdated, opened, patch
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.providers.google.vertex.requests import (
    deploy_body,
    deployment_id,
    endpoint_body,
    endpoint_id,
)
from automl_plan.providers.google.vertex.versions import Versions, versioned
from automl_plan.providers.google.vertex.wire import endpoint, model, operation


class Endpoints:
    """Finds endpoints by the id that is recorded, the models at them, or the id that we choose."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent
        self._models = Versions(transport, parent)

    def get(self, home: str) -> LiveEndpoint | None:
        """Return an endpoint; None when there is none of that id."""
        try:
            return endpoint(self._transport.get(self.path(home)))
        except NotFound:
            return None

    def serving(self, answer: Mapping[str, Any]) -> list[LiveEndpoint]:
        """The endpoints of this location that a Model is deployed at."""
        found = (self.get(each) for each in self.named_by(answer))
        return [there for there in found if there is not None]

    def home_of(
        self, model: LiveModel, home: Home | None, versions: Collection[str]
    ) -> LiveEndpoint | str:
        """Return the endpoint to deploy a model at, or the id of one to create.

        That is the recorded `home`; one of ours that was deleted is created again under its id.
        Where none is recorded it is where the model, or another version of it, is deployed.
        """
        known, whose = {model.id, *versions}, owner(model.labels)
        if home is not None:
            there = self.get(home.id)
            if there is None and not home.adopted:
                return home.id
            if there is not None and not is_taken(there, whose, known):
                return there
        if home is None:
            answer = self._models.get(model.id)
            lineage = "" if whose is None else whose.lineage
            answers = {model.id: answer, **self._versions(model)}
            known |= answers.keys()
            for each in answers.values():
                found = [e for e in self.serving(each) if labelled(e, lineage)]
                if found:
                    return max(found, key=lambda there: there.share_of(known))
        for chosen in (endpoint_id(model), endpoint_id(model, apart=True)):
            there = self.get(chosen)
            if there is None:
                return chosen
            if not there.has_others(known):
                return there
        raise AlreadyExists(
            f"The endpoints that {model.id} could be deployed at serve other models.",
            http_status=409,
            where=self.path(chosen),
            hint="Undeploy those, or delete the endpoint, in Google's console.",
        )

    def left_by(self, model: LiveModel, home: Home | None) -> Iterator[LiveEndpoint]:
        """Endpoints of ours that were a model's, and where nothing is deployed any more.

        Known by their ids: labels may be copied.
        """
        chosen = {endpoint_id(model): None, endpoint_id(model, apart=True): None}
        if home is not None:
            chosen[home.id] = None
        for each in chosen:
            adopted = home is not None and home.adopted and home.id == each
            there = None if adopted else self.get(each)
            if there is not None and not there.deployed:
                yield there

    def is_last(self, model: LiveModel) -> bool:
        """Whether no other live model is a version of the same address."""
        return model.labels.get(ADDRESS) is None or not self._versions(model).keys() - {model.id}

    def mark(self, there: LiveEndpoint, model: LiveModel) -> None:
        """Let an endpoint of ours say which address it is of: a model may have got another."""
        mark = model.labels.get(ADDRESS)
        if mark is None or there.labels.get(ADDRESS) == mark:
            return
        patch(self._transport, self.path(there.id), {}, {ADDRESS: mark}, VERTEX.labels)

    def path(self, home: str, verb: str = "") -> str:
        """The path of an endpoint, or of a method of it."""
        path = f"/v1/{self._parent}/endpoints/{checked_id(home)}"
        return f"{path}:{verb}" if verb else path

    def named_by(self, answer: Mapping[str, Any]) -> list[str]:
        """The ids of the endpoints that a Model names.

        It may be deployed in other locations too, which are not ours.
        """
        location = self._parent.rpartition("/")[2]
        names = (str(mapping(each).get("endpoint")) for each in items(answer.get("deployedModels")))
        return sorted({tail(name) for name in names if name.split("/")[3:4] == [location]})

    def _versions(self, of: LiveModel) -> dict[str, Mapping[str, Any]]:
        """The answers for all models that live and are of the same address, by id.

        Versions that others trained into a model have its labels, too: they are not of it.
        """
        mark = of.labels.get(ADDRESS)
        if mark is None:
            return {}
        query = {"filter": f'labels.{ADDRESS}="{mark}"'}
        listed = self._transport.pages(f"/v1/{self._parent}/models", "models", query)
        models = ((model(answer, None, ()), answer) for answer in listed)
        return {
            each.id: answer
            for each, answer in models
            if each.labels.get(ADDRESS) == mark and "@" not in each.id
        }


_LOOKS, _PAUSE = 20, 0.5
"""How often, and after how many seconds, is looked for what another call is just making."""
_ETAG_TRIES = 3


class Deployments:
    """What is deployed in one project and location."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent
        self._endpoints = Endpoints(transport, parent)

    def deploy(
        self, model: LiveModel, node_count: int, home: Home | None, versions: Collection[str]
    ) -> Operation | None:
        """The next call of: make the endpoint, deploy there, take away what was there before.

        Replicas can't be changed (proto: AutomaticResources), so another number is another
        deployment, which takes over the traffic before the former one ends. What models but these
        `versions` answer at the endpoint, and what is deployed at others, stays.
        """
        found = self._endpoints.home_of(model, home, versions)
        if isinstance(found, str):
            return self._create(found, model, node_count, versions)
        there, ours = found, {*versions, model.id}
        adopted = home is not None and home.adopted and home.id == there.id
        due = there.due(ours, adopted=adopted)
        mine = [d for d in there.deployed if d.model_id == model.id]
        wanted = deployment_id(model.id, node_count)
        fits = [d for d in mine if d.id == wanted or d.replicas == node_count]
        if not fits:
            at_once = due == 100 and not there.has_others(ours)
            return self._deploy(there, model, node_count, ours, all_traffic=at_once)
        kept = max(fits, key=lambda d: there.traffic.get(d.id, 0))
        if there.traffic.get(kept.id, 0) != due:
            there = self._shift(there.id, kept, ours, adopted=adopted)
        if not adopted:
            self._endpoints.mark(there, model)
        for surplus in mine:
            if surplus.id != kept.id:
                return self._undeploy(there, surplus, ours)
        return None

    def _shift(
        self, endpoint_id: str, kept: Deployed, ours: Collection[str], *, adopted: bool
    ) -> LiveEndpoint:
        """Give a deployment all traffic that is ours, unless it is changed meanwhile."""
        path = self._endpoints.path(endpoint_id)
        for attempt in range(1, _ETAG_TRIES + 1):
            there = endpoint(self._transport.get(path))
            split = there.split(kept.id, there.due(ours, adopted=adopted), ours)
            body: dict[str, Json] = {"trafficSplit": dict(split)}
            if there.etag:
                body["etag"] = there.etag
            try:
                answer = self._transport.repeatable(
                    "PATCH", path, body, {"updateMask": "trafficSplit"}
                )
            except (Aborted, FailedPrecondition) as error:
                outdated = is_outdated(error, self._transport, path, there.etag)
                if attempt == _ETAG_TRIES or not outdated:
                    raise
            else:
                return endpoint(answer)
        raise AssertionError

    def undeploy(
        self,
        answer: Mapping[str, Any],
        at: Collection[str] | None,
        home: Home | None,
        versions: Collection[str],
    ) -> Operation | None:
        """The next call of: end each deployment of a model at these endpoints (None: at all).

        Then our endpoint is deleted if it is empty.
        """
        leaving = model(answer, None, ())
        ours = {*versions, leaving.id}
        for there in self._endpoints.serving(answer):
            if at is not None and there.id not in at:
                continue
            mine = [d for d in there.deployed if d.model_id == leaving.id]
            # What gets no traffic first: the last one may go with all of it.
            for deployed in sorted(mine, key=lambda d: there.traffic.get(d.id, 0)):
                begun = self._undeploy(there, deployed, ours)
                if begun is not None:
                    return begun
        return self._close(leaving, home)

    def leave(self, model_id: str, home: Home | None) -> None:
        """Delete our endpoint if it is empty, and no other version could be deployed there.

        A deployment that failed, or was no longer declared, left it.
        """
        try:
            leaving = model(Versions(self._transport, self._parent).get(model_id), None, ())
        except NotFound:
            return
        if self._endpoints.is_last(leaving):
            self._close(leaving, home)

    def serving(self, answer: Mapping[str, Any]) -> list[LiveEndpoint]:
        """The endpoints of this location that a Model is deployed at."""
        return self._endpoints.serving(answer)

    def homes(self, model: LiveModel, answer: Mapping[str, Any]) -> list[str]:
        """The ids of endpoints whose operations may be about a model."""
        chosen = {endpoint_id(model), endpoint_id(model, apart=True)}
        return sorted(chosen | set(self._endpoints.named_by(answer)))

    def _close(self, leaving: LiveModel, home: Home | None) -> Operation | None:
        """Delete an endpoint that a model has left; the service refuses it where anything is."""
        for left in self._endpoints.left_by(leaving, home):
            path = self._endpoints.path(left.id)
            try:
                ended = operation(self._transport.repeatable("DELETE", path), self._parent)
            except NotFound:
                continue
            return opened(ended, f"DELETE {path}")
        return None

    def _create(
        self, home: str, model: LiveModel, node_count: int, versions: Collection[str]
    ) -> Operation | None:
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
            return making or self.deploy(model, node_count, Home(home), versions)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _deploy(
        self,
        home: LiveEndpoint,
        model: LiveModel,
        node_count: int,
        versions: Collection[str],
        *,
        all_traffic: bool,
    ) -> Operation | None:
        """Else it gets its traffic by a later call, which sees what others change meanwhile."""
        path = self._endpoints.path(home.id, "deployModel")
        name = f"{self._parent}/models/{versioned(model.id)}"
        body = deploy_body(name, model, node_count, all_traffic=all_traffic)
        try:
            answer = self._transport.once("POST", path, body)
        except AlreadyExists:
            wanted = deployment_id(model.id, node_count)

            def done() -> bool:
                there = self._endpoints.get(home.id)
                return there is not None and any(d.id == wanted for d in there.deployed)

            making = self._under_way(home.id, OperationKind.DEPLOY_MODEL, done)
            return making or self.deploy(model, node_count, Home(home.id), versions)
        return opened(operation(answer, self._parent), f"POST {path}")

    def _undeploy(
        self, there: LiveEndpoint, deployed: Deployed, ours: Collection[str]
    ) -> Operation | None:
        """None when it is gone: an answer was lost, or another run is faster.

        What has traffic can't go while others are there (proto: UndeployModelRequest.
        traffic_split): another deployment of ours takes it over, never someone else's.
        """
        path = self._endpoints.path(there.id, "undeployModel")
        body: dict[str, Json] = {"deployedModelId": deployed.id}
        others = [d for d in there.deployed if d.id != deployed.id and d.model_id in ours]
        if others and there.traffic.get(deployed.id):
            heir = max(others, key=lambda d: there.traffic.get(d.id, 0))
            body["trafficSplit"] = dict(there.split(heir.id, there.share_of(ours), ours))
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
            f"{home} is being created by someone else but does not appear.",
            http_status=409,
            where=path,
            hint="Apply again.",
        )
