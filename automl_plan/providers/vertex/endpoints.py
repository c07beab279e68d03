"""The endpoints of one project and location: which of them a model is, or is to be, deployed at.

All versions of a declared model answer at one endpoint, also after it was given another address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from automl_plan.errors import AlreadyExists, NotFound
from automl_plan.providers.transport import HttpTransport
from automl_plan.providers.values import items, mapping, tail
from automl_plan.providers.vertex.requests import endpoint_id
from automl_plan.providers.vertex.wire import endpoint, model
from automl_plan.providers.writes import checked_id
from automl_plan.resources.endpoints import Home, LiveEndpoint
from automl_plan.resources.homes import is_taken, labelled
from automl_plan.resources.json import Json
from automl_plan.resources.live import LiveModel
from automl_plan.resources.marks import ADDRESS, owner


class Endpoints:
    """Finds endpoints by the id that is recorded, the models at them, or the id that we choose."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._parent = parent

    def get(self, home: str) -> LiveEndpoint | None:
        """An endpoint as it stands; None when there is none of that id."""
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
        """The endpoint that a model is to be deployed at, or the id of one to be made.

        That is the recorded `home`; one of ours that somebody deleted is made again under its id.
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
            answer = self._transport.get(self._models(model.id))
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
        """Whether no other model that lives is a version of the same address."""
        return model.labels.get(ADDRESS) is None or not self._versions(model).keys() - {model.id}

    def mark(self, there: LiveEndpoint, model: LiveModel) -> None:
        """Let an endpoint of ours say which address it is of: a model may have got another."""
        mark = model.labels.get(ADDRESS)
        if mark is None or there.labels.get(ADDRESS) == mark:
            return
        labels: dict[str, Json] = {**there.labels, ADDRESS: mark}
        body: dict[str, Json] = {"labels": labels}
        self._transport.repeatable("PATCH", self.path(there.id), body, {"updateMask": "labels"})

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
        """The answers for all models that live and are of the same address, by id."""
        mark = of.labels.get(ADDRESS)
        if mark is None:
            return {}
        query = {"filter": f'labels.{ADDRESS}="{mark}"'}
        listed = self._transport.pages(f"/v1/{self._parent}/models", "models", query)
        told = ((model(answer, None, ()), answer) for answer in listed)
        return {each.id: answer for each, answer in told if each.labels.get(ADDRESS) == mark}

    def _models(self, model_id: str) -> str:
        return f"/v1/{self._parent}/models/{checked_id(model_id)}"
