"""Live and recorded things to render."""

from __future__ import annotations

from datetime import UTC, datetime

from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.items import LabelImages, LiveBox, LiveCounts, LiveItem, count_items
from automl_plan.model.live import (
    TOKEN_LABEL,
    LiveDataset,
    LiveModel,
    Operation,
    OperationError,
    OperationKind,
)
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.ownership import Claim, Ownership
from automl_plan.model.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.providers.google.capabilities import LIFESPAN
from automl_plan.state.document import State
from automl_plan.workspace.inventory import DatasetRow, ModelRow
from automl_plan.workspace.live_items import DatasetImages
from tests.output.scenes import DATASET, HOSTILE, MODEL

NOW = datetime(2021, 3, 10, 8, 0, tzinfo=UTC)
"""The service's time: some models are near the end of their lives, one is past it."""
DATASETS = (
    DatasetRow(
        LiveDataset(
            "ICN3700",
            "flowers",
            Problem.IMAGE_CLASSIFICATION,
            ClassificationType.MULTICLASS,
            "Five kinds\nof flower",
            {"team": "vision", TOKEN_LABEL: "0" * 32},
            3667,
            "2019-10-01T14:01:10.123456Z",
        ),
        Ownership(Claim.RECORDED, dataset_address("flowers")),
        current=True,
        labelled_images=3666,
        updated="2019-10-01T14:05:35Z",
        status="Warning: Importing images",
    ),
    DatasetRow(
        LiveDataset("IOD1", "boxes", Problem.IMAGE_OBJECT_DETECTION),
        Ownership(Claim.RECORDED, dataset_address("boxes")),
        current=False,
        labelled_images=None,
        updated=None,
        status="Error: INTERNAL",
    ),
    DatasetRow(
        LiveDataset("TBL9", HOSTILE, None, labels={"k": HOSTILE}),
        Ownership(Claim.UNMANAGED),
        current=False,
        labelled_images=None,
        updated=HOSTILE,
        status=f"Error: {HOSTILE}",
    ),
)
COUNTS: tuple[LiveCounts | str, ...] = (
    count_items(
        [
            LiveItem("1", "gs://b/1.jpg", "TRAIN", ("rose",)),
            LiveItem("2", "gs://b/2.jpg", "TEST", ("rose", "lily")),
            LiveItem("3", "gs://b/3.jpg", boxes=(LiveBox(HOSTILE, 0.0, 0.1, 0.2, 0.3),)),
            LiveItem("4", "gs://b/4.jpg", "VALIDATION"),
        ]
    ),
    LiveCounts((LabelImages("car", 1_200), LabelImages(HOSTILE, 0)), complete=False),
    f"The service is not there: {HOSTILE}.",
)
"""The images of live datasets by label, or why they are unknown."""
IMAGES = DatasetImages(
    DATASETS[2].live,
    None,
    (
        LiveItem("1", f"gs://b/{'long/' * 20}1.jpg", "TRAIN", ("rose", "lily")),
        LiveItem(HOSTILE, HOSTILE, "TEST", (HOSTILE,), truncated=True),
        LiveItem("3", "images/3.png"),
        LiveItem("4", "images/4.png", boxes=(LiveBox("car", 0.1, 0.1, 0.5, 0.5),) * 2),
    ),
)
MODELS = (
    ModelRow(
        LiveModel(
            "ICN42",
            "数字",
            "ICN3700",
            Problem.IMAGE_CLASSIFICATION,
            deployed=True,
            node_count=1,
            endpoint="4711",
            model_type="cloud",
            train_budget_milli_node_hours=8000,
            train_cost_milli_node_hours=7650,
            stop_reason="MODEL_CONVERGED",
            node_qps=3.2,
            labels={"team": "vision"},
            create_time="2019-10-02T08:00:00Z",
            expires=LIFESPAN.end_of("2019-10-02T08:00:00Z"),
            update_time="2019-10-02T15:30:00Z",
        ),
        Ownership(Claim.RECORDED, model_address("flowers")),
        current=True,
        dataset=dataset_address("flowers"),
    ),
    ModelRow(
        LiveModel(
            "ICN41",
            "flowers",
            "ICN3600",
            None,
            deployed=True,
            create_time="2019-01-02T08:00:00Z",
            expires=LIFESPAN.end_of("2019-01-02T08:00:00Z"),
        ),
        Ownership(Claim.RECORDED, model_address("flowers")),
        current=False,
        dataset=None,
    ),
    ModelRow(
        LiveModel(
            "ICN7",
            HOSTILE,
            HOSTILE,
            Problem.IMAGE_CLASSIFICATION,
            model_type=HOSTILE,
            create_time="2019-11-08T08:00:00.5Z",
            expires=LIFESPAN.end_of("2019-11-08T08:00:00.5Z"),
        ),
        Ownership(Claim.UNMANAGED),
        current=False,
        dataset=None,
    ),
    ModelRow(
        LiveModel(
            "ICN8",
            "young",
            "ICN1",
            None,
            create_time="2021-03-01T08:00:00Z",
            expires=LIFESPAN.end_of("2021-03-01T08:00:00Z"),
        ),
        Ownership(Claim.BEING_MADE, model_address("flowers")),
        current=False,
        dataset=None,
    ),
    ModelRow(
        LiveModel(
            "ICN9", "ageless", "ICN1", None, create_time=HOSTILE, expires=LIFESPAN.end_of(HOSTILE)
        ),
        Ownership(Claim.OTHER_STATE),
        current=False,
        dataset=None,
    ),
)
OPERATIONS = (
    Operation("ICN9", OperationKind.CREATE_MODEL, False, "2019-10-02T08:00:00Z"),
    Operation(
        "ICN8", OperationKind.IMPORT_DATA, False, "2019-10-02T07:59:59.5Z", progress_percent=40
    ),
    Operation("ICN7", OperationKind.CREATE_DATASET, True, result_id="ICN3700"),
    Operation(
        "ICN6",
        OperationKind.IMPORT_DATA,
        True,
        partial_failures=("row 3: no such image", HOSTILE),
    ),
    Operation("ICN5", OperationKind.CREATE_MODEL, True, error=OperationError(1, "Cancelled")),
    Operation("ICN4", OperationKind.UNKNOWN, True, error=OperationError(13, HOSTILE)),
)
STATE = State(
    lineage="0" * 32,
    serial=3,
    provider="local:projects/local/locations/us-central1",
    resources={
        MODEL.address: RecordedResource(
            MODEL.address,
            current=RecordedObject(
                "ICN42", MODEL.attributes(DATASET), "2019-10-02T15:30:00Z", dataset_id="ICN3700"
            ),
            others=(RecordedObject("ICN41", {"display_name": HOSTILE}, status=Status.FORMER),),
            operations=(
                RecordedOperation(Step.TRAIN, "0" * 32, "2019-10-03T08:00:00Z"),
                RecordedOperation(Step.DELETE, "1" * 32, "2019-10-03T08:00:00Z", "ICN10", "ICN41"),
            ),
        ),
        DATASET.address: RecordedResource(
            DATASET.address,
            current=RecordedObject(
                "ICN3700",
                DATASET.attributes(),
                "2019-10-01T14:01:10Z",
                examples=3667,
                labelled_examples=3666,
            ),
        ),
    },
)
