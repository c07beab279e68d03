"""What a team allows its plans: the `policy` of a configuration.

Which rules there are stands in one place, `schemas/config.schema.json`: a key of `policy` with
its `x-rule`, which says what is looked at and how. To add a rule takes nothing else.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from automl_plan.resources.json import Json


class Check(StrEnum):
    """How a rule looks at a plan."""

    AT_MOST = "at-most"
    """An amount of the plan's total (US dollars) is at most as high as the rule's value; where
    `grows_from` names another amount, it may be higher as long as it is not above that."""
    NO_ACTION = "no-action"
    """The value maps globs of addresses to actions that may not be planned for them."""
    HAS_KEYS = "has-keys"
    """A mapping of every declared resource has all keys that the value lists."""
    ONE_OF = "one-of"
    """A field (`model.model_type`, `provider.location`) is among those that the value lists."""
    ADEQUATE = "adequate"
    """Where the value is true, data that is imported or trained on is known to be adequate."""


class PolicyRule(Struct, frozen=True):
    """One rule of a team's policy, with its value."""

    key: str
    """In `policy`, and what violations are told by."""
    check: Check
    value: Json
    message: str
    """What a violation says; `{found}` and `{value}` stand for what was found and is allowed."""
    of: str = ""
    """What is looked at."""
    grows_from: str | None = None
    warns: bool = False
    """Whether a violation refuses nothing."""


Policy = tuple[PolicyRule, ...]
"""What nothing is written of forbids nothing."""
