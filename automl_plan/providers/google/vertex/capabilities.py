"""What Vertex AI v1 can do, as far as it is known before it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from automl_plan.model.capabilities import (
    Capabilities,
    Grammar,
    ProviderDefinition,
    RowForms,
    SettingProblem,
    SettingRule,
    Settings,
    Unavailable,
)
from automl_plan.model.model_types import Problem
from automl_plan.providers.google import capabilities as google
from automl_plan.providers.google.resource_names import NAME_HINT, object_id

TRAINING_BLOCK = "vertex"
_NAME = Grammar(r"[^\x00-\x1f\x7f]{1,128}", "1 to 128 characters, none of them a control character")
"""proto of Vertex AI: Dataset.display_name, Model.display_name."""
_ROUNDING = 1e-6
_FRACTIONS = ("training", "validation", "test")
_TYPES = {
    problem: {name: t for name, t in types.items() if not name.startswith(google.CORE_ML)}
    for problem, types in google.MODEL_TYPES.items()
}


def _core_ml(name: str) -> Unavailable:
    reason = f'Vertex AI has no model type "{name}": its mobile types are exported to Core ML'
    return Unavailable(reason, f"mobile-{name.removeprefix(google.CORE_ML)}")


_FORMS = RowForms(
    label=Grammar(r"[^\W\d_](?:.*\S)?", "a text that begins with a letter"),
    set_names=frozenset({"TRAINING", "training", "validation", "test", "unassigned"}),
    boxes_without_set=True,
    set_once=True,
    any_vertices=True,
    bare_names=True,
)
_IMAGES = frozenset((".jpg", ".jpeg", ".gif", ".png", ".bmp", ".ico"))
LIMITS = {
    Problem.IMAGE_CLASSIFICATION: replace(
        google.LIMITS[Problem.IMAGE_CLASSIFICATION],
        image_extensions=_IMAGES,
        forms=replace(_FORMS, other_images=frozenset((".webp", ".tif", ".tiff"))),
    ),
    Problem.IMAGE_OBJECT_DETECTION: replace(
        google.LIMITS[Problem.IMAGE_OBJECT_DETECTION],
        image_extensions=_IMAGES,
        forms=replace(_FORMS, other_images=frozenset((".webp", ".tif", ".tiff"))),
    ),
}
"""Pages "Prepare image training data": types of images, rows of boxes with their set or without,
any four vertices. The schemas of import files there allow WebP and TIFF, too, and the examples have
labels such as "Baked goods", though the text wants letters, digits and _. Labels: proto,
AnnotationSpec.display_name. Exports have URIs of images without an extension."""

_REQUEST_BYTES = 1_500_000
"""Of an online prediction (the API's page on image predictions). An image is sent in base64, which
makes four bytes of three."""

VERTEX = Capabilities(
    dataset_name=_NAME,
    model_name=_NAME,
    labels=google.label_grammar(digit_first=True),
    sources=replace(google.SOURCES, formats=(".csv", ".jsonl")),
    model_types=_TYPES,
    default_model_types=google.DEFAULT_MODEL_TYPES,
    unavailable_types={
        name: _core_ml(name)
        for types in google.MODEL_TYPES.values()
        for name in types
        if name.startswith(google.CORE_ML)
    },
    training_block=TRAINING_BLOCK,
    prediction_bytes=_REQUEST_BYTES * 3 // 4 - 1_000,
    lifespan=google.LIFESPAN,
    limits=LIMITS,
    price_list=google.PRICE_LIST,
    counted=google.COUNTED,
    redeploys=True,
    traffic_hint=(
        "Move its traffic to another model first (in Google's console, or with "
        "`gcloud ai endpoints update`)."
    ),
    sets_all_or_none=True,
)


def _location_form(settings: Settings) -> Iterator[SettingProblem]:
    location = settings.get("location")
    if location is None or re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", str(location)):
        return
    hint = "write a region, such as us-central1 or europe-west4"
    if location == "eu":
        hint = "write a region of Europe, such as europe-west4"
    yield SettingProblem(("location",), "{} is not a region", hint)


def _split_sum(block: Settings) -> Iterator[SettingProblem]:
    split = block.get("split")
    if not isinstance(split, dict) or len(split) < len(_FRACTIONS):
        return  # what is missing or invalid is reported already
    total = sum(share for share in split.values() if isinstance(share, int | float))
    if abs(total - 1) > _ROUNDING:
        hint = "write fractions of 1, such as 0.8, 0.1 and 0.1"
        yield SettingProblem(("split",), f"the fractions add up to {total:g}", hint)


DEFINITION = ProviderDefinition(
    name="vertex",
    capabilities=lambda _: VERTEX,
    opener="automl_plan.providers.google.vertex.provider:open_vertex",
    rules=(
        *google.RULES,
        SettingRule("location-form", "A location of Vertex AI is a region.", _location_form),
    ),
    setting_hints=google.SETTING_HINTS,
    storage=google.STORAGE,
    training_rules=(SettingRule("split-sum", "The fractions of a split add up to 1.", _split_sum),),
    object_id=object_id,
    object_id_hint=NAME_HINT,
)
