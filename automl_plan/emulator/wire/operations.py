"""Long-running operations (google.longrunning), as far as the APIs have them in common."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, invalid
from automl_plan.emulator.http import Reply, Request, Route, json_reply, route
from automl_plan.emulator.objects import Operation, Scope
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    check_query,
    list_reply,
    omit_empty,
    paging,
    parameter,
    timestamp,
)

EMPTY = "type.googleapis.com/google.protobuf.Empty"
_LONGEST_WAIT_SECONDS = 300.0
"""automl_v1.yaml: the deadline of WaitOperation; also used for a wait without a timeout."""


def operation_message(
    operation: Operation,
    name: str,
    metadata: Mapping[str, object],
    response: Callable[[Operation], Mapping[str, object]],
) -> dict[str, object]:
    """Return a google.longrunning.Operation message."""
    fields: dict[str, object] = {"name": name, "metadata": metadata}
    if operation.done:
        fields["done"] = True
        if operation.error is not None:
            fields["error"] = operation.error._asdict()
        else:
            fields["response"] = response(operation)
    return fields


def generic_metadata(operation: Operation) -> dict[str, object]:
    """Return the times of an operation, and the failures that it reports."""
    return omit_empty(
        {
            "createTime": timestamp(operation.created),
            "updateTime": timestamp(operation.updated),
            "partialFailures": failures_json(operation),
        }
    )


def failures_json(operation: Operation) -> list[dict[str, object]]:
    """Return the failures that an operation reports, as google.rpc.Status messages."""
    return [{"code": Code.INVALID_ARGUMENT, "message": text} for text in operation.failures]


class OperationMethods(ABC):
    """The methods under `…/operations`."""

    def __init__(
        self,
        engine: Engine,
        scope_of: Callable[[Mapping[str, str]], Scope],
        number_of: Callable[[str], int],
        render: Callable[[Operation], Mapping[str, object]],
    ) -> None:
        self._engine = engine
        self._scope_of = scope_of
        self._number_of = number_of
        self._render = render

    @abstractmethod
    def terms(self, request: Request, scope: Scope) -> Sequence[Term]:
        """Return the terms that a list is filtered by."""

    def operation(self, request: Request) -> Operation:
        """Return the operation that the path names."""
        scope, number = self._scope_of(request.params), self._number_of(request.params["operation"])
        return self._engine.operations.get(scope, number)

    def list(self, request: Request) -> Reply:
        check_query(request, LIST_PARAMETERS | {"returnPartialSuccess"})
        scope, page = self._scope_of(request.params), paging(request)
        found = self._engine.operations.list(scope, self.terms(request, scope), page.window)
        operations = [self._render(operation) for operation in found.items]
        return list_reply(request, "operations", operations, page.token(found.next_before))

    def get(self, request: Request) -> Reply:
        check_query(request)
        return json_reply(self._render(self.operation(request)))

    def cancel(self, request: Request) -> Reply:
        """Request cancellation; poll the operation to see whether it succeeds."""
        check_query(request)
        body_fields(request, "").finish()
        operation = self.operation(request)
        self._engine.operations.cancel(operation.scope, operation.id)
        return json_reply({})

    def delete(self, request: Request) -> Reply:
        """Delete the record of an operation; this stops nothing."""
        check_query(request)
        operation = self.operation(request)
        self._engine.operations.delete(operation.scope, operation.id)
        return json_reply({})

    def wait(self, request: Request) -> Reply:
        """Reply when the operation is done or the timeout has passed."""
        check_query(request, {"timeout"})
        fields = body_fields(request, "")
        timeout = fields.text("timeout") or parameter(request, "timeout") or ""
        fields.finish()
        seconds = _LONGEST_WAIT_SECONDS
        if timeout:
            if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?s", timeout, re.ASCII):
                raise invalid(("timeout", 'It must be a duration such as "30s".'))
            seconds = min(float(timeout[:-1]), seconds)
        operation = self.operation(request)
        waited = self._engine.operations.wait(operation.scope, operation.id, seconds)
        return json_reply(self._render(waited))


def operation_routes(path: str, methods: OperationMethods) -> tuple[Route, ...]:
    """Return the routes of operations below a path."""
    collection, operation = f"{path}/operations", path + "/operations/{operation}"
    return (
        route("operations.list", "GET", collection, methods.list),
        route("operations.get", "GET", operation, methods.get),
        route("operations.delete", "DELETE", operation, methods.delete),
        route("operations.cancel", "POST", f"{operation}:cancel", methods.cancel),
        route("operations.wait", "POST", f"{operation}:wait", methods.wait),
    )
