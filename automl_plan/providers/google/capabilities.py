"""What Google's two services have in common: labels, model types, sources, limits, settings.

Budgets are in milli node hours, bounds inclusive; they and the defaults are those of the
comments on ImageClassificationModelMetadata and ImageObjectDetectionModelMetadata
(google/cloud/automl/v1/image.proto). A default is one day of wall time, so `nodes` is the
number of nodes that a training uses at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from automl_plan.model.capabilities import (
    DataLimits,
    Grammar,
    LabelGrammar,
    RowForms,
    SettingProblem,
    SettingRule,
    Settings,
    SourceForm,
)
from automl_plan.model.lifespan import Lifespan
from automl_plan.model.model_types import ClassificationType, Family, ModelType, Problem

PRICE_LIST = Path(__file__).with_name("prices.yaml")
COUNTED: frozenset[ClassificationType | None] = frozenset((ClassificationType.MULTICLASS, None))
"""Recorded evaluations have no counts but those of a confusion matrix, which images with several
labels have none of, and the number of boxes."""
LIFESPAN = Lifespan(months=18, shortest_days=546)
"""The maximum lifespan of a custom model ("Training Cloud-hosted models"): 546 to 550 days."""
SOURCES = SourceForm(
    upload_setting="staging_bucket",
    upload_hint="staging_bucket: gs://BUCKET next to the project",
)
"""Import files in Cloud Storage. Length: proto, GcsSource.input_uris."""


def _mobile(name: str) -> ModelType:
    return ModelType(name, 1_000, 100_000, 24_000, 1, Family.EDGE)


_MOBILE = ("mobile-low-latency-1", "mobile-versatile-1", "mobile-high-accuracy-1")
CORE_ML = "mobile-core-ml-"
_CORE_ML = (f"{CORE_ML}low-latency-1", f"{CORE_ML}versatile-1", f"{CORE_ML}high-accuracy-1")

MODEL_TYPES: dict[Problem, dict[str, ModelType]] = {
    Problem.IMAGE_CLASSIFICATION: {
        t.name: t
        for t in (
            ModelType("cloud", 8_000, 800_000, 192_000, 8, Family.CLOUD),
            *map(_mobile, _MOBILE + _CORE_ML),
        )
    },
    Problem.IMAGE_OBJECT_DETECTION: {
        t.name: t
        for t in (
            ModelType("cloud-high-accuracy-1", 20_000, 900_000, 216_000, 9, Family.CLOUD),
            ModelType("cloud-low-latency-1", 20_000, 900_000, 216_000, 9, Family.CLOUD),
            *map(_mobile, _MOBILE),
        )
    },
}
DEFAULT_MODEL_TYPES: dict[Problem, str] = {
    Problem.IMAGE_CLASSIFICATION: "cloud",
    Problem.IMAGE_OBJECT_DETECTION: "cloud-high-accuracy-1",
}


_IMAGES = frozenset((".jpg", ".jpeg", ".gif", ".png"))
_FORMS = RowForms(
    label=Grammar(r"[A-Za-z0-9_]{1,32}", "1 to 32 characters of A-Z, a-z, 0-9 and _"),
)
"""proto: AnnotationSpec.display_name. The servers took others: the CSV of the quickstart of object
detection has "Baked Goods", and its model predicts that. Of the set of boxes the page "Formatting a
training data CSV" says that it is required, and the console that it is not."""
LIMITS = {
    Problem.IMAGE_CLASSIFICATION: DataLimits(
        labels_at_least=2,
        labels_at_most=5_000,
        images_at_most=1_000_000,
        image_extensions=_IMAGES | {".webp", ".bmp", ".tif", ".tiff", ".ico"},
        forms=_FORMS,
    ),
    Problem.IMAGE_OBJECT_DETECTION: DataLimits(
        labels_at_least=1,
        labels_at_most=1_000,
        images_at_most=150_000,
        image_extensions=_IMAGES,
        forms=_FORMS,
    ),
}
"""Google's pages "Quotas and limits" of AutoML Vision and, on the examples of a label and their
balance, "Preparing your training data"; extensions: proto, InputConfig. Labels of object
detection: a repository that cites Google's page on quotas. Of images without a set the proto says
80 % to train and 20 % to test; the product kept 10 % of them for validation."""


# -- labels ----------------------------------------------------------------------------------

MAX_LENGTH = 63
"""Unicode characters, of keys and of values."""
MAX_BYTES = 127
"""Of their UTF-8."""
MAX_LABELS = 56
"""The service takes 64; automl-plan sets up to 8 itself."""
SERVICE_LABELS = ("goog-", "aiplatform.googleapis.com/")
"""Prefixes of the keys of labels that Google's own services set (discovery document of Vertex AI:
Dataset.labels): shown apart, never compared, never removed."""

_ASCII = re.compile(r"[a-z0-9_-]*")
_LETTERS = ("Ll", "Lo")
"""Lowercase letters, and letters of scripts that have no case."""
_DIGITS = "Nd"


def _key_problem(key: str, *, digit_first: bool) -> str | None:
    if not key:
        return "it is empty"
    first = unicodedata.category(key[0])
    if first not in _LETTERS and not (digit_first and first == _DIGITS):
        return f"it does not start with a lowercase letter{' or a digit' * digit_first}"
    return _value_problem(key)


def _value_problem(value: str) -> str | None:
    if len(value) > MAX_LENGTH:
        return f"it has {len(value):,} characters, more than {MAX_LENGTH}"
    if _ASCII.fullmatch(value):
        return None
    for c in value:
        if c not in "_-" and unicodedata.category(c) not in (*_LETTERS, _DIGITS):
            if unicodedata.category(c) == "Lu":
                return f'"{c}" is not lowercase'
            return f"it contains {unicodedata.name(c, f'U+{ord(c):04X}').lower()}"
    size = len(value.encode())
    if size > MAX_BYTES:
        return f"it has {size:,} bytes in UTF-8, more than {MAX_BYTES}"
    return None


def label_grammar(*, digit_first: bool) -> LabelGrammar:
    """Return Google's grammar of labels; `digit_first`: whether keys may start with a digit."""
    return LabelGrammar(
        partial(_key_problem, digit_first=digit_first),
        _value_problem,
        f"write a lowercase letter, then up to {MAX_LENGTH - 1} lowercase letters, digits, _ or -",
        f"write up to {MAX_LENGTH} lowercase letters, digits, _ or -, or nothing",
        MAX_LABELS,
        "the service allows 64, of which automl-plan uses up to 8",
        SERVICE_LABELS,
    )


# -- settings --------------------------------------------------------------------------------

MAX_PREFIX = 500
"""Characters of a staging bucket and its prefix: names of objects have up to 1,024 bytes."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
"""Cloud Storage documentation, "About Cloud Storage buckets"."""
_FOLDER = re.compile(r"[A-Za-z0-9._=+@-]+")
"""Narrower than what may name an object: nothing here means more than itself to any program."""


def _project_id(settings: Settings) -> Iterator[SettingProblem]:
    project = str(settings.get("project", "-"))
    if not re.fullmatch(r"[^\s/]+", project):
        message = "{} is not a valid project id"
        yield SettingProblem(("project",), message, "write only the id, such as my-project")


def _staging_bucket(settings: Settings) -> Iterator[SettingProblem]:
    if "staging_bucket" not in settings:
        return
    written, path = str(settings["staging_bucket"]), ("staging_bucket",)
    bucket, *folders = written.removeprefix("gs://").removesuffix("/").split("/")
    if not written.startswith("gs://") or not _BUCKET.fullmatch(bucket):
        message = "{} is not the URI of a bucket"
        yield SettingProblem(path, message, "write gs://BUCKET or gs://BUCKET/PREFIX")
        return
    wrong = [f for f in folders if not _FOLDER.fullmatch(f) or not f.strip(".")]
    if wrong or len(written) > MAX_PREFIX:
        hint = (
            f"use at most {MAX_PREFIX} characters, and only letters, digits and . _ = + @ - in "
            "folder names"
        )
        yield SettingProblem(path, "{} is not a valid upload prefix", hint)


RULES = (
    SettingRule("project-id", "The project is a project id.", _project_id),
    SettingRule(
        "staging-bucket",
        "Local data is uploaded to a bucket or a folder of it.",
        _staging_bucket,
    ),
)
SETTING_HINTS = {"project": "write project: and the id of the Google Cloud project"}
STORAGE = "automl_plan.providers.google.storage:open_storage"
