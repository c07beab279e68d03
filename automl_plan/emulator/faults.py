"""Faults: their syntax (`METHOD:EFFECT[:WHEN]`), and those that apply to a call."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Literal, NamedTuple, cast

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
        *("datasets.import", "datasets.export", "models.deleteVersion"),
        *("trainingPipelines.create", "trainingPipelines.delete"),
        *("batchPredictionJobs.create", "batchPredictionJobs.delete", "models.batchPredict"),
        *("endpoints.create", "endpoints.delete"),
        *("endpoints.deployModel", "endpoints.mutateDeployedModel", "endpoints.undeployModel"),
    }
)
"""The methods that start an operation."""


class FaultRefused(Exception):
    """An invalid fault; the text says what is expected."""


class Always(Struct, frozen=True):
    """Every call."""

    def applies(self, number: int) -> bool:  # noqa: ARG002 - as the others
        """Return whether the fault applies to the call of that number, counted from 1."""
        return True


class Between(Struct, frozen=True):
    """The calls from `first` to `last`, inclusive; all later ones without `last`."""

    first: int
    last: int | None

    def applies(self, number: int) -> bool:
        """Return whether the fault applies to the call of that number, counted from 1."""
        return self.first <= number and (self.last is None or number <= self.last)


class Chance(Struct, frozen=True):
    """Calls by probability, which depends on seed and number: runs are repeatable."""

    probability: float
    seed: int

    def applies(self, number: int) -> bool:
        """Return whether the fault applies to the call of that number, counted from 1."""
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311 - repeatable on purpose
        return dice.random() < self.probability


When = Always | Between | Chance


class Fault(Struct, frozen=True):
    """An effect on some calls of a method; `*` is all methods.

    `seconds` is for effects with a time (429 and 503: that of Retry-After), `code` for `fail`.
    """

    text: str
    method: Method | Literal["*"]
    effect: EffectName
    seconds: float | None
    code: Code | None
    when: When

    def concerns(self, method: Method) -> bool:
        """Return whether calls of a method count for the fault."""
        if self.effect == "early":
            # A model that is listed too early can be read, too.
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
    """The syntax of an effect: its name, and maybe a value after `=`."""

    NOTHING = "{}"
    SECONDS = "{}=SECONDS"
    WHOLE_SECONDS_OR_NOTHING = "{}[=SECONDS]"
    CODE = "{}=CODE"


class _Effect(NamedTuple):
    value: _Value = _Value.NOTHING
    methods: Collection[str] | None = None
    """The methods that can have the effect; None: all."""


_EFFECTS: Mapping[EffectName, _Effect] = {
    "drop-before": _Effect(),
    "drop-after": _Effect(),
    "401": _Effect(),
    "429": _Effect(_Value.WHOLE_SECONDS_OR_NOTHING),
    "500": _Effect(),
    "503": _Effect(_Value.WHOLE_SECONDS_OR_NOTHING),
    "500-after": _Effect(),
    "503-after": _Effect(),
    "delay-before": _Effect(_Value.SECONDS),
    "delay-after": _Effect(_Value.SECONDS),
    "truncate": _Effect(),
    "fail": _Effect(_Value.CODE, BEGINNERS | {"*"}),
    "stubborn": _Effect(methods=BEGINNERS | {"*"}),
    "late": _Effect(
        _Value.SECONDS, {"operations.list", "trainingPipelines.list", "batchPredictionJobs.list"}
    ),
    "blind": _Effect(methods={"operations.list"}),
    "early": _Effect(methods={"models.list"}),
}
EFFECT_SYNTAX = ", ".join(each.value.value.format(name) for name, each in _EFFECTS.items())
"""All effects as they are written."""

_NUMBER = r"[1-9][0-9]{0,8}"
_BETWEEN = re.compile(rf"({_NUMBER})(?:(\+)|-({_NUMBER}))?")
_DECIMAL = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_CHANCE = re.compile(rf"p({_DECIMAL})@([0-9]{{1,18}})")


def parse_fault(text: str) -> Fault:
    """Return the fault that a text describes. Raises FaultRefused."""
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise _refused(text, "It is METHOD:EFFECT[:WHEN], such as models.create:drop-after:1.")
    method = _method(text, parts[0])
    name, given, value = parts[1].partition("=")
    if name not in _EFFECTS:
        raise _refused(text, f"There is no effect {_shown(name)}. There are {EFFECT_SYNTAX}.")
    effect = cast("EffectName", name)
    kind, methods = _EFFECTS[effect]
    if methods is not None and method not in methods:
        raise _refused(text, f"{effect} is for {', '.join(sorted(methods))}.")
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
    """A text on one line, shortened, without control characters."""
    cut = text if len(text) <= 100 else text[:100] + "…"
    return ascii(cut)


class ActiveFault:
    """A fault that is set, with the number of calls that counted for it, and of those it hit."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.calls = 0
        self.fired = 0


class Call:
    """A call of a method, with the faults that apply to it, oldest first."""

    def __init__(self, faults: Sequence[ActiveFault] = ()) -> None:
        self._faults = tuple(faults)
        self._fired: set[ActiveFault] = set()

    def take(self, *effects: EffectName) -> Fault | None:
        """Return the first fault with one of these effects, and count that it fired."""
        for each in self._faults:
            if each.fault.effect in effects:
                self._fire(each)
                return each.fault
        return None

    def seconds(self, effect: EffectName) -> float:
        """Return the total seconds of all faults with that effect, and count that they fired."""
        found = [each for each in self._faults if each.fault.effect == effect]
        for each in found:
            self._fire(each)
        return sum(each.fault.seconds or 0.0 for each in found)

    def _fire(self, fault: ActiveFault) -> None:
        """Count a fault as fired, once per call."""
        if fault not in self._fired:
            self._fired.add(fault)
            with _COUNTING:
                fault.fired += 1


_COUNTING = threading.Lock()
_CURRENT: ContextVar[Call] = ContextVar("call")
"""The call that this thread answers. Its faults are needed in places that don't call each other,
from the server to the record of an operation."""

_NO_FAULTS = Call()


def current_call() -> Call:
    """Return the call that this thread answers; outside a request, one without faults."""
    return _CURRENT.get(_NO_FAULTS)


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """Make a call the `current_call` within the block."""
    token = _CURRENT.set(call)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class Faults:
    """All faults that are set."""

    def __init__(self) -> None:
        self._faults: list[ActiveFault] = []

    def add(self, text: str) -> ActiveFault:
        """Set a fault for calls from now on. Raises FaultRefused."""
        added = ActiveFault(parse_fault(text))
        with _COUNTING:
            self._faults.append(added)
        return added

    def all(self) -> Sequence[ActiveFault]:
        """Return all faults, oldest first."""
        with _COUNTING:
            return tuple(self._faults)

    def clear(self) -> None:
        """Remove all faults. Operations that were started with one keep it."""
        with _COUNTING:
            self._faults.clear()

    def called(self, method: Method) -> Call:
        """Count a call of a method, and return it with the faults that apply."""
        applying = []
        with _COUNTING:
            for each in self._faults:
                if each.fault.concerns(method):
                    each.calls += 1
                    if each.fault.when.applies(each.calls):
                        applying.append(each)
        return Call(applying)
