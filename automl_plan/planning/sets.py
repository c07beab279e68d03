"""Trainings that a provider can't do: on images of which only some have a set by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from automl_plan.planning.plan import Action, Change
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import SourceData

_TRAINS = frozenset({Action.TRAIN, Action.RETRAIN})


def undecided(
    changes: Iterable[Change], desired: Desired, sources: Mapping[Address, SourceData]
) -> list[Address]:
    """The models to be trained that don't say what becomes of images without a set.

    Only of a provider that can't keep the sets of some images and draw those of the others.
    """
    found = []
    for address in sorted({change.address for change in changes if change.action in _TRAINS}):
        model = desired.models[address]
        data = sources.get(model.dataset)
        if data is None or not model.sets_all_or_none or "split" in model.training_options:
            continue
        if 0 < data.assigned_examples < data.examples:
            found.append(address)
    return found
