"""The data that a plan imports or trains on, with what is to be said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from automl_plan.planning.adequacy import MOST_LABELS, Advice, advise, unknown
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.scorecards import Role, Scorecard
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import SourceData
from automl_plan.resources.model_types import Problem

_TRAINS = frozenset({Action.TRAIN, Action.RETRAIN})
NO_SOURCES = "it declares no sources, and the service does not tell what labels it holds"
IGNORED = "what it holds is not what its sources hold (ignore_changes), and the service tells none"


def advice_of(
    changes: Iterable[Change],
    desired: Desired,
    sources: Mapping[Address, SourceData],
    scores: Sequence[Scorecard] = (),
) -> dict[Address, Advice]:
    """By dataset, of each whose data is imported or whose model is trained."""
    about: set[Address] = set()
    for change in changes:
        if change.action is Action.IMPORT_DATA:
            about.add(change.address)
        elif change.action in _TRAINS and change.address in desired.models:
            about.add(desired.models[change.address].dataset)
    cards = _cards(desired, scores)
    return {
        address: _advice(address, desired, sources.get(address), cards.get(address))
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
    address: Address, desired: Desired, data: SourceData | None, card: Scorecard | None
) -> Advice:
    dataset = desired.datasets[address]
    boxes = dataset.problem is Problem.IMAGE_OBJECT_DETECTION
    if data is None or data.counts is None:
        return unknown(NO_SOURCES, boxes=boxes)
    if dataset.data != data.fingerprint:
        return unknown(IGNORED, boxes=boxes)
    return advise(data.counts, card).at_most(MOST_LABELS)
