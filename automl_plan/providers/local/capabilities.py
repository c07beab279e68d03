"""What the embedded service can do, as far as its settings tell: nothing is started for it."""

from __future__ import annotations

from automl_plan.model.capabilities import GOOGLE, Capabilities
from automl_plan.model.model_types import Problem

DEFAULT_TRAINER = "sklearn"
_SIMULATED = "simulated"


def of_trainer(trainer: str) -> Capabilities:
    """Of the service with a trainer: all but `simulated` look at images."""
    if trainer == _SIMULATED:
        return GOOGLE
    return Capabilities(
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
