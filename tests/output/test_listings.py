"""Lists and single objects, as people and programs read them."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.model.live import OperationKind
from automl_plan.output.documents.inventory import (
    DatasetsImages,
    DatasetsList,
    DatasetsShow,
    ModelsList,
    ModelsShow,
    StateList,
    StateShow,
)
from automl_plan.output.documents.operations import OperationsGet, OperationsList
from automl_plan.output.inventory import (
    dataset_text,
    datasets_text,
    deleted_text,
    deletion_question,
    images_text,
    model_text,
    models_text,
)
from automl_plan.output.operations import (
    operation_text,
    operations_text,
)
from automl_plan.output.state import (
    resource_text,
    resources_text,
    state_text,
)
from automl_plan.output.style import PLAIN
from automl_plan.state.document import State
from tests.output.golden import matches_golden
from tests.output.rows import COUNTS, DATASETS, IMAGES, MODELS, NOW, OPERATIONS, STATE
from tests.output.schema import SCHEMA, is_valid


def test_datasets() -> None:
    assert matches_golden("datasets-list", datasets_text(DATASETS, PLAIN))
    told = zip(DATASETS, COUNTS, strict=True)
    shown = "\n".join(dataset_text(row, counts, PLAIN) for row, counts in told)
    assert matches_golden("datasets-show", shown)
    assert matches_golden("datasets-images", images_text(IMAGES, PLAIN))
    assert is_valid("datasets-images", DatasetsImages.of(IMAGES))
    assert images_text(replace(IMAGES, images=()), PLAIN) == "No images.\n"
    assert is_valid("datasets-list", DatasetsList.of(DATASETS))
    for row in DATASETS:
        for counts in COUNTS:
            assert is_valid("datasets-show", DatasetsShow.of(row, counts))


def test_models() -> None:
    assert matches_golden("models-list", models_text(MODELS, NOW, PLAIN))
    assert matches_golden("models-show", "\n".join(model_text(row, NOW, PLAIN) for row in MODELS))
    assert is_valid("models-list", ModelsList.of(MODELS, NOW))
    for row in MODELS:
        assert is_valid("models-show", ModelsShow.of(row, NOW))


def test_deleting_a_model_is_asked_with_what_it_means() -> None:
    questions = (deletion_question(r.live, r.address, current=r.current) for r in MODELS)
    assert matches_golden("models-delete", "\n\n".join(questions) + "\n")
    assert matches_golden("models-deleted", "".join(deleted_text(row.live) for row in MODELS))


def test_operations() -> None:
    assert matches_golden("operations-list", operations_text(OPERATIONS, PLAIN))
    shown = "\n".join(operation_text(operation, PLAIN) for operation in OPERATIONS)
    assert matches_golden("operations-get", shown)
    assert is_valid("operations-list", OperationsList.of(OPERATIONS))
    for operation in OPERATIONS:
        assert is_valid("operations-get", OperationsGet.filled(operation))


def test_the_schema_names_every_kind_of_operation() -> None:
    kinds = [str(kind) for kind in OperationKind]
    for view in ("operations-get", "operation"):
        properties = SCHEMA["definitions"][view]["properties"]
        assert properties["operation"]["enum"] == kinds


def test_state() -> None:
    assert matches_golden("state-list", resources_text(STATE, PLAIN))
    assert matches_golden("state-show", state_text(STATE, PLAIN))
    assert is_valid("state-list", StateList.of(STATE))
    for record in STATE.resources.values():
        assert resource_text(record, PLAIN) in state_text(STATE, PLAIN)
        assert is_valid("state-show", StateShow.of(record))


def test_nothing_to_list() -> None:
    assert datasets_text((), PLAIN) == "No datasets.\n"
    assert models_text((), NOW, PLAIN) == "No models.\n"
    assert operations_text((), PLAIN) == "No operations found.\n"
    assert resources_text(State(), PLAIN) == state_text(State(), PLAIN) == "The state is empty.\n"
    for view, document in {
        "datasets-list": DatasetsList.of(()),
        "models-list": ModelsList.of((), NOW),
        "operations-list": OperationsList.of(()),
        "state-list": StateList.of(State()),
    }.items():
        assert is_valid(view, document)
