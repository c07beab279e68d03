"""Faults: how they are written (`METHOD:EFFECT[:WHEN]`), and which of them a call meets."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import Literal, cast

from msgspec import Struct

from automl_plan.emulator.errors import Code
from automl_plan.emulator.methods import METHODS, Method

EffectName = Literal[
    "drop-before",
    "drop-after",
    "401",
    "429",
    "500",
    "503",
    "500-after",
    "503-after",
    "delay-before",
    "delay-after",
    "truncate",
    "fail",
    "stubborn",
    "late",
    "blind",
    "early",
]

MAX_SECONDS = 86_400.0

BEGINNERS: frozenset[Method] = frozenset(
    {
        *("datasets.create", "datasets.delete", "datasets.importData", "datasets.exportData"),
        *("models.create", "models.delete", "models.deploy", "models.undeploy", "models.export"),
        *("datasets.import", "datasets.export"),
        *("trainingPipelines.create", "trainingPipelines.delete"),
        *("endpoints.create", "endpoints.delete"),
        *("endpoints.deployModel", "endpoints.undeployModel"),
    }
)
"""The methods that begin an operation."""


class FaultRefused(Exception):
    """A text that is no fault; the message says what is expected."""


class Always(Struct, frozen=True):
    """At every call."""

    def applies(self, number: int) -> bool:  # noqa: ARG002 - as the others
        """Whether the call of that number, from 1, meets the fault."""
        return True


class Between(Struct, frozen=True):
    """From one call to another, both included; without `last`, from the first one on."""

    first: int
    last: int | None

    def applies(self, number: int) -> bool:
        """Whether the call of that number, from 1, meets the fault."""
        return self.first <= number and (self.last is None or number <= self.last)


class Chance(Struct, frozen=True):
    """By a probability: the seed and the call's number decide, so that runs can be repeated."""

    probability: float
    seed: int

    def applies(self, number: int) -> bool:
        """Whether the call of that number, from 1, meets the fault."""
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311 - repeatable on purpose
        return dice.random() < self.probability


When = Always | Between | Chance


class Fault(Struct, frozen=True):
    """What goes wrong, at which calls of which method; `*` is all methods.

    `seconds` belongs to the effects that take them (429 and 503: what Retry-After says), `code`
    to `fail`.
    """

    text: str
    method: Method | Literal["*"]
    effect: EffectName
    seconds: float | None
    code: Code | None
    when: When

    def concerns(self, method: Method) -> bool:
        """Whether calls of a method count for it."""
        if self.effect == "early":
            # A model that is listed too early can be asked for as well.
            return method in (
                "models.list",
                "models.get",
                "modelEvaluations.list",
                "evaluations.list",
            )
        if self.method == "*" and self.effect in ("fail", "stubborn"):
            return method in BEGINNERS
        return self.method in ("*", method)


class _Value(Enum):
    """What may follow an effect's name after `=`."""

    NOTHING = auto()
    SECONDS = auto()
    WHOLE_SECONDS_OR_NOTHING = auto()
    CODE = auto()


_VALUES: Mapping[EffectName, _Value] = {
    "drop-before": _Value.NOTHING,
    "drop-after": _Value.NOTHING,
    "401": _Value.NOTHING,
    "429": _Value.WHOLE_SECONDS_OR_NOTHING,
    "500": _Value.NOTHING,
    "503": _Value.WHOLE_SECONDS_OR_NOTHING,
    "500-after": _Value.NOTHING,
    "503-after": _Value.NOTHING,
    "delay-before": _Value.SECONDS,
    "delay-after": _Value.SECONDS,
    "truncate": _Value.NOTHING,
    "fail": _Value.CODE,
    "stubborn": _Value.NOTHING,
    "late": _Value.SECONDS,
    "blind": _Value.NOTHING,
    "early": _Value.NOTHING,
}
_WRITTEN = {
    _Value.NOTHING: "{}",
    _Value.SECONDS: "{}=SECONDS",
    _Value.WHOLE_SECONDS_OR_NOTHING: "{}[=SECONDS]",
    _Value.CODE: "{}=CODE",
}
EFFECTS = ", ".join(_WRITTEN[value].format(name) for name, value in _VALUES.items())
"""All effects as they are written."""

_ONLY: Mapping[EffectName, Collection[str]] = {
    "fail": BEGINNERS | {"*"},
    "stubborn": BEGINNERS | {"*"},
    "late": {"operations.list", "trainingPipelines.list"},
    "blind": {"operations.list"},
    "early": {"models.list"},
}
"""Effects that not all methods can have."""

_NUMBER = r"[1-9][0-9]{0,8}"
_BETWEEN = re.compile(rf"({_NUMBER})(?:(\+)|-({_NUMBER}))?")
_DECIMAL = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_CHANCE = re.compile(rf"p({_DECIMAL})@([0-9]{{1,18}})")


def parse_fault(text: str) -> Fault:
    """The fault that a text says. Raises FaultRefused."""
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise _refused(text, "It is METHOD:EFFECT[:WHEN], such as models.create:drop-after:1.")
    method = _method(text, parts[0])
    name, given, value = parts[1].partition("=")
    if name not in _VALUES:
        raise _refused(text, f"There is no effect {_shown(name)}. There are {EFFECTS}.")
    effect = cast("EffectName", name)
    allowed = _ONLY.get(effect)
    if allowed is not None and method not in allowed:
        raise _refused(text, f"{effect} is for {', '.join(sorted(allowed))}.")
    kind = _VALUES[effect]
    seconds = code = None
    if kind is _Value.CODE:
        code = _code(text, value)
    elif kind is _Value.SECONDS or (kind is _Value.WHOLE_SECONDS_OR_NOTHING and given):
        seconds = _seconds(text, effect, value, whole=kind is _Value.WHOLE_SECONDS_OR_NOTHING)
    elif given:
        raise _refused(text, f"{effect} takes no value.")
    return Fault(text, method, effect, seconds, code, _when(text, parts[2:]))


def _method(text: str, name: str) -> Method | Literal["*"]:
    if name == "*":
        return "*"
    for method in METHODS:
        if method == name:
            return method
    raise _refused(text, f"There is no method {_shown(name)}. There are *, {', '.join(METHODS)}.")


def _code(text: str, value: str) -> Code:
    for code in Code:
        if value in (code.name, str(code.value)):
            return code
    codes = ", ".join(f"{code.name} ({code.value})" for code in Code)
    raise _refused(text, f"CODE is the name or the number of one of {codes}.")


def _seconds(text: str, effect: EffectName, value: str, *, whole: bool) -> float:
    pattern = r"[0-9]{1,9}" if whole else _DECIMAL
    if not re.fullmatch(pattern, value) or float(value) > MAX_SECONDS:
        kind = "a whole number" if whole else "a number"
        raise _refused(
            text, f"{effect}=SECONDS takes {kind} from 0 to {MAX_SECONDS:.0f}, such as {effect}=2."
        )
    return float(value)


def _when(text: str, written: list[str]) -> When:
    if not written:
        return Always()
    match = _BETWEEN.fullmatch(written[0])
    if match:
        first = int(match[1])
        last = None if match[2] else int(match[3] or first)
        if last is None or first <= last:
            return Between(first, last)
    match = _CHANCE.fullmatch(written[0])
    if match and float(match[1]) <= 1:
        return Chance(float(match[1]), int(match[2]))
    raise _refused(
        text,
        f"WHEN is not {_shown(written[0])}: it is N, N-M or N+ (calls are counted from 1), or "
        "pP@SEED with a probability P from 0 to 1, such as p0.2@7.",
    )


def _refused(text: str, why: str) -> FaultRefused:
    return FaultRefused(f"The fault {_shown(text)} is not understood. {why}")


def _shown(text: str) -> str:
    """A text of any kind on one line, without what a terminal would act on."""
    cut = text if len(text) <= 100 else text[:100] + "…"
    return ascii(cut)


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
