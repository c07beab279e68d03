"""What is known of the data that a plan imports or trains on: lint findings and adequacy. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from automl_plan.model.address import Address
from automl_plan.model.capabilities import Limits
from automl_plan.model.desired import Desired, DesiredDataset
from automl_plan.model.json import Count, Document
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import SourceData
from automl_plan.planning import commands
from automl_plan.planning.adequacy import MOST_LABELS, Advice, advise, unknown
from automl_plan.planning.plan import DATA_LINT, TRAININGS, Action, Change, Refusal
from automl_plan.planning.scorecards import Role, Scorecard

MOST = 20
"""Findings of one dataset that a plan carries, the gravest first."""
_LONGEST = 300
"""Letters of a message that are carried."""
_OF_COUNTS = frozenset({"label-minimum", "label-under-10"})
"""Whether there is enough data is not a matter of rows: `require_adequate_data` refuses for it."""


class DataFinding(Struct, frozen=True, forbid_unknown_fields=True):
    """One problem in the data, at one place."""

    severity: Annotated[str, Meta(extra_json_schema={"enum": ["error", "warning", "notice"]})]
    rule: str
    file: str
    line: Count
    """Counts from 1; 0: the file as a whole."""
    message: str
    hint: str

    @property
    def where(self) -> str:
        """`data/digits.csv:12`"""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def refuses(self) -> bool:
        """Whether the service would not take the data as it is."""
        return self.severity == "error" and self.rule not in _OF_COUNTS

    def shortened(self) -> DataFinding:
        """The same with a message of bounded length."""
        if len(self.message) <= _LONGEST:
            return self
        message = f"{self.message[: _LONGEST - 1]}…"
        return DataFinding(self.severity, self.rule, self.file, self.line, message, self.hint)


class DataFindings(Document, frozen=True):
    """What was found in one dataset's data."""

    errors: Count
    warnings: Count
    notices: Count
    findings: Annotated[tuple[DataFinding, ...], Meta(max_length=MOST)]
    """At most `MOST`, the gravest first."""
    unchecked: tuple[str, ...] = ()
    """What was not checked, with the number of rows."""

    @property
    def total(self) -> int:
        """All, also those that are not carried."""
        return self.errors + self.warnings + self.notices

    def refusal(self, address: Address) -> Refusal | None:
        """Why a plan that imports this is not carried out; None when it may be."""
        first = next((each for each in self.findings if each.refuses), None)
        if first is None:
            return None
        more = f", and {self.errors - 1:,} more errors" if self.errors > 1 else ""
        text = (
            f"{address}: {first.where}: {first.message} ({first.rule}{more}); "
            f"{commands.lint(address)} lists all findings, {commands.NO_LINT} plans anyway"
        )
        return Refusal(DATA_LINT, text, address, "sources", first.where)


NO_SOURCES = "it declares no sources, and the service reports no labels"
IGNORED = "its data differs from its sources (ignore_changes), and the service reports no labels"


def advice_of(
    changes: Iterable[Change],
    desired: Desired,
    sources: Mapping[Address, SourceData],
    limits: Limits,
    scores: Sequence[Scorecard] = (),
) -> dict[Address, Advice]:
    """By dataset, of each whose data is imported or whose model is trained."""
    about: set[Address] = set()
    for change in changes:
        if change.action is Action.IMPORT_DATA:
            about.add(change.address)
        elif change.action in TRAININGS and change.address in desired.models:
            about.add(desired.models[change.address].dataset)
    cards = _cards(desired, scores)
    return {
        address: _advice(
            desired.datasets[address], sources.get(address), limits, cards.get(address)
        )
        for address in sorted(about & {*desired.datasets})
    }


def _cards(desired: Desired, scores: Sequence[Scorecard]) -> dict[Address, Scorecard]:
    """Of the current version of the first model of each dataset."""
    found: dict[Address, Scorecard] = {}
    for card in sorted(scores, key=lambda card: card.address):
        model = desired.models.get(card.address)
        if card.role is Role.CURRENT and model is not None:
            found.setdefault(model.dataset, card)
    return found


def _advice(
    dataset: DesiredDataset, data: SourceData | None, limits: Limits, card: Scorecard | None
) -> Advice:
    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    if data is None or data.counts is None:
        return unknown(NO_SOURCES, boxes=boxes)
    if dataset.data != data.fingerprint:
        return unknown(IGNORED, boxes=boxes)
    return advise(data.counts, limits[dataset.problem], card).at_most(MOST_LABELS)
