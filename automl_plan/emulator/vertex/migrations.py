"""Vertex AI v1: migration from AutoML. Messages: migration_service.proto."""

import re

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.migrations import Migratable
from automl_plan.emulator.objects import ObjectKind, Scope
from automl_plan.emulator.vertex.migratable import source_json, wishes
from automl_plan.emulator.vertex.names import scope_of
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.wire.calls import check_query, filled, timestamp
from automl_plan.emulator.wire.reading import body_fields

_PAGE = 100


class MigrationMethods:
    """The methods of `migratableResources`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def search(self, request: Request) -> Reply:
        """migratableResources:search; filters as the proto lists them."""
        check_query(request)
        fields = body_fields(request.body, "")
        size = fields.integer("pageSize") or _PAGE
        token, text = fields.text("pageToken"), fields.text("filter")
        fields.finish()
        scope = scope_of(request.params)
        found = [each for each in self._engine.migrations.search(scope) if _fits(each, text)]
        if not re.fullmatch(r"\d{0,9}", token, re.ASCII):
            raise invalid(("page_token", "The page token is not one of this list."))
        start = int(token or 0)
        end = start + min(max(size, 1), _PAGE)
        answer = {"migratableResources": [_render(scope, each) for each in found[start:end]]}
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return json_reply(filled(answer) | more)

    def batch_migrate(self, request: Request) -> Reply:
        """migratableResources:batchMigrate."""
        check_query(request)
        scope = scope_of(request.params)
        asked = wishes(scope, request.body)
        return operation_reply(self._engine.migrations.migrate(scope, asked))


def _render(scope: Scope, found: Migratable) -> dict[str, object]:
    return filled(
        {
            **source_json(scope, found),
            "lastMigrateTime": None if found.migrated is None else timestamp(found.migrated),
            "lastUpdateTime": timestamp(found.updated),
        }
    )


def _fits(found: Migratable, text: str) -> bool:
    """The documented filters, one at a time or joined by AND."""
    for term in filter(None, (part.strip() for part in text.split(" AND "))):
        match term:
            case "automl_model:*":
                fits = found.source.kind is ObjectKind.MODEL
            case "automl_dataset:*":
                fits = found.source.kind is ObjectKind.DATASET
            case "last_migrate_time:*":
                fits = found.migrated is not None
            case "NOT last_migrate_time:*":
                fits = found.migrated is None
            case "ml_engine_model_version:*" | "data_labeling_dataset:*":
                fits = False
            case _:
                raise invalid(("filter", f'The filter "{term}" is not understood.'))
        if not fits:
            return False
    return True
