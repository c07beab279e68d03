"""How the operations stand that the state holds as open: they may have ended since."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from automl_plan.errors import NotFound
from automl_plan.providers.protocol import Provider
from automl_plan.resources.address import Address
from automl_plan.resources.live import Operation
from automl_plan.resources.recorded import RecordedResource

_REQUESTS = 8
"""How many are asked for at the same time."""


def standing(
    resources: Mapping[Address, RecordedResource], provider: Provider
) -> dict[str, Operation]:
    """The open operations whose ids are known, by id, without those that are forgotten.

    Costs no call when nothing is open. Raises ProviderError.
    """
    ids = sorted({o.id for r in resources.values() for o in r.operations if o.id is not None})
    if not ids:
        return {}

    def ask(operation_id: str) -> Operation | None:
        try:
            return provider.operation(operation_id)
        except NotFound:
            return None

    with ThreadPoolExecutor(min(_REQUESTS, len(ids))) as pool:
        found = zip(ids, pool.map(ask, ids), strict=True)
        return {asked: operation for asked, operation in found if operation is not None}
