"""Which live object a user means."""

from __future__ import annotations

import pytest

from automl_plan.errors import UsageError
from automl_plan.model.address import Address, ResourceKind, dataset_address, model_address
from automl_plan.model.live import LiveModel
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.workspace.inventory import managed_objects, pick

MODEL = ResourceKind.MODEL


def recorded(name: str, current: str | None, *former: str) -> RecordedResource:
    return RecordedResource(
        model_address(name),
        current=None if current is None else RecordedObject(current, {}),
        others=tuple(RecordedObject(i, {}) for i in former),
    )


def resources(*records: RecordedResource) -> dict[Address, RecordedResource]:
    return {record.address: record for record in records}


def live(**names: str) -> list[LiveModel]:
    return [LiveModel(i, name, "D1", None) for i, name in names.items()]


def test_by_id_address_key_or_display_name() -> None:
    models = live(M1="Numbers", M2="Animals", M3="digits2")
    known = resources(recorded("digits", "M1"))
    for name in ("M1", "model.digits", "digits", "Numbers"):
        assert pick(name, MODEL, models, known).id == "M1"
    assert pick("Animals", MODEL, models, known).id == "M2"


def test_an_id_goes_before_names() -> None:
    models = live(M1="M2", M2="x")
    assert pick("M2", MODEL, models, resources(recorded("M2", "M1"))).id == "M2"


def test_an_address_is_never_ambiguous() -> None:
    models = live(M1="digits", M2="digits", M3="model.digits")
    known = resources(recorded("digits", "M1", "M2"))
    assert pick("model.digits", MODEL, models, known).id == "M1"


def test_a_declared_name_means_the_current_version_whatever_bears_it_too() -> None:
    models = live(M1="digits", M2="digits", M3="digits", M4="other")
    for known in (recorded("digits", "M1", "M2"), recorded("digits", "M1")):
        assert pick("digits", MODEL, models, resources(known)).id == "M1"
    models = live(M1="Numbers", M2="digits")
    assert pick("digits", MODEL, models, resources(recorded("digits", "M1"))).id == "M1"


def test_a_display_name_that_several_bear_is_told_with_their_ids() -> None:
    models = live(M1="Numbers", M2="Numbers", M3="Numbers", M4="other")
    known = resources(recorded("digits", "M1", "M2"))
    with pytest.raises(UsageError) as told:
        pick("Numbers", MODEL, models, known)
    assert told.value.message == (
        "Several models are called Numbers: M1 (model.digits), M2 (model.digits, former), "
        "M3 (unmanaged)."
    )


def test_a_declared_name_whose_current_version_is_gone_is_a_display_name() -> None:
    known = resources(recorded("digits", "M1", "M2"))
    assert pick("digits", MODEL, live(M2="digits"), known).id == "M2"


@pytest.mark.parametrize("name", ["nothing", "", "model.gone", "dataset.digits", "model.", "."])
def test_what_nothing_bears(name: str) -> None:
    known = resources(recorded("gone", "M9"), RecordedResource(dataset_address("digits")))
    with pytest.raises(UsageError) as told:
        pick(name, MODEL, live(M1="Numbers"), known)
    assert told.value.hint == "See `automl-plan models list`."


def test_former_objects_are_managed_too() -> None:
    found = managed_objects(resources(recorded("digits", "M1", "M0")), MODEL)
    assert {i: m.current for i, m in found.items()} == {"M1": True, "M0": False}
    assert not managed_objects(resources(recorded("digits", "M1")), ResourceKind.DATASET)
