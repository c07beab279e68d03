"""Parts of resource names that Google's APIs have in common."""

import re
from collections.abc import Mapping

from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.objects import Api, Scope

NO_ID = 0
"""A number that no object has."""
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)


def read_scope(api: Api, locations: Mapping[str, str], params: Mapping[str, str]) -> Scope:
    """Return the project and the location of a request's path."""
    location = params["location"]
    if location not in locations:
        known = " and ".join(locations)
        raise ServiceError(
            Code.INVALID_ARGUMENT, f"Location {location} is not supported. There are {known}."
        )
    return Scope(api, params["project"], location)


def parent(scope: Scope) -> str:
    """Return the common start of all names of a scope."""
    return f"projects/{scope.project}/locations/{scope.location}"


def read_number(text: str) -> int:
    """Return the number of an id; NO_ID for a text that can't be one."""
    number = int(text) if _NUMBER.fullmatch(text) else NO_ID
    return number if number < 2**63 else NO_ID
