"""What a plan said, as its JSON or as the text that a command showed before it acted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HEAD = re.compile(r" {2}((?:dataset|model)\.[A-Za-z0-9_-]+) {2}\S")
_CHANGE = re.compile(r" {4}(\S) ([a-z-]+) +(\S.*)")
_MORE = re.compile(r" {20}(\S.*)")
_ID = re.compile(r"\[([^\]\s]+)\]$")
_UNKNOWN = float("inf")
"""What is said to be unknown claims nothing."""
PAID = frozenset({"train", "retrain"})


@dataclass(frozen=True)
class Said:
    """One change that was shown."""

    action: str
    address: str
    subject: str | None
    """The object or the operation that it names."""
    field: str | None = None
    origin: str | None = None


@dataclass(frozen=True)
class Shown:
    """All changes that were shown."""

    changes: tuple[Said, ...] = ()
    whole: Mapping[str, Any] = field(default_factory=dict)
    """The plan's JSON, where there is one."""

    def of(self, *actions: str) -> list[Said]:
        """The changes of some actions."""
        return [change for change in self.changes if change.action in actions]

    @property
    def addresses(self) -> set[str]:
        """The addresses of all changes."""
        found = {change.address for change in self.changes}
        return found | {change.origin for change in self.changes if change.origin}

    @property
    def refused(self) -> bool:
        """Whether the plan may not be applied."""
        return bool(self.whole.get("refused"))

    def training_usd(self, address: str) -> float:
        """What the trainings of an address cost at most."""
        return self._cost(address, "training")

    def running_usd(self, address: str, key: str = "running_most") -> float:
        """What a running training of an address has cost, or costs at most."""
        return self._cost(address, key)

    def monthly_usd(self, key: str) -> float:
        """What all deployments cost a month, those that nobody manages or records too."""
        cost = self.whole["cost"]
        told = [cost["total"][key], *(idle["monthly"] for idle in cost["idle"])]
        told += [each["monthly"] for each in self.whole.get("unrecorded", ())]
        return sum(_UNKNOWN if usd is None else float(usd) for usd in told)

    def _cost(self, address: str, key: str) -> float:
        found = self.whole["cost"]["resources"].get(address, {}).get(key, 0.0)
        return _UNKNOWN if found is None else float(found)


def from_json(text: str) -> Shown | None:
    """The plan in a command's standard output; None for an error."""
    try:
        plan = json.loads(text)
    except ValueError:
        return None
    if "changes" not in plan:
        return None
    found = tuple(
        Said(
            change["action"],
            change["address"],
            _last(change.get("operation_id") or change.get("object_id")),
            change.get("field"),
            change.get("origin"),
        )
        for change in plan["changes"]
    )
    return Shown(found, plan)


def _last(name: str | None) -> str | None:
    """The id in `trainingPipelines/ID`."""
    return None if name is None else name.rpartition("/")[2]


def from_text(text: str) -> Shown:
    """The plan that a command showed to a person."""
    found: list[Said] = []
    address, action, reason = "", "", ""

    def end() -> None:
        if action:
            named = _ID.search(reason)
            was = re.search(r"\(was (\S+)\)", reason)
            subject = _last(named[1]) if named else None
            found.append(Said(action, address, subject, None, was[1] if was else None))

    for line in text.splitlines():
        if match := _HEAD.match(line):
            end()
            address, action = match[1], ""
        elif match := _CHANGE.match(line):
            end()
            action, reason = match[2], match[3]
        elif action and (match := _MORE.match(line)):
            reason += " " + match[1]
        elif not line.startswith("    "):
            end()
            action = ""
    end()
    return Shown(tuple(found))
