"""Readings of what calls do: what lists hold, what a cancellation ends, when a thing is done."""

from __future__ import annotations

from automl_plan.emulator.reading import Reading

_DISCOVERY = "discovery document aiplatform:v1: "
_AUTOML = "google/cloud/automl/v1/"

MODELS_WHILE_TRAINING = Reading(
    name="models-while-training",
    about="Does AutoML v1 list a model while it is trained?",
    values={
        "hidden": "get and list have it once its training has ended well",
        "listed": "get and list have it from the start of the training, without evaluations",
    },
    recorded="hidden",  # published operations name the model once they are done, not before
    former="hidden",
    sources=(
        f"{_AUTOML}service.proto: CreateModel returns a Model in the response when it completes",
        "page 'Train AutoML image models': operations before and after the end",
    ),
)

PIPELINES_BY_LABEL = Reading(
    name="pipelines-by-label",
    about="What does a filter by labels do in the list of training pipelines?",
    values={
        "found": "it finds the pipelines with the label",
        "refused": "it is refused as INVALID_ARGUMENT",
        "ignored": "it is ignored: all pipelines are listed",
    },
    recorded="found",  # the document names it
    former="found",
    sources=(f"{_DISCOVERY}trainingPipelines.list, filter",),
)

CREATE_TIME = Reading(
    name="create-time-of-models",
    about="Is the createTime of a model the start or the end of its training?",
    values={
        "published": "the start for AutoML v1, the end for Vertex AI",
        "start": "the start for both",
        "end": "the end for both",
    },
    recorded="published",
    former="start",
    sources=(
        "page 'Listing models' of AutoML Vision: updateTime is 29 and 49 minutes after createTime",
        f"{_DISCOVERY}Model.createTime: when this Model was uploaded into Vertex AI",
        f"{_AUTOML}model.proto: create_time, when the model training finished",
    ),
)

ROW_FAILURES = Reading(
    name="row-failures",
    about="How does an import say which rows it left out?",
    values={
        "capped": "one partial failure per row, of the first 20",
        "each": "one partial failure per row, of all",
        "summed": "one partial failure that counts them",
    },
    recorded="capped",
    former="capped",
    sources=(
        f"{_AUTOML}operations.proto: partial_failures, at most 20",
        f"{_DISCOVERY}GenericOperationMetadata.partialFailures, without a limit",
    ),
)

CANCEL = Reading(
    name="cancel",
    about="What becomes of an import or a training when it is cancelled?",
    values={
        "succeeds": "it ends as cancelled",
        "too-late": "the request is taken, and it ends well anyway, and is billed",
        "refused": "the request is refused as FAILED_PRECONDITION",
    },
    recorded="succeeds",
    former="succeeds",
    sources=(
        "google/longrunning/operations.proto: CancelOperation, best effort, not guaranteed",
        f"{_DISCOVERY}trainingPipelines.cancel",
    ),
)

CANCEL_OF_ENDED = Reading(
    name="cancel-of-ended",
    about="What does a cancellation of an operation answer that has ended?",
    values={"taken": "{}, without any effect", "refused": "FAILED_PRECONDITION"},
    recorded="taken",
    former="taken",
    sources=("google/longrunning/operations.proto: CancelOperation",),
)

DEPLOYMENT_TIME = Reading(
    name="deployment-time",
    about="How long does a deployment take?",
    values={"at-once": "no time", "minutes": "ten minutes", "hour": "an hour"},
    recorded="at-once",  # "minutes" is likelier, but makes each trial of the service wait
    former="at-once",
    sources=("page 'Deploy a model to an endpoint': it takes some minutes",),
)

LIST_ORDER = Reading(
    name="list-order",
    about="In which order are lists without orderBy?",
    values={
        "newest-first": "the last one that was created is first",
        "oldest-first": "the last one that was created is last",
        "by-id": "by their ids, which say nothing of when they were created",
    },
    recorded="newest-first",  # published lists of models and operations
    former="newest-first",
    sources=("google.aip.dev/132: lists without order_by", f"{_AUTOML}service.proto: no order"),
)

UPDATE_MASK_ABSENT = Reading(
    name="update-mask-absent",
    about="What does a patch without an updateMask write?",
    values={
        "given-fields": "the fields that the body has",
        "all-fields": "all fields that can be changed: those that the body lacks are emptied",
        "refused": "nothing: it is refused as INVALID_ARGUMENT",
    },
    recorded="given-fields",  # AIP-134: an implied mask of all fields that are set
    former="given-fields",
    sources=("google.aip.dev/134", f"{_AUTOML}service.proto: update_mask is required"),
)

DELETE_WITH_WORK = Reading(
    name="delete-with-work-running",
    about="What does deleting a dataset do while it is imported into, or trained on?",
    values={
        "refused": "it is refused as FAILED_PRECONDITION",
        "cancels": "the dataset is deleted, and what is running on it is cancelled",
    },
    recorded="refused",
    former="refused",
    sources=(f"{_AUTOML}service.proto: DeleteDataset says nothing of it",),
)

PAGE_SIZE_DEFAULT = Reading(
    name="page-size-default",
    about="How many items has a page of a list whose request has no pageSize?",
    values={"100": "at most 100", "1": "one"},
    recorded="100",
    former="100",
    sources=(f"{_DISCOVERY}datasets.list, pageSize: no default", "google.aip.dev/158"),
)

PAGE_SIZE_ABOVE_MOST = Reading(
    name="page-size-above-most",
    about="What does a list do whose pageSize is above what the service answers at most?",
    values={
        "capped": "pages have as many items as the service answers at most: 1000",
        "refused": "it is refused as INVALID_ARGUMENT",
    },
    recorded="capped",
    former="capped",
    sources=("google.aip.dev/158: the service should coerce it", f"{_DISCOVERY}models.list"),
)

IMPORT_AFTER_CANCEL = Reading(
    name="import-after-cancel",
    about="What stays of an import that is cancelled?",
    values={
        "none": "no row of it",
        "part": "the rows that were read before; an import takes ten minutes",
    },
    recorded="none",  # as of an import that fails (io.proto)
    former="none",
    sources=(f"{_AUTOML}io.proto: InputConfig, when nothing is imported",),
)

ETAG_MISMATCH = Reading(
    name="etag-mismatch",
    about="With which error is a change refused whose etag is not the current one?",
    values={"aborted": "ABORTED (409)", "failed-precondition": "FAILED_PRECONDITION (400)"},
    recorded="aborted",
    former="aborted",
    sources=("google.aip.dev/154", f"{_AUTOML}dataset.proto: etag"),
)

ETAGS = Reading(
    name="etags",
    about="Which objects have an etag?",
    values={"all": "datasets, models and endpoints", "not-models": "datasets and endpoints"},
    recorded="all",
    former="all",
    sources=("page 'Listing models' of AutoML Vision: no etag", f"{_DISCOVERY}Model.etag"),
)

TRAIN_BUDGET = Reading(
    name="train-budget",
    about="In which unit do models of AutoML v1 for classification have their budget?",
    values={
        "milli-node-hours": "trainBudgetMilliNodeHours",
        "hours": "trainBudget, in hours of the clock",
    },
    recorded="milli-node-hours",
    former="milli-node-hours",
    sources=(
        f"{_AUTOML}image.proto: train_budget_milli_node_hours",
        'page \'Listing models\' of AutoML Vision: "trainBudget": "1"',
    ),
)

UPDATE_TIME = Reading(
    name="update-time-of-models",
    about="Does the updateTime of a model move when it is deployed or undeployed?",
    values={"moves": "it is the time of that", "stays": "it is that of the last patch"},
    recorded="moves",  # a published model was updated 12 days after its creation
    former="moves",
    sources=("page 'Object detection: listing models' of AutoML Vision", f"{_AUTOML}model.proto"),
)

DISPLAY_NAMES = Reading(
    name="display-names",
    about="May two datasets, or two models, have the same display name?",
    values={"repeatable": "they may", "unique": "a second one is refused as ALREADY_EXISTS"},
    recorded="repeatable",  # the consoles show several of one name
    former="repeatable",
    sources=(
        f"{_AUTOML}dataset.proto: display_name says nothing of it",
        "vertex-ai-samples issue 585: 27 models of the same name",
    ),
)

CREATE_ANSWER = Reading(
    name="create-answer",
    about="What does the operation answer in which Vertex AI has created a dataset?",
    values={
        "object": "name, displayName, metadataSchemaUri, labels and metadata",
        "name": "name and displayName only",
    },
    recorded="object",
    former="name",
    sources=(
        "vertex-ai-samples: UJ1 AutoML for vision with Vertex AI Image Classification, printed",
    ),
)

MULTI_LABEL = Reading(
    name="multi-label-mismatch",
    about="What becomes of a training of a multi-label model on images of one label each?",
    values={
        "fails": "create answers its pipeline, which fails",
        "trains": "create answers its pipeline, which trains such a model",
        "refused": "create refuses it as INVALID_ARGUMENT",
    },
    recorded="fails",  # samples send it for such a dataset, and only create and cancel the pipeline
    former="refused",
    sources=(
        "python-aiplatform: samples/snippets, create_training_pipeline_image_classification_sample",
        f"{_DISCOVERY}AutoMlImageClassificationInputs.multiLabel",
    ),
)

EXPORT_FOLDERS = Reading(
    name="export-folders",
    about="Which folder is an exported model written to?",
    values={
        "recorded": "model-export/icn/FORMAT-NAME-TIME at AutoML v1 (iod of boxes), and "
        "model-ID/FORMAT/TIME at Vertex AI",
        "documented": "model-export-NAME-TIME at both",
    },
    recorded="recorded",
    former="documented",
    sources=(
        "vertex-ai-samples: AutoML image notebooks with export to the edge, printed folders",
        f"{_AUTOML}io.proto: ModelExportOutputConfig.gcs_destination",
        f"{_DISCOVERY}ExportModelRequestOutputConfig.artifactDestination",
    ),
)

CALL_READINGS = (
    MODELS_WHILE_TRAINING,
    PIPELINES_BY_LABEL,
    CREATE_TIME,
    ROW_FAILURES,
    CANCEL,
    CANCEL_OF_ENDED,
    DEPLOYMENT_TIME,
    LIST_ORDER,
    UPDATE_MASK_ABSENT,
    DELETE_WITH_WORK,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_ABOVE_MOST,
    IMPORT_AFTER_CANCEL,
    ETAG_MISMATCH,
    ETAGS,
    TRAIN_BUDGET,
    UPDATE_TIME,
    DISPLAY_NAMES,
    CREATE_ANSWER,
    MULTI_LABEL,
    EXPORT_FOLDERS,
)
