"""Readings of the form that all answers of an API have; `wire/answers.py` gives it to them."""

from __future__ import annotations

from automl_plan.emulator.reading import Reading

_NOTEBOOK = (
    "vertex-ai-samples: notebooks/community/migration/UJ1 AutoML for vision with Vertex AI Image "
    "Classification.ipynb, example outputs"
)
_LEGACY_NOTEBOOK = (
    "vertex-ai-samples: notebooks/community/migration/UJ1 legacy AutoML Vision Image "
    "Classification.ipynb, example outputs"
)
_PROTO3_JSON = "protobuf.dev: ProtoJSON Format"

PROJECT_IN_NAMES = Reading(
    name="project-in-names",
    about="How do answers name the project: by its number, or by the id of the request?",
    values={
        "number": "names of objects have the project's number",
        "id": "names of objects have the id of the request",
        "number-in-references": "names have the number; datasetId and baseModelId are names too",
    },
    recorded="number",  # every name in Google's printed answers, where the request has the id
    former="id",
    sources=(_NOTEBOOK, _LEGACY_NOTEBOOK, "discovery document aiplatform:v1: deployedModel.model"),
)

EMPTY_FIELDS = Reading(
    name="empty-fields",
    about="Are fields with an empty, false or zero value in answers?",
    values={
        "absent": "they are left out, also of the inputs of a training",
        "absent-but-of-inputs": "they are left out; the inputs of a training are as they were sent",
        "present": "they are there with their empty value, also in lists without items",
    },
    recorded="absent",  # multi_label: false is sent, and the printed answer has no such field
    former="absent-but-of-inputs",
    sources=(_NOTEBOOK, _PROTO3_JSON),
)

INT64 = Reading(
    name="int64",
    about="Are integers of 64 bits texts or numbers in answers?",
    values={"text": 'they are texts, as "8000"', "number": "they are numbers, as 8000"},
    recorded="text",
    former="text",
    sources=(_NOTEBOOK, _PROTO3_JSON),
)

UNKNOWN_ENUM = Reading(
    name="unknown-enum",
    about="Do answers have enum values that no published document lists?",
    values={
        "none": "all values are documented ones",
        "running": "the state of trainings that are under way is of a new name",
        "lasting": "so is that of trainings that have ended, whether models of AutoML v1 are "
        "deployed, and the classification type of its datasets",
        "model-type": "the type of all models is of a new name",
    },
    recorded="none",
    former="none",
    sources=(
        "google.aip.dev/126: clients must expect values that are added later",
        "aiplatform v1 job_state.proto: values that were added after pipeline_state.proto's",
    ),
)

ANSWER_READINGS = (PROJECT_IN_NAMES, EMPTY_FIELDS, INT64, UNKNOWN_ENUM)
