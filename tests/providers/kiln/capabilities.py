"""What the kiln can do: plain values, found without opening it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from automl_plan.model.capabilities import (
    BudgetUnit,
    Capabilities,
    DataLimits,
    Grammar,
    LabelGrammar,
    ProviderDefinition,
    SettingProblem,
    SettingRule,
    Settings,
    SourceForm,
)
from automl_plan.model.lifespan import Lifespan
from automl_plan.model.model_types import Family, ModelType, Problem

_NAME = Grammar(r"[A-Z][A-Za-z ]{0,19}", "a capital letter, then up to 19 letters and spaces")


def _fits(pattern: str, said: str) -> Callable[[str], str | None]:
    return lambda text: None if re.fullmatch(pattern, text) else said


KILN = Capabilities(
    dataset_name=_NAME,
    model_name=_NAME,
    labels=LabelGrammar(
        key_problem=_fits(r"[A-Za-z-]{1,40}", "it is not 1 to 40 letters and hyphens"),
        value_problem=_fits(r".{1,100}", "it is not 1 to 100 characters"),
        key_hint="write letters and hyphens",
        value_hint="write up to 100 characters",
        most=3,
        most_hint="the kiln takes 10, and automl-plan sets up to 7 itself",
        reserved=("kiln-",),
    ),
    sources=SourceForm(reads_local=True),
    model_types={
        Problem.IMAGE_CLASSIFICATION: {
            "stoneware": ModelType("stoneware", 2_000, 24_000, 12_000, 1, Family.CLOUD),
            "raku": ModelType("raku", 1_000, 5_000, 3_000, 1, Family.CLOUD),
        }
    },
    default_model_types={Problem.IMAGE_CLASSIFICATION: "stoneware"},
    budget_unit=BudgetUnit("train_budget_hours", "hours", 1_000, "hours"),
    lifespan=Lifespan(months=3, shortest_days=89),
    price_list=Path(__file__).with_name("prices.yaml"),
    limits={
        Problem.IMAGE_CLASSIFICATION: DataLimits(
            labels_at_least=2,
            labels_at_most=4,
            images_at_most=100,
            image_extensions=frozenset({".jpg"}),
            few=3,
            some=5,
            many=20,
        )
    },
)


def _workshop(settings: Settings) -> Iterator[SettingProblem]:
    if str(settings.get("workshop", "x")).isspace():
        yield SettingProblem(("workshop",), "{} is no workshop", "write its name")


DEFINITION = ProviderDefinition(
    name="kiln",
    capabilities=lambda _: KILN,
    opener="tests.providers.kiln.service:open_kiln",
    settings_schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["workshop"],
        "properties": {
            "workshop": {"type": "string", "minLength": 1},
            "door": {"type": "string", "enum": ["front", "top"], "default": "front"},
        },
    },
    setting_hints={"workshop": "write workshop: and its street"},
    rules=(SettingRule("kiln-workshop", "A workshop has a name.", _workshop),),
)
