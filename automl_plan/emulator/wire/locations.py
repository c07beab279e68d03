"""`locations.list` and `.get`, alike in all APIs (google/cloud/location/locations.proto)."""

from collections.abc import Mapping

from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.wire.calls import LIST_PARAMETERS, check_query


class LocationMethods:
    """The locations that an API has, with their display names."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._locations = locations

    def list(self, request: Request) -> Reply:
        """All of them, for any project."""
        check_query(request, LIST_PARAMETERS)
        project = request.params["project"]
        return json_reply({"locations": [self._render(project, each) for each in self._locations]})

    def get(self, request: Request) -> Reply:
        """One of them."""
        check_query(request)
        location = request.params["location"]
        if location not in self._locations:
            raise not_found(f"Location {location} does not exist.")
        return json_reply(self._render(request.params["project"], location))

    def _render(self, project: str, location: str) -> dict[str, str]:
        return {
            "name": f"projects/{project}/locations/{location}",
            "locationId": location,
            "displayName": self._locations[location],
        }
