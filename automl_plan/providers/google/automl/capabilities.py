"""What Cloud AutoML v1 can do, as far as it is known before it is asked."""

from __future__ import annotations

from automl_plan.model.capabilities import Capabilities, Grammar, ProviderDefinition
from automl_plan.providers.google import capabilities as google
from automl_plan.providers.google.resource_names import NAME_HINT, object_id

AUTOML = Capabilities(
    dataset_name=Grammar(r"[A-Za-z0-9_]{1,32}", "1 to 32 of A-Z, a-z, 0-9 and _"),
    model_name=Grammar(
        r"[A-Za-z][A-Za-z0-9_]{0,31}", "a letter, then up to 31 of A-Z, a-z, 0-9 and _"
    ),
    labels=google.label_grammar(digit_first=False),
    sources=google.SOURCES,
    model_types=google.MODEL_TYPES,
    default_model_types=google.DEFAULT_MODEL_TYPES,
    lifespan=google.LIFESPAN,
    limits=google.LIMITS,
    price_list=google.PRICE_LIST,
    counted=google.COUNTED,
)

DEFINITION = ProviderDefinition(
    name="automl",
    capabilities=lambda _: AUTOML,
    opener="automl_plan.providers.google.automl.provider:open_automl",
    rules=google.RULES,
    setting_hints=google.SETTING_HINTS,
    storage=google.STORAGE,
    object_id=object_id,
    object_id_hint=NAME_HINT,
)
