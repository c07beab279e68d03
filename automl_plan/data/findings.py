"""What the lint finds: kept up to a number of each rule, and counted beyond it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from automl_plan.data.rules import REFUSED, RULES, Severity

KEPT = 10_000
"""Findings of one rule that are kept; more are only counted, so that memory stays bounded."""


class Finding(Struct, frozen=True, order=True):
    """One thing that is wrong with the data, at one place."""

    file: str
    """As the sources name it."""
    line: int
    """Lines and columns count from 1; 0: the finding is about the file, or the row, as a whole."""
    column: int
    """In characters; only of rows that need no quotes."""
    rule: str
    message: str
    severity: Severity

    @property
    def hint(self) -> str:
        """What to do about it."""
        return RULES[self.rule].hint


class Findings:
    """All that was found so far, at the severities that a configuration gives."""

    def __init__(self, severities: Mapping[str, Severity]) -> None:
        self._severities = {rule.id: rule.severity for rule in RULES.values()} | dict(severities)
        self.refused = frozenset(r for r in REFUSED if self._severities[r] is Severity.ERROR)
        """The rules that refuse rows: those that a configuration softens refuse none."""
        self._kept: list[Finding] = []
        self.counts: Counter[str] = Counter()
        """How many there are of each rule, kept or not."""

    def wants(self, rule: str) -> bool:
        """Whether a rule is on."""
        return self._severities[rule] is not Severity.OFF

    def add(self, rule: str, file: str, line: int, message: str, column: int = 0) -> None:
        """Note a finding, unless its rule is off."""
        severity = self._severities[rule]
        if severity is Severity.OFF:
            return
        self.counts[rule] += 1
        if self.counts[rule] <= KEPT:
            self._kept.append(Finding(file, line, column, rule, message, severity))

    def ordered(self) -> tuple[Finding, ...]:
        """Those that are kept, by file and line."""
        return tuple(sorted(self._kept))

    def count_of(self, severity: Severity) -> int:
        """How many there are of a severity, kept or not."""
        return sum(n for rule, n in self.counts.items() if self._severities[rule] is severity)
