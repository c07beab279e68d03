"""The emulator's own API, below `/emulator/v1`: billing, calls, clock, faults, models."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from automl_plan.emulator.automl import names as automl_names
from automl_plan.emulator.automl.names import wire_id
from automl_plan.emulator.automl.predictions import predicted
from automl_plan.emulator.billing import Charge, ChargeKind, total_usd
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.faults import ActiveFault, FaultRefused, Faults
from automl_plan.emulator.http import Front, Reply, Request, json_reply, route
from automl_plan.emulator.methods import CallCounts
from automl_plan.emulator.objects import Scope
from automl_plan.emulator.tested_images import ImageResult
from automl_plan.emulator.training.types import SetName
from automl_plan.emulator.vertex import names as vertex_names
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.names import read_number
from automl_plan.emulator.wire.requests import check_query, paging, timestamp


def render_bill(engine: Engine) -> dict[str, object]:
    """Return all charges of the service, with totals in US dollars."""
    trainings = engine.charges(ChargeKind.TRAINING)
    deployments = engine.charges(ChargeKind.DEPLOYMENT)
    batches = engine.charges(ChargeKind.BATCH)
    return {
        "trainings": [_work(charge) for charge in trainings],
        "deployments": [_deployment(charge) for charge in deployments],
        "batch_predictions": [_work(charge) for charge in batches],
        "training_usd": total_usd(trainings),
        "deployment_usd": total_usd(deployments),
        "batch_prediction_usd": total_usd(batches),
        "total_usd": total_usd([*trainings, *deployments, *batches]),
    }


def _work(charge: Charge) -> dict[str, object]:
    return {**_common(charge), "outcome": charge.outcome, **_end(charge)}


def _deployment(charge: Charge) -> dict[str, object]:
    return {
        **_common(charge),
        "nodes": charge.nodes,
        **_end(charge),
    }


def _common(charge: Charge) -> dict[str, object]:
    return {
        "project": charge.project,
        "operation": wire_id(charge.problem, charge.operation_id),
        "model": wire_id(charge.problem, charge.model_id),
        "display_name": charge.display_name,
        "labels": charge.labels,
        "model_type": charge.model_type,
    }


def _end(charge: Charge) -> dict[str, object]:
    return {
        "began": None if charge.began is None else timestamp(charge.began),
        "ended": None if charge.ended is None else timestamp(charge.ended),
        "milli_node_hours": charge.milli_node_hours,
        "usd": charge.usd,
    }


class FaultMethods:
    """The methods under `…/faults`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def list(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"faults": [_render(each) for each in self._faults.all()]})

    def add(self, request: Request) -> Reply:
        check_query(request)
        fields = body_fields(request, "")
        text = fields.text("fault")
        fields.finish()
        try:
            return json_reply(_render(self._faults.add(text)))
        except FaultRefused as error:
            raise invalid(("fault", str(error))) from error

    def clear(self, request: Request) -> Reply:
        check_query(request)
        self._faults.clear()
        return json_reply({})


Find = Callable[[Engine, Request], tuple[Scope, int]]
"""Finds the model that a request names."""


def _model_of_automl(_: Engine, request: Request) -> tuple[Scope, int]:
    scope = automl_names.scope_of(request.params)
    return scope, automl_names.number_of(request.params["model"])


def _version_of_vertex(engine: Engine, request: Request) -> tuple[Scope, int]:
    scope = vertex_names.scope_of(request.params)
    return scope, engine.versions.find(scope, request.params["model"])


class ModelMethods:
    """What no API offers of a model, by the names of one: messages are the same for both."""

    def __init__(self, engine: Engine, find: Find) -> None:
        self._engine = engine
        self._find = find

    def predict(self, request: Request) -> Reply:
        """Predict an image with a model that need not be deployed, by AutoML v1's messages."""
        scope, number = self._find(self._engine, request)
        _, predict = self._engine.models.predictor(scope, number)
        return predicted(self._engine, request, scope, number, predict)

    def tested_images(self, request: Request) -> Reply:
        """Return what a model scored for its TEST images, a page of them."""
        check_query(request, ("pageSize", "pageToken"))
        page = paging(request)
        scope, number = self._find(self._engine, request)
        found = self._engine.models.tested_images(scope, number, page.window)
        messages = [_tested_image(each) for each in found.items]
        return json_reply({"testedImages": messages, **page.token(found.next_before)})


def _tested_image(result: ImageResult) -> dict[str, object]:
    return {
        "uri": result.uri,
        "sha256": result.content,
        "labels": list(result.labels),
        "predicted": list(result.predicted),
        "wrong": list(result.wrong),
        "scores": [{"label": label, "score": score} for label, score in result.scores],
        "nearest": [
            {
                "uri": each.uri,
                "sha256": each.content,
                "labels": list(each.labels),
                "similarity": each.similarity,
            }
            for each in result.nearest
        ],
    }


class ItemMethods:
    """Changes of single images, which people make in Google Cloud's console and no API offers."""

    def __init__(self, engine: Engine) -> None:
        self._items = engine.data_items

    def list(self, request: Request) -> Reply:
        """All images of a dataset of any project, with their ids."""
        check_query(request)
        items = self._items.all(_dataset(request))
        return json_reply({"items": [{"id": str(i.id), "uri": i.example.uri} for i in items]})

    def change(self, request: Request) -> Reply:
        """Give an image other labels, or another set, whichever the body has."""
        check_query(request)
        fields = body_fields(request, "")
        labels = fields.texts("labels") if fields.has("labels") else None
        use = fields.text("set")
        fields.finish()
        if use not in ("", *SetName):
            raise invalid(("set", f"It is one of {', '.join(SetName)}."))
        chosen = SetName(use) if use else None
        self._items.change(_dataset(request), read_number(request.params["item"]), labels, chosen)
        return json_reply({})

    def remove(self, request: Request) -> Reply:
        """Remove an image from its dataset."""
        check_query(request)
        self._items.remove(_dataset(request), read_number(request.params["item"]))
        return json_reply({})


def _dataset(request: Request) -> int:
    """The number of a dataset, in either API's form."""
    return read_number(re.sub("^[A-Z]+", "", request.params["dataset"]))


def _render(fault: ActiveFault) -> dict[str, object]:
    """The message of a fault; `calls` counts those of its method since it was set."""
    return {"fault": fault.fault.text, "calls": fault.calls, "fired": fault.fired}


_ROOT = "/emulator/v1"
_MODEL = _ROOT + "/projects/{project}/locations/{location}/models/{model}"


class Service(Struct):
    """The settings of the service."""

    trainer: str
    time_scale: float
    idle_timeout: float
    """Seconds without a request after which it stops; 0: never."""


def admin_front(engine: Engine, counts: CallCounts, faults: Faults, service: Service) -> Front:
    """Return the emulator's own API. Its calls meet no fault and aren't counted."""
    admin, fault_methods = _AdminMethods(engine, counts, service), FaultMethods(faults)
    automl = ModelMethods(engine, _model_of_automl)
    vertex = ModelMethods(engine, _version_of_vertex)
    items, of_items = ItemMethods(engine), _ROOT + "/datasets/{dataset}/dataItems"
    return Front(
        (
            route(None, "GET", f"{_ROOT}/billing", admin.billing),
            route(None, "GET", f"{_ROOT}/calls", admin.calls),
            route(None, "GET", f"{_ROOT}/clock", admin.clock),
            route(None, "POST", f"{_ROOT}/clock:advance", admin.advance),
            route(None, "GET", f"{_ROOT}/service", admin.show),
            route(None, "POST", f"{_MODEL}:predict", automl.predict),
            route(None, "POST", f"{vertex_names.PREFIX}{_MODEL}:predict", vertex.predict),
            route(None, "GET", f"{_MODEL}/testedImages", automl.tested_images),
            route(None, "GET", f"{vertex_names.PREFIX}{_MODEL}/testedImages", vertex.tested_images),
            route(None, "POST", f"{_ROOT}/service:stay", admin.stay),
            route(None, "GET", f"{_ROOT}/faults", fault_methods.list),
            route(None, "POST", f"{_ROOT}/faults", fault_methods.add),
            route(None, "GET", of_items, items.list),
            route(None, "PATCH", of_items + "/{item}", items.change),
            route(None, "DELETE", of_items + "/{item}", items.remove),
            route(None, "DELETE", f"{_ROOT}/faults", fault_methods.clear),
        )
    )


class _AdminMethods:
    """The methods for billing, calls, the clock and the service itself."""

    def __init__(self, engine: Engine, counts: CallCounts, service: Service) -> None:
        self._engine = engine
        self._counts = counts
        self._service = service

    def billing(self, request: Request) -> Reply:
        check_query(request)
        return json_reply(render_bill(self._engine))

    def calls(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"calls": self._counts.by_method()})

    def show(self, request: Request) -> Reply:
        check_query(request)
        return json_reply(
            {
                "trainer": self._service.trainer,
                "timeScale": self._service.time_scale,
                "idleTimeoutSeconds": self._service.idle_timeout,
                "operationsRunning": self._engine.jobs_running,
                "readings": self._engine.readings.describe(),
            }
        )

    def stay(self, request: Request) -> Reply:
        """Turn off the idle timeout."""
        body_fields(request, "").finish()
        self._service.idle_timeout = 0.0
        return self.show(request)

    def clock(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"now": timestamp(self._engine.now())})

    def advance(self, request: Request) -> Reply:
        check_query(request)
        fields = body_fields(request, "")
        seconds = fields.number("seconds")
        fields.finish()
        if seconds is None:
            raise invalid(("seconds", "Required field not set."))
        try:
            now = self._engine.advance(seconds)
        except ValueError as error:
            raise invalid(("seconds", str(error))) from error
        return json_reply({"now": timestamp(now)})
