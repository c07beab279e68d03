"""What gates decide, by what the service reports: one training each, and never another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from automl_plan.emulator.billing import ChargeKind
from automl_plan.emulator.evaluation_readings import EVALUATION_MATRIX, EVALUATION_READINGS
from automl_plan.errors import GateRejected, GateUndecided
from automl_plan.model.address import model_address
from automl_plan.model.recorded import DecisionKind, Status
from automl_plan.planning.plan import Action, HeldBy
from tests.apis import APIS, endpoint_of
from tests.depth import DEEP
from tests.project import Project
from tests.still_service import StillService, still_service

REQUIRE: Mapping[str, Mapping[str, Any]] = {
    "area": {"au_prc": 0.1},
    "f1": {"f1": 0.1, "precision": 0.1, "recall": 0.1},
    "labels": {"each_label": {"au_prc": 0.1, "f1": 0.1}},
    "sure": {"recall": 0.1, "confidence": 0.6},
    "sure_of_area": {"au_prc": 0.1, "confidence": 0.6},
    "too_much": {"au_prc": 1.0, "recall": 0.1, "confidence": 0.6},
}
USUAL = dict.fromkeys(REQUIRE, "passed") | {"too_much": "rejected"}
UNDECIDED: Mapping[tuple[str, tuple[tuple[str, str], ...]], frozenset[str]] = {
    ("automl", (("evaluation-matrix", "absent"),)): frozenset({"sure"}),
    ("vertex", (("evaluation-matrix", "absent"),)): frozenset({"sure", "sure_of_area"}),
}
"""Which gates can't be decided, by API and reading: without counts and a matrix nothing tells how
many examples there were, at AutoML v1 but for the number of all."""
FORMER = tuple((each.name, each.former) for each in EVALUATION_READINGS)
EACH = tuple(
    ((each.name, value),)
    for each in EVALUATION_READINGS
    for value in each.values
    if value != each.recorded
)
SETTINGS = (
    (),
    FORMER,
    *(each for each in EACH if DEEP or each[0] == ("evaluation-matrix", "absent")),
    *(each for each in EACH if not DEEP and each[0][1] == "present-for-unset"),
)


class Client(Project):
    """A directory whose provider is one of the APIs of a service in this process."""

    def __init__(self, directory: Path, api: str, service: StillService) -> None:
        directory.mkdir()
        super().__init__(directory, 1.0, api)
        self._url = endpoint_of(api, service.server.url)

    def provider(self) -> dict[str, Any]:
        return {self.api: {"project": "shop", "endpoint": self._url}}

    def declare(self, require: Mapping[str, Mapping[str, Any]]) -> None:
        kind = {"image_classification": {"classification_type": "MULTICLASS"}}
        model = {
            "dataset": "digits",
            "image_classification": {"train_budget_milli_node_hours": 8000},
            "deploy": {"node_count": 1},
        }
        self.write(
            {"digits": {**kind, "sources": ["gs://images/d.csv"]}},
            {name: {**model, "require": each} for name, each in require.items()},
        )

    def decided(self) -> dict[str, str]:
        found = {}
        for address, record in self.state().resources.items():
            for obj in record.objects if address.name in REQUIRE else ():
                assert obj.decision is not None
                found[address.name] = str(obj.decision.kind)
        return found


def fill(bucket: Path) -> None:
    bucket.mkdir()
    rows = []
    for number in range(48):
        (bucket / f"{number}.png").write_bytes(str(number).encode())
        use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[number % 4]
        rows.append(f"{use},gs://images/{number}.png,{('cat', 'dog')[number // 24]}\n")
    (bucket / "d.csv").write_text("".join(rows))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "readings", SETTINGS, ids=lambda each: "=".join(each[0]) if len(each) == 1 else str(len(each))
)
def test_gates_by_what_is_reported(
    tmp_path: Path, api: str, readings: tuple[tuple[str, str], ...]
) -> None:
    undecided = UNDECIDED.get((api, readings), frozenset())
    with still_service(tmp_path, dict(readings), datetime.now(UTC), listens=True) as service:
        fill(service.buckets / "images")
        client = Client(tmp_path / "client", api, service)
        client.declare(REQUIRE)
        errors = {each.change.address.name: each.error for each in client.apply().failed}
        assert client.decided() == USUAL | dict.fromkeys(undecided, "undecided")
        assert errors.keys() == {"too_much", *undecided}
        assert isinstance(errors["too_much"], GateRejected)
        assert all(isinstance(errors[name], GateUndecided) for name in undecided)
        assert {each.exit_code for each in errors.values()} == {3}

        planned = client.plan()
        assert planned.empty
        held = {note.address.name: note for note in planned.plan.notes}
        assert held.keys() == errors.keys()
        for name in undecided:
            (version,) = client.state().resources[model_address(name)].objects
            assert version.status is Status.CANDIDATE
            assert version.decision is not None
            (missing,) = version.decision.undecided
            assert held[name].by is HeldBy.UNDECIDED
            assert missing in held[name].text
            assert missing in errors[name].message
        charged = service.engine.charges(ChargeKind.TRAINING)
        assert len(charged) == len(REQUIRE)

        if undecided and dict(readings).get(EVALUATION_MATRIX.name) == "absent":
            # The service reports them one day: the gate decides, and the other one stays as it is.
            service.readings.change(EVALUATION_MATRIX, "present")
            again = client.plan().plan.changes
            assert {(c.address.name, c.action) for c in again if c.action is Action.GATE} == {
                (name, Action.GATE) for name in undecided
            }
            assert {c.address.name for c in again} == undecided
            assert not client.apply().failed
            assert client.decided() == USUAL
            assert client.plan().empty
            assert service.engine.charges(ChargeKind.TRAINING) == charged

        # What is decided on does not need more than is reported: free, and no training.
        client.declare({name: {"au_prc": 0.1} for name in REQUIRE})
        assert not client.apply().failed
        assert set(client.decided().values()) == {str(DecisionKind.PASSED)}
        assert service.engine.charges(ChargeKind.TRAINING) == charged
