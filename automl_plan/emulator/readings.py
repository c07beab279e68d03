"""Readings: what Google's service does where no published fact proves it, as named switches.

The service answers by one value of each reading; clients should be right under every value. The
fronts ask here and decide nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from automl_plan.emulator.answer_readings import ANSWER_READINGS
from automl_plan.emulator.call_readings import CALL_READINGS
from automl_plan.emulator.errors import StartError
from automl_plan.emulator.evaluation_readings import EVALUATION_READINGS
from automl_plan.emulator.reading import Reading as Reading  # others import it from here

ITEM_IMAGE = Reading(
    name="item-image",
    about="Which field of a data item's payload has the URI of its image.",
    values={
        "gcs-uri": "gcsUri, as in the discovery document's ImageDataItem",
        "image-gcs-uri": "imageGcsUri, as in import files",
    },
    recorded="gcs-uri",
    former="gcs-uri",
    sources=(
        "discovery document of aiplatform v1: SchemaImageDataItem.gcsUri",
        "page 'Prepare image training data for classification': JSON Lines have imageGcsUri",
    ),
)
ITEM_SEARCH = Reading(
    name="item-search",
    about="Whether searchDataItems answers everybody for a dataset of images.",
    values={
        "answered": "it lists the items with their annotations",
        "refused": "it is refused with UNIMPLEMENTED, as a method for Google's own use",
    },
    recorded="answered",
    former="refused",
    sources=(
        "discovery document of aiplatform v1: datasets.searchDataItems",
        "discovery document of aiplatform v1beta1: dataItems.annotations.list is internal",
    ),
)
ITEM_ANNOTATIONS = Reading(
    name="item-annotations",
    about="Which annotations searchDataItems returns when the request names no saved query.",
    values={
        "all-sets": "those of all annotation sets",
        "no-set": "none: annotations are returned in the context of a saved query only",
    },
    recorded="all-sets",
    former="all-sets",
    sources=(
        "discovery document of aiplatform v1: searchDataItems, savedQuery and annotationFilters",
    ),
)
BATCH_FILE_NAMES = Reading(
    name="batch-file-names",
    about="How the files of a batch prediction of Vertex AI are numbered.",
    values={
        "five-digits": "predictions_00001.jsonl, errors_00001.jsonl",
        "four-digits": "predictions_0001.jsonl, errors_0001.jsonl",
    },
    recorded="five-digits",
    former="five-digits",
    sources=(
        "public programs that read the answers of image models, such as Labelbox's Vertex example",
        "discovery document of aiplatform v1: BatchPredictionJobOutputConfig.gcsDestination",
    ),
)
BATCH_FAILURES = Reading(
    name="batch-failures",
    about="The state of a batch prediction in which some images failed.",
    values={
        "succeeded": "JOB_STATE_SUCCEEDED; completionStats and a file have the failures",
        "partial": "JOB_STATE_PARTIALLY_SUCCEEDED, and the same",
    },
    recorded="succeeded",
    former="succeeded",
    sources=("discovery document of aiplatform v1: BatchPredictionJob.state and its descriptions",),
)
BATCH_RESOURCES = Reading(
    name="batch-resources",
    about="Whether a batch prediction with an AutoML model reports its replica hours.",
    values={"reported": "resourcesConsumed.replicaHours", "absent": "no resourcesConsumed"},
    recorded="reported",
    former="reported",
    sources=("discovery document of aiplatform v1: BatchPredictionJob.resourcesConsumed",),
)
SYSTEM_LABEL = Reading(
    name="system-label",
    about="Which label Vertex AI itself sets on datasets.",
    values={
        "dataset-metadata-schema": "each is created with "
        "aiplatform.googleapis.com/dataset_metadata_schema: IMAGE",
        "none": "none",
    },
    recorded="dataset-metadata-schema",
    former="none",
    sources=(
        "discovery document of aiplatform v1: Dataset.labels",
        "vertex-ai-samples: UJ1 and UJ5, AutoML image notebooks, the printed datasets",
    ),
)
RESERVED_LABELS = Reading(
    name="reserved-labels",
    about="What becomes of labels below aiplatform.googleapis.com/ in a request to Vertex AI.",
    values={
        "kept": "an object may be created with them, and a patch leaves them as they are",
        "refused": "the request is refused (400): they are no keys of a user's labels",
    },
    recorded="kept",
    former="refused",
    sources=("discovery document of aiplatform v1: Dataset.labels (reserved and immutable)",),
)
ANNOTATION_SETS = Reading(
    name="annotation-set-per-import",
    about="Which annotation set of a Vertex AI dataset an import adds to.",
    values={
        "each-import": "a new one, named by the dataset, the problem and the time, whatever the "
        "import names",
        "named": "the one that annotationLabels name by its id or name, made if there is none",
        "joined": "the first one of the dataset, whatever the import names",
    },
    recorded="each-import",
    former="joined",
    sources=(
        "python-aiplatform, issues 1829 and 2605: imports by the API, and names of their sets",
        "discovery document of aiplatform v1: ImportDataConfig.annotationLabels, Annotation.labels",
    ),
)
SAVED_QUERIES = Reading(
    name="saved-queries",
    about="Where Vertex AI lists the annotation sets of a dataset.",
    values={
        "in-dataset": "in the Dataset, and by savedQueries.list",
        "list-only": "by savedQueries.list",
        "none": "nowhere",
    },
    recorded="in-dataset",
    former="none",
    sources=("discovery document of aiplatform v1: Dataset.savedQueries, savedQueries.list",),
)
TRAINING_DATA = Reading(
    name="training-without-saved-query",
    about="What a training of Vertex AI sees of a dataset when it names no annotation set.",
    values={
        "all-items": "all images",
        "newest-set": "those of the newest annotation set",
        "first-set": "those of the first annotation set",
    },
    recorded="all-items",
    former="all-items",
    sources=("discovery document of aiplatform v1: InputDataConfig.savedQueryId",),
)
DATA_STATS = Reading(
    name="model-data-stats",
    about="Whether a trained Model of Vertex AI reports how many images it was trained on.",
    values={"counted": "in dataStats", "absent": "no dataStats"},
    recorded="counted",
    former="absent",
    sources=("discovery document of aiplatform v1: Model.dataStats",),
)
IMPORT_LABELS = Reading(
    name="import-labels",
    about="Which labels are imported.",
    values={
        "any": "any text of up to 128 characters",
        "documented": "1 to 32 characters of A-Z, a-z, 0-9 and _",
    },
    recorded="any",
    former="documented",
    sources=(
        "vertex-ai-samples, AutoML Vision object detection: it imports and predicts Baked Goods",
        "proto google.cloud.aiplatform.v1.AnnotationSpec.display_name: 128 UTF-8 characters",
        "proto google.cloud.automl.v1.AnnotationSpec.display_name: 32 characters, A-Z a-z 0-9 _",
    ),
)
AUTOML_BOX_SETS = Reading(
    name="automl-box-sets",
    about="Whether AutoML imports rows of boxes without ML_USE, and images alone.",
    values={"optional": "it does", "required": "such rows are failures"},
    recorded="optional",
    former="required",
    sources=(
        "AutoML Vision's console, on import files: [set,]image_path[,label,…]",
        "page 'Formatting a training data CSV' of object detection: ML_USE is required",
    ),
)
DATASET_UPDATE_TIME = Reading(
    name="update-time-of-datasets",
    about="Does the updateTime of a Vertex AI dataset move when its images or their labels change?",
    values={"moves": "it is the time of that", "stays": "it is that of the last patch"},
    recorded="moves",
    former="stays",
    sources=("discovery document of aiplatform v1: Dataset.updateTime, last updated",),
)
EXPORT_FORMAT = Reading(
    name="vertex-export-format",
    about="What Vertex AI writes when a dataset is exported.",
    values={"jsonl": "JSON Lines, in a folder for each schema", "csv": "an import CSV"},
    recorded="jsonl",
    former="csv",
    sources=(
        "page 'Export metadata and annotations from a dataset': one or more JSON Lines files",
        "proto google.cloud.aiplatform.v1.ExportDataConfig.gcs_destination: schemas have folders",
    ),
)
MODEL_NAMES = Reading(
    name="model-names",
    about="Whether the names of Vertex AI's models in answers have the version.",
    values={
        "plain": "models/ID, with @VERSION in lists of versions and of one that is not the default",
        "versioned": "models/ID@VERSION everywhere",
    },
    recorded="plain",
    former="plain",
    sources=(
        "vertex-ai-samples: UJ1 and UJ5, AutoML image notebooks, the printed models",
        "discovery document of aiplatform v1: ListModelVersionsResponse.models",
    ),
)
READINGS: tuple[Reading, ...] = (
    *ANSWER_READINGS,
    *CALL_READINGS,
    MODEL_NAMES,
    *EVALUATION_READINGS,
    ITEM_IMAGE,
    ITEM_SEARCH,
    ITEM_ANNOTATIONS,
    BATCH_FILE_NAMES,
    BATCH_FAILURES,
    BATCH_RESOURCES,
    SYSTEM_LABEL,
    RESERVED_LABELS,
    ANNOTATION_SETS,
    SAVED_QUERIES,
    TRAINING_DATA,
    DATA_STATS,
    IMPORT_LABELS,
    AUTOML_BOX_SETS,
    DATASET_UPDATE_TIME,
    EXPORT_FORMAT,
)
"""All readings, in the order in which they are listed."""


class Readings:
    """The value of each reading in one service."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._values = {each.name: each.recorded for each in READINGS} | dict(chosen or {})

    def __getitem__(self, reading: Reading) -> str:
        return self._values[reading.name]

    def describe(self) -> dict[str, object]:
        """Return the value of each reading in use, and its default, by name."""
        return {
            each.name: {"value": self._values[each.name], "recorded": each.recorded}
            for each in READINGS
        }


def parse_readings(texts: Iterable[str]) -> Readings:
    """Return the readings that NAME=VALUE texts choose. Raises StartError for unknown ones."""
    known = {each.name: each for each in READINGS}
    chosen: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            names = ", ".join(known) or "none"
            raise StartError(f"There is no reading {name!r}. The readings are: {names}.")
        if value not in known[name].values:
            values = ", ".join(known[name].values)
            raise StartError(f"The reading {name} can't be {value!r}. Its values are: {values}.")
        chosen[name] = value
    return Readings(chosen)
