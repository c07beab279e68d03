"""Waits for one operation, whoever started it."""

from __future__ import annotations

import time

from automl_plan.applying.running import pause_after
from automl_plan.errors import OperationsRunning
from automl_plan.providers.protocol import Provider
from automl_plan.resources.live import Operation


def wait_for(provider: Provider, operation_id: str, *, timeout: float | None = None) -> Operation:
    """The operation as it ended, well or not. `timeout` is in seconds.

    Raises OperationsRunning when it goes on after the timeout.
    """
    begun = time.monotonic()
    while True:
        operation = provider.operation(operation_id)
        if operation.done:
            return operation
        age = time.monotonic() - begun
        pause = pause_after(age)
        if timeout is not None:
            if age >= timeout:
                raise OperationsRunning(
                    f"The operation {operation.id} goes on after {timeout:g} seconds.",
                    hint=f"Wait longer: automl-plan operations wait {operation.id}",
                )
            pause = min(pause, max(timeout - age, 0.01))
        time.sleep(pause)
