"""Google's full resource names: what SDKs, gcloud and Terraform print in the place of an id. Pure.

`projects/P/locations/L/models/ID`, `//aiplatform.googleapis.com/projects/…`, `ID@1`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Settings

NAME_HINT = (
    "`provider:` says the project and the location; `automl-plan models list` and `datasets list` "
    "show ids."
)
_HOST = re.compile(r"(?:https?:)?//[^/]+/(?:v[0-9][a-z0-9]*/)?")
_FULL = re.compile(r"projects/([^/]+)/locations/([^/]+)/(.+)")
_OBJECT = re.compile(r"(?:(datasets|models)/)?([A-Za-z0-9_-]{1,128})(?:@([A-Za-z0-9_-]+))?")
_VERSIONED = re.compile(r"[A-Z]*[0-9]{4,}@[A-Za-z0-9_-]+")
_WHOLE = ("1", "default")
"""Versions that a model has which was trained by itself, as all are here."""


class Place(Struct, frozen=True):
    """A project and a location of a service."""

    project: str
    location: str
    numbered: bool
    """Whether its projects have numbers, too, which names may have in place of ids."""


def object_id(text: str, kind: ResourceKind | None, settings: Settings) -> str:
    """Return the id in a full name, which must be of the place that the settings name.

    Raises ValueError for a name of another project, location or kind.
    """
    if "project" not in settings or "location" not in settings:
        return text
    place = Place(str(settings["project"]), str(settings["location"]), numbered=True)
    return bare_id(text, place, kind)


def bare_id(text: str, place: Place, kind: ResourceKind | None = None) -> str:
    """The id that a full resource name ends with; any other text as it is.

    Of an operation, its name below the location. Raises ValueError for a name of another
    project, location or kind: the same id may mean another object here.
    """
    name = _HOST.sub("", text, count=1)
    full = _FULL.fullmatch(name)
    if full is not None:
        _check(full[1], full[2], place)
        name = full[3]
    elif name != text or text.startswith("projects/"):
        raise ValueError("this is no full name: write projects/P/locations/L/models/ID, or ID")
    elif not text.startswith(("datasets/", "models/")) and not _VERSIONED.fullmatch(text):
        return text
    found = _OBJECT.fullmatch(name)
    if found is None:
        return name.removeprefix("operations/")
    if kind is not None and found[1] not in (None, f"{kind}s"):
        raise ValueError(f"this is the name of a {found[1][:-1]}, not of a {kind}")
    if found[3] not in (None, *_WHOLE):
        raise ValueError(
            f"this names the version {found[3]} that the service keeps below a model: each "
            "version is a model of its own here; write the id of the model alone"
        )
    return found[2]


def _check(project: str, location: str, place: Place) -> None:
    # Which id belongs to a number is known to the service only: an object of another project is
    # not found below the own one.
    known = project == place.project or (place.numbered and project.isdecimal())
    if not known:
        raise ValueError(f"it is in the project {project}, and this is about {place.project}")
    if location != place.location:
        raise ValueError(f"it is in the location {location}, and this is about {place.location}")
