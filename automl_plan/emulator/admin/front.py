"""The routes of the emulator's own API, below `/emulator/v1`, which no cloud has."""

from automl_plan.emulator.automl.calls import check_query
from automl_plan.emulator.call_counts import CallCounts
from automl_plan.emulator.errors import ServiceError
from automl_plan.emulator.http import Found, Reply, Request, error_reply, find, json_reply, route

_ROOT = "/emulator/v1"


class AdminFront:
    """What only an emulator can do. Its calls aren't counted."""

    def __init__(self, counts: CallCounts) -> None:
        self._counts = counts
        self._routes = (route(None, "GET", f"{_ROOT}/calls", self._calls),)

    def handler(self, request: Request) -> Found | None:
        """The method that a request calls."""
        return find(self._routes, request)

    def error(self, error: ServiceError) -> Reply:
        """The error in the envelope of Google's APIs."""
        return error_reply(error)

    def _calls(self, request: Request) -> Reply:
        check_query(request)
        return json_reply({"calls": self._counts.by_method()})
