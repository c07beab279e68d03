"""The schema files that Vertex AI's messages name, and its names where AutoML has others."""

from collections.abc import Mapping

from automl_plan.emulator.datasets import AnnotationKind
from automl_plan.emulator.training.types import Problem

_ROOT = "gs://google-cloud-aiplatform/schema/"
IMAGE_DATASET = f"{_ROOT}dataset/metadata/image_1.0.0.yaml"
IMAGE_ITEM = f"{_ROOT}dataset/dataitem/image_1.0.0.yaml"
IMPORT_KINDS: Mapping[str, AnnotationKind] = {
    f"{_ROOT}dataset/ioformat/image_classification_single_label_io_format_1.0.0.yaml": (
        AnnotationKind(Problem.IMAGE_CLASSIFICATION, multilabel=False)
    ),
    f"{_ROOT}dataset/ioformat/image_classification_multi_label_io_format_1.0.0.yaml": (
        AnnotationKind(Problem.IMAGE_CLASSIFICATION, multilabel=True)
    ),
    f"{_ROOT}dataset/ioformat/image_bounding_box_io_format_1.0.0.yaml": (
        AnnotationKind(Problem.IMAGE_OBJECT_DETECTION, multilabel=False)
    ),
}
ANNOTATIONS: Mapping[Problem, tuple[str, str]] = {
    Problem.IMAGE_CLASSIFICATION: (
        f"{_ROOT}dataset/annotation/image_classification_1.0.0.yaml",
        "ImageClassification",
    ),
    Problem.IMAGE_OBJECT_DETECTION: (
        f"{_ROOT}dataset/annotation/image_bounding_box_1.0.0.yaml",
        "ImageBoundingBox",
    ),
}
"""The schemata of annotations, and their titles."""
TRAINING_TASKS: Mapping[str, Problem] = {
    f"{_ROOT}trainingjob/definition/automl_image_classification_1.0.0.yaml": (
        Problem.IMAGE_CLASSIFICATION
    ),
    f"{_ROOT}trainingjob/definition/automl_image_object_detection_1.0.0.yaml": (
        Problem.IMAGE_OBJECT_DETECTION
    ),
}
METRICS: Mapping[Problem, str] = {
    Problem.IMAGE_CLASSIFICATION: f"{_ROOT}modelevaluation/classification_metrics_1.0.0.yaml",
    Problem.IMAGE_OBJECT_DETECTION: (
        f"{_ROOT}modelevaluation/image_object_detection_metrics_1.0.0.yaml"
    ),
}
_SERVED = "https://storage.googleapis.com/google-cloud-aiplatform/schema/"
"""Where the answers of models have the schemata (the page on training an AutoML model)."""
MODEL_METADATA: Mapping[Problem, str] = {
    problem: f"{_SERVED}model/metadata/automl_{problem}_1.0.0.yaml" for problem in Problem
}
PREDICT_SCHEMATA: Mapping[Problem, Mapping[str, str]] = {
    problem: {
        "instanceSchemaUri": f"{_SERVED}predict/instance/{problem}_1.0.0.yaml",
        "parametersSchemaUri": f"{_SERVED}predict/params/{problem}_1.0.0.yaml",
        "predictionSchemaUri": f"{_SERVED}predict/prediction/{prediction}_1.0.0.yaml",
    }
    for problem, prediction in (
        (Problem.IMAGE_CLASSIFICATION, "classification"),
        (Problem.IMAGE_OBJECT_DETECTION, "image_object_detection"),
    )
}
MODEL_TYPES: Mapping[Problem, Mapping[str, str]] = {
    Problem.IMAGE_CLASSIFICATION: {
        "CLOUD": "cloud",
        "CLOUD_1": "cloud",
        "MOBILE_TF_LOW_LATENCY_1": "mobile-low-latency-1",
        "MOBILE_TF_VERSATILE_1": "mobile-versatile-1",
        "MOBILE_TF_HIGH_ACCURACY_1": "mobile-high-accuracy-1",
    },
    Problem.IMAGE_OBJECT_DETECTION: {
        "CLOUD_HIGH_ACCURACY_1": "cloud-high-accuracy-1",
        "CLOUD_LOW_LATENCY_1": "cloud-low-latency-1",
        "CLOUD_1": "cloud-high-accuracy-1",
        "CLOUD_STREAMING_1": "cloud-low-latency-1",
        "MOBILE_TF_LOW_LATENCY_1": "mobile-low-latency-1",
        "MOBILE_TF_VERSATILE_1": "mobile-versatile-1",
        "MOBILE_TF_HIGH_ACCURACY_1": "mobile-high-accuracy-1",
    },
}
"""The engine's model types by Vertex AI's names."""
MODEL_TYPE_NUMBERS: Mapping[Problem, Mapping[str, int]] = {
    Problem.IMAGE_CLASSIFICATION: {
        "MODEL_TYPE_UNSPECIFIED": 0,
        "CLOUD": 1,
        "MOBILE_TF_LOW_LATENCY_1": 2,
        "MOBILE_TF_VERSATILE_1": 3,
        "MOBILE_TF_HIGH_ACCURACY_1": 4,
    },
    Problem.IMAGE_OBJECT_DETECTION: {
        "MODEL_TYPE_UNSPECIFIED": 0,
        "CLOUD_HIGH_ACCURACY_1": 1,
        "CLOUD_LOW_LATENCY_1": 2,
        "MOBILE_TF_LOW_LATENCY_1": 3,
        "MOBILE_TF_VERSATILE_1": 4,
        "MOBILE_TF_HIGH_ACCURACY_1": 5,
    },
}
"""The numbers of the enums, which proto3 JSON may have instead of the names."""
EXPORT_FORMATS: Mapping[str, str] = {
    "tflite": "tflite",
    "edgetpu-tflite": "edgetpu_tflite",
    "tf-saved-model": "tf_saved_model",
    "tf-js": "tf_js",
    "core-ml": "core_ml",
}
"""The engine's export formats by Vertex AI's names (proto: Model.ExportFormat.id)."""
