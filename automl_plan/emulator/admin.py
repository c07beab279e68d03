"""The routes of the emulator's own API, below `/emulator/v1`, which no cloud has."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.emulator.automl.names import wire_id
from automl_plan.emulator.billing import Charge, ChargeKind, total_usd
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.faults import FaultRefused, Faults, SetFault
from automl_plan.emulator.http import Found, Reply, Request, error_reply, find, json_reply, route
from automl_plan.emulator.methods import CallCounts
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import check_query, timestamp


def render_bill(engine: Engine) -> dict[str, object]:
    """All charges of the service, and what they come to in US dollars."""
    trainings = engine.charges(ChargeKind.TRAINING)
    deployments = engine.charges(ChargeKind.DEPLOYMENT)
    return {
        "trainings": [_training(charge) for charge in trainings],
        "deployments": [_deployment(charge) for charge in deployments],
        "training_usd": total_usd(trainings),
        "deployment_usd": total_usd(deployments),
        "total_usd": total_usd([*trainings, *deployments]),
    }


def _training(charge: Charge) -> dict[str, object]:
    return {**_start(charge), "outcome": charge.outcome, **_end(charge)}


def _deployment(charge: Charge) -> dict[str, object]:
    return {
        **_start(charge),
        "nodes": charge.nodes,
        "began": None if charge.began is None else timestamp(charge.began),
        "ended": None if charge.ended is None else timestamp(charge.ended),
        **_end(charge),
    }


def _start(charge: Charge) -> dict[str, object]:
    return {
        "project": charge.project,
        "operation": wire_id(charge.problem, charge.operation_id),
        "model": wire_id(charge.problem, charge.model_id),
        "display_name": charge.display_name,
        "labels": charge.labels,
        "model_type": charge.model_type,
    }


def _end(charge: Charge) -> dict[str, object]:
    return {"milli_node_hours": charge.milli_node_hours, "usd": charge.usd}


class FaultMethods:
    """The methods under `…/faults`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def list(self, request: Request) -> Reply:
        """All faults, in the order in which they were set."""
        check_query(request)
        return json_reply({"faults": [_render(each) for each in self._faults.all()]})

    def add(self, request: Request) -> Reply:
        """Set a fault, for calls from now on."""
        check_query(request)
        fields = body_fields(request.body, "")
        text = fields.text("fault")
        fields.finish()
        try:
            return json_reply(_render(self._faults.add(text)))
        except FaultRefused as error:
            raise invalid(("fault", str(error))) from error

    def clear(self, request: Request) -> Reply:
        """Remove all faults."""
        check_query(request)
        self._faults.clear()
        return json_reply({})


def _render(fault: SetFault) -> dict[str, object]:
    """`calls` are those that counted for it since it was set."""
    return {"fault": fault.fault.text, "calls": fault.calls, "fired": fault.fired}


_ROOT = "/emulator/v1"


class Service(Struct):
    """How the service runs."""

    trainer: str
    time_scale: float
    idle_timeout: float
    """Seconds without a request after which it ends; 0: never by itself."""


class AdminFront:
    """What only an emulator can do. Its own calls meet no fault and aren't counted."""

    def __init__(
        self, engine: Engine, counts: CallCounts, faults: Faults, service: Service
    ) -> None:
        fault_methods = FaultMethods(faults)
        self._service = service
        self._engine = engine
        self._counts = counts
        self._routes = (
            route(None, "GET", f"{_ROOT}/billing", self._billing),
            route(None, "GET", f"{_ROOT}/calls", self._calls),
            route(None, "GET", f"{_ROOT}/clock", self._clock),
            route(None, "POST", f"{_ROOT}/clock:advance", self._advance),
            route(None, "GET", f"{_ROOT}/service", self._show),
            route(None, "POST", f"{_ROOT}/service:stay", self._stay),
            route(None, "GET", f"{_ROOT}/faults", fault_methods.list),
            route(None, "POST", f"{_ROOT}/faults", fault_methods.add),
            route(None, "DELETE", f"{_ROOT}/faults", fault_methods.clear),
        )

    def handler(self, request: Request) -> Found | None:
        """The method that a request calls."""
        return find(self._routes, request)

    def error(self, error: ServiceError) -> Reply:
        """The error in the envelope of Google's APIs."""
        return error_reply(error)

    def _billing(self, request: Request) -> Reply:
        check_query(request)
        return json_reply(render_bill(self._engine))

    def _calls(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"calls": self._counts.by_method()})

    def _show(self, request: Request) -> Reply:
        check_query(request)
        return json_reply(
            {
                "trainer": self._service.trainer,
                "timeScale": self._service.time_scale,
                "idleTimeoutSeconds": self._service.idle_timeout,
            }
        )

    def _stay(self, request: Request) -> Reply:
        """End no more by itself."""
        body_fields(request.body, "").finish()
        self._service.idle_timeout = 0.0
        return self._show(request)

    def _clock(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"now": timestamp(self._engine.now())})

    def _advance(self, request: Request) -> Reply:
        check_query(request)
        fields = body_fields(request.body, "")
        seconds = fields.number("seconds")
        fields.finish()
        if seconds is None:
            raise invalid(("seconds", "Required field not set."))
        try:
            now = self._engine.advance(seconds)
        except ValueError as error:
            raise invalid(("seconds", str(error))) from error
        return json_reply({"now": timestamp(now)})
