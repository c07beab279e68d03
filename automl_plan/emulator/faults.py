"""The faults that are set, and which of them a call meets."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from automl_plan.emulator.fault_spec import EffectName, Fault, parse_fault
from automl_plan.emulator.methods import Method


class SetFault:
    """A fault that was set, how many calls it concerned since, and how often it fired."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.calls = 0
        self.fired = 0


class Call:
    """One call of a method, and the faults that it meets, in the order in which they were set."""

    def __init__(self, faults: Sequence[SetFault] = ()) -> None:
        self._faults = tuple(faults)
        self._fired: set[SetFault] = set()

    def take(self, *effects: EffectName) -> Fault | None:
        """The first fault with one of these effects, which fires now; None: all goes well."""
        for each in self._faults:
            if each.fault.effect in effects:
                self._fire(each)
                return each.fault
        return None

    def seconds(self, effect: EffectName) -> float:
        """How many seconds all faults with that effect come to; they fire now."""
        found = [each for each in self._faults if each.fault.effect == effect]
        for each in found:
            self._fire(each)
        return sum(each.fault.seconds or 0.0 for each in found)

    def _fire(self, fault: SetFault) -> None:
        """Count it, once for this call."""
        if fault not in self._fired:
            self._fired.add(fault)
            with _COUNTING:
                fault.fired += 1


_COUNTING = threading.Lock()
_CURRENT: ContextVar[Call] = ContextVar("call")
"""The call that this thread answers: what it meets is asked for in places that don't call each
other, from the server to the record of an operation."""

_SOUND = Call()


def current_call() -> Call:
    """The call that is being answered; one without faults when nobody called."""
    return _CURRENT.get(_SOUND)


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """While the block runs, `current_call` is this one."""
    token = _CURRENT.set(call)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class Faults:
    """All faults that are set."""

    def __init__(self) -> None:
        self._faults: list[SetFault] = []

    def add(self, text: str) -> SetFault:
        """Set a fault, for calls from now on. Raises FaultRefused."""
        added = SetFault(parse_fault(text))
        with _COUNTING:
            self._faults.append(added)
        return added

    def all(self) -> Sequence[SetFault]:
        """The faults in the order in which they were set."""
        with _COUNTING:
            return tuple(self._faults)

    def clear(self) -> None:
        """Remove all. Operations that were begun with one keep it."""
        with _COUNTING:
            self._faults.clear()

    def called(self, method: Method) -> Call:
        """A call of a method, counted, with the faults that it meets."""
        met = []
        with _COUNTING:
            for each in self._faults:
                if each.fault.concerns(method):
                    each.calls += 1
                    if each.fault.when.applies(each.calls):
                        met.append(each)
        return Call(met)
