"""What a rejection says about what serves is what the service has."""

from __future__ import annotations

import pytest

from automl_plan.execution.synchronous_steps import serving_of
from automl_plan.model.address import model_address
from automl_plan.model.live import LiveModel
from automl_plan.model.recorded import RecordedObject, RecordedResource, Status


def models(deployed: dict[str, bool]) -> dict[str, LiveModel]:
    return {m: LiveModel(m, "m", "D1", None, deployed=on) for m, on in deployed.items()}


@pytest.mark.parametrize(
    ("live", "serves", "text"),
    [
        ({"M2": True}, True, "Version 2 remains current and keeps serving."),
        ({"M2": True, "M1": True}, True, "Version 2 remains current and keeps serving."),
        (
            {"M2": False},
            False,
            "Version 2 remains current. Nothing is serving: it is not deployed.",
        ),
        (
            {"M1": False},
            False,
            "Version 2 remains current. Nothing is serving: it was deleted outside automl-plan.",
        ),
        (
            {"M2": False, "M1": True},
            True,
            "Version 2 remains current. Serving: version 1.",
        ),
        (
            None,
            None,
            "Version 2 remains current. Which version is serving could not be determined.",
        ),
    ],
)
def test_what_serves_is_what_the_service_has(
    live: dict[str, bool] | None, serves: bool | None, text: str
) -> None:
    former = RecordedObject("M1", {}, version=1, status=Status.FORMER)
    record = RecordedResource(
        model_address("m"), current=RecordedObject("M2", {}, version=2), others=(former,)
    )
    told = serving_of(record, None if live is None else models(live))
    assert (told.serves, told.text) == (serves, text)


def test_nothing_serves_where_no_version_was_current() -> None:
    told = serving_of(RecordedResource(model_address("m")), models({"M1": False}))
    assert (told.serves, told.text) == (False, "Nothing is serving: no version is deployed.")
