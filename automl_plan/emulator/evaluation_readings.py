"""Readings of what Google's services report of the quality of models."""

from __future__ import annotations

from automl_plan.emulator.reading import Reading

_VERTEX = (
    "vertex-ai-samples: notebooks/community/migration/UJ1 AutoML for vision with Vertex AI Image "
    "Classification.ipynb, printed evaluations"
)
_AUTOML = (
    "vertex-ai-samples: notebooks/community/migration/UJ1 legacy AutoML Vision Image "
    "Classification.ipynb, printed evaluations"
)
_PAGE = "page 'Evaluate AutoML image classification models', sample responses"
_PROTO = "automl v1 classification.proto, ClassificationEvaluationMetrics"
_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/classification_metrics_1.0.0.yaml"

EVALUATION_COUNTS = Reading(
    name="evaluation-counts",
    about="Which numbers do evaluations of classification have at each threshold?",
    values={
        "absent": "the threshold, precision and recall; F1 by another reading",
        "present": "also true and false positives and negatives, the rate of false positives, the "
        "figures of the highest score only, and the number of predictions that count",
    },
    recorded="absent",
    former="present",
    sources=(_VERTEX, _AUTOML, _PAGE, _PROTO),
)
EVALUATION_F1 = Reading(
    name="evaluation-f1",
    about="Do evaluations of classification have F1 at each threshold?",
    values={"absent": "f1Score is left out", "present": "f1Score is there"},
    recorded="absent",
    former="present",
    sources=(_VERTEX, _AUTOML, _PAGE, _PROTO),
)
EVALUATION_AU_ROC = Reading(
    name="evaluation-au-roc",
    about="Which evaluations of classification have the area under the ROC curve?",
    values={
        "labels-of-automl": "those of labels at AutoML v1, and none at Vertex AI",
        "all": "all of them",
        "none": "none of them",
    },
    recorded="labels-of-automl",
    former="all",
    sources=(_VERTEX, _AUTOML, _PAGE, _PROTO),
)
EVALUATION_MATRIX = Reading(
    name="evaluation-matrix",
    about="Do overall evaluations with one label per image and 10 labels at most have a confusion "
    "matrix?",
    values={"present": "they have one", "absent": "none has one"},
    recorded="present",
    former="present",
    sources=(_VERTEX, _AUTOML, _PROTO, _SCHEMA),
)
EVALUATION_EXAMPLES = Reading(
    name="evaluation-examples",
    about="Which evaluations have the number of evaluated examples? (At Vertex AI only those of "
    "boxes have a number, that of the boxes.)",
    values={
        "overall": "the overall one",
        "all": "also those of labels",
        "none": "none, nor a number of boxes",
    },
    recorded="overall",
    former="all",
    sources=(_AUTOML, "automl v1 model_evaluation.proto, evaluated_example_count"),
)
EVALUATION_ZEROS = Reading(
    name="evaluation-zeros",
    about="How do evaluations report numbers that are 0?",
    values={
        "absent": "they are left out",
        "present": "they are there",
        "present-for-unset": "they are there, and numbers that the service does not set are 0, too",
    },
    recorded="absent",  # the first entry of each printed evaluation has no threshold
    former="absent",
    sources=(_VERTEX, _AUTOML, "protobuf.dev: ProtoJSON Format"),
)
EVALUATION_READINGS = (
    EVALUATION_COUNTS,
    EVALUATION_F1,
    EVALUATION_AU_ROC,
    EVALUATION_MATRIX,
    EVALUATION_EXAMPLES,
    EVALUATION_ZEROS,
)
