"""The methods of the emulator's own API that set faults."""

from automl_plan.emulator.errors import invalid
from automl_plan.emulator.fault_spec import FaultRefused
from automl_plan.emulator.faults import Faults, SetFault
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.wire.calls import check_query
from automl_plan.emulator.wire.reading import body_fields


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
