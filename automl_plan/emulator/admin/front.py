"""The routes of the emulator's own API, below `/emulator/v1`, which no cloud has."""

from msgspec import Struct

from automl_plan.emulator.admin.billing import render_bill
from automl_plan.emulator.admin.faults import FaultMethods
from automl_plan.emulator.call_counts import CallCounts
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import ServiceError, invalid
from automl_plan.emulator.faults import Faults
from automl_plan.emulator.http import Found, Reply, Request, error_reply, find, json_reply, route
from automl_plan.emulator.wire.calls import check_query, timestamp
from automl_plan.emulator.wire.reading import body_fields

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
