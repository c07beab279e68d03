"""How often each method was called, so that a test can say that something costs no call."""

import threading
from collections import Counter
from collections.abc import Mapping

from automl_plan.emulator.methods import Method


class CallCounts:
    """Counts the calls since the service started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Method] = Counter()

    def add(self, method: Method) -> None:
        """Count a call, whatever comes of it."""
        with self._lock:
            self._counts[method] += 1

    def by_method(self) -> Mapping[Method, int]:
        """The calls of each method that was called at all, by its name."""
        with self._lock:
            return dict(sorted(self._counts.items()))
