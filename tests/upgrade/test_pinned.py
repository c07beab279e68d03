"""What is written on live objects is derived as version 0.1 derived it.

The values were computed by that version. One that changes means a retraining, an import, or an
object that is no longer known as ours, for everybody who upgrades.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl_plan.model.address import Address
from automl_plan.model.history import key_of
from automl_plan.model.live import TOKEN_LABEL
from automl_plan.model.ownership_labels import (
    OWNERSHIP_LABELS,
    address_digest,
    address_digest_in,
    data_label,
    expected_labels,
    fingerprint_of,
    inputs_digest,
    labels_object,
    new_token,
    owner,
    rebuilt_token,
)
from automl_plan.model.recorded import RecordedObject, RecordedOperation, Status, Step
from tests.data.test_sources import read

LINEAGE = "0123456789abcdef0123456789abcdef"
CHANCE = "fedcba9876543210fedcba9876543210"
DATA = "v1:b371022183b142429c7d21ab7f1a9a9947d5b8a3450dcfdb2db6493ac2c7"
DATASET = Address.parse("dataset.Digits_2")
MODEL = Address.parse("model.zeros-to-nines")
CLASSIFIER: dict[str, Any] = {
    "display_name": "digits",
    "labels": {"team": "vision"},
    "image_classification": {"model_type": "cloud", "train_budget_milli_node_hours": 8000},
    "trained_on": {"data": DATA, "image_classification": {"classification_type": "MULTICLASS"}},
    "deploy": {"node_count": 1},
}
DETECTOR: dict[str, Any] = {
    "image_object_detection": {
        "model_type": "cloud-high-accuracy-1",
        "train_budget_milli_node_hours": 20000,
        "base_model_id": "IOD7",
        "vertex": {"split": "assigned", "disable_early_stopping": True},
    },
    "trained_on": {"data": DATA, "image_object_detection": {}},
}

ROWS = {
    "assigned": "TRAIN,a.png,rose\nTEST,b.png,tulip\nVALIDATION,c.png,ä\n",
    "free": "UNASSIGNED,a.png,rose\n,b.png,tulip\nc.png,tulip\n",
    "several": "TRAIN,a.png,rose,tulip\nTRAIN,b.png,tulip\nTRAIN,copy.png,tulip\nTRAIN,c.png\n",
    "boxes": "TRAIN,a.png,rose,0.1,0.1,,,0.9,0.9,,\n"
    "TEST,a.png,rose,0.1,0.1,0.5,0.1,0.5,0.5,0.1,0.5\n",
}
FINGERPRINTS = {
    "assigned": "v1:07a7c3cd29acdff0a1c936cd8f13576cbde136c0218ecab9bf2bf07b8087",
    "free": "v1:780da189ba372f14e6662af199f3af7b22e2c29642280801e4e32e648516",
    "several": "v1:d903f60b11f60d5fb5cc8e6d79c2ad39bf8540dbd22af6a67fae63d4a45e",
    "boxes": "v1:af185851d9c7c269207fec726de95c1903ec3f1d77c1c0f447a45ca61ed8",
}


@pytest.mark.parametrize("rows", ROWS)
def test_fingerprints(tmp_path: Path, rows: str) -> None:
    for name, content in (("a", b"1"), ("b", b"2"), ("copy", b"2"), ("c", b"3")):
        (tmp_path / f"{name}.png").write_bytes(content)
    (tmp_path / "d.csv").write_text(ROWS[rows], encoding="utf-8")
    assert read(tmp_path, boxes=rows == "boxes").fingerprint == FINGERPRINTS[rows]


@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        (CLASSIFIER, "04f65d58e88f961f5c75f436cce041c4"),
        (DETECTOR, "0240d21d7a22e14ddae923db923b2025"),
        (
            {**CLASSIFIER, "display_name": "x", "labels": {}, "deploy": None},
            "04f65d58e88f961f5c75f436cce041c4",
        ),
        ({"display_name": "nothing is known"}, "44136fa355b3678a1146ad16f7e8649e"),
    ],
)
def test_digests_of_what_a_model_was_trained_with(attributes: dict[str, Any], digest: str) -> None:
    assert inputs_digest(attributes) == digest


def test_tokens() -> None:
    assert TOKEN_LABEL == "automl-plan-token"
    assert address_digest(DATASET) == "d9277f725576"
    token = new_token(LINEAGE, MODEL, CHANCE)
    assert token == f"0123456789ab-a81b72934b8d-{CHANCE}"
    assert address_digest_in(token, LINEAGE) == address_digest(MODEL)
    assert rebuilt_token("ICN7") == "rebuilt-ICN7"
    assert not labels_object("rebuilt-ICN7")
    operation = RecordedOperation(Step.TRAIN, token, "2026-01-01T00:00:00Z", id="ICN7")
    assert key_of(operation) == CHANCE[16:]


def test_labels_of_live_objects() -> None:
    assert OWNERSHIP_LABELS == (
        "automl-plan-address",
        "automl-plan-version",
        "automl-plan-status",
        "automl-plan-data",
        "automl-plan-inputs",
        "automl-plan-commit",
        "automl-plan-protected",
    )
    dataset = RecordedObject("ICN1", {"data": DATA})
    assert expected_labels(LINEAGE, DATASET, dataset, protected=False) == {
        "automl-plan-address": "0123456789ab-d9277f725576-digits_2",
        "automl-plan-data": DATA.replace(":", "-"),
    }
    model = RecordedObject(
        "ICN2", CLASSIFIER, version=3, commit="abc-dirty", status=Status.REJECTED
    )
    found = expected_labels(LINEAGE, MODEL, model, protected=True)
    assert found == {
        "automl-plan-address": "0123456789ab-a81b72934b8d-zeros-to-nines",
        "automl-plan-commit": "abc-dirty",
        "automl-plan-data": DATA.replace(":", "-"),
        "automl-plan-inputs": "04f65d58e88f961f5c75f436cce041c4",
        "automl-plan-protected": "true",
        "automl-plan-status": "rejected",
        "automl-plan-version": "3",
    }
    known = owner(found)
    assert known is not None
    assert (known.lineage, known.address_digest, known.name) == (
        LINEAGE[:12],
        address_digest(MODEL),
        "zeros-to-nines",
    )
    label = data_label(CLASSIFIER)
    assert label is not None
    assert fingerprint_of(label) == DATA
