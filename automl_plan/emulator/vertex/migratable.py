"""Vertex AI v1: what can be migrated from AutoML, as messages (migratable_resource.proto)."""

import re

from automl_plan.emulator.automl.names import number_of, wire_id
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.migrations import HOMES, Migratable, Wish
from automl_plan.emulator.objects import ObjectKind, ObjectRef, Scope
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.wire.calls import filled
from automl_plan.emulator.wire.reading import Fields, body_fields

MAX_REQUESTS = 50
"""proto: BatchMigrateResourcesRequest.migrate_resource_requests, up to 50."""
_PROBLEMS = {"ICN": Problem.IMAGE_CLASSIFICATION, "IOD": Problem.IMAGE_OBJECT_DETECTION}
_NAME = re.compile(r"projects/([^/]+)/locations/([^/]+)/(datasets|models)/(ICN|IOD)(\d{1,19})")


def source_json(scope: Scope, found: Migratable | Wish) -> dict[str, object]:
    """A MigratableResource's oneof, with the object's name at AutoML."""
    home = f"projects/{scope.project}/locations/{HOMES[scope.location]}"
    kind = str(found.source.kind)
    message = {
        kind: f"{home}/{kind}s/{wire_id(found.problem, found.source.id)}",
        f"{kind}DisplayName": found.display_name,
    }
    return {"automlModel" if kind == "model" else "automlDataset": filled(message)}


def wishes(scope: Scope, body: bytes) -> list[Wish]:
    """What a batchMigrate asks for."""
    fields = body_fields(body, "")
    asked = fields.messages("migrateResourceRequests")
    fields.finish()
    if not 1 <= len(asked) <= MAX_REQUESTS:
        limit = f"There must be 1 to {MAX_REQUESTS} requests."
        raise invalid(("migrate_resource_requests", limit))
    return [_wish(scope, each) for each in asked]


def _wish(scope: Scope, request: Fields) -> Wish:
    for kind in (ObjectKind.DATASET, ObjectKind.MODEL):
        config = request.message(f"migrateAutoml{kind.capitalize()}Config")
        if config is None:
            continue
        name, shown = config.text(str(kind)), config.text(f"{kind}DisplayName")
        config.finish()
        request.finish()
        match = _NAME.fullmatch(name)
        home = (scope.project, HOMES[scope.location], f"{kind}s")
        if match is None or (match[1], match[2], match[3]) != home:
            raise invalid((config.path(str(kind)), f"{name} is no {kind} of AutoML's there."))
        return Wish(ObjectRef(kind, number_of(match[4] + match[5])), _PROBLEMS[match[4]], shown)
    request.finish()
    raise ServiceError(Code.UNIMPLEMENTED, "The emulator migrates AutoML's objects only.")
