"""The symbol, the colour and the words of each action: one table for every text."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from automl_plan.output.style import Style
from automl_plan.planning.plan import Action


class Effect(StrEnum):
    """What an action does to what exists; its value is the sign of a diff."""

    ADDS = "+"
    REMOVES = "-"
    CHANGES = "!"


class ActionWords(Struct, frozen=True):
    """How an action is written."""

    symbol: str
    """Before its line in a plan."""
    effect: Effect
    planned: str
    """In the summary of a plan; `{}` is the number of resources."""
    doing: str
    done: str
    noun: str = ""
    """In the headline of a review; "": one of the "other changes"."""
    total: str = ""
    """In the summary of an apply, as `planned`; "": the number and `done`."""

    @property
    def summed_up(self) -> str:
        """In the summary of an apply; `{}` is the number of resources."""
        return self.total or f"{{}} {self.done}"

    def coloured(self, text: str, style: Style) -> str:
        """A text in the colour of the action."""
        match self.effect:
            case Effect.ADDS:
                return style.green(text)
            case Effect.REMOVES:
                return style.red(text)
            case _:
                return style.yellow(text)


_ADDS, _REMOVES, _CHANGES = Effect.ADDS, Effect.REMOVES, Effect.CHANGES

WORDS: Mapping[Action, ActionWords] = MappingProxyType(
    {
        Action.RESUME: ActionWords(
            ">", _CHANGES, "{} to resume", "resuming", "finished", total="{} resumed"
        ),
        Action.CANCEL: ActionWords(
            "x", _REMOVES, "{} to cancel", "cancelling", "cancelled", "cancellation"
        ),
        Action.CREATE: ActionWords("+", _ADDS, "{} to create", "creating", "created"),
        Action.IMPORT_DATA: ActionWords(
            "+",
            _ADDS,
            "{} to import data into",
            "importing data",
            "data imported",
            total="data imported into {}",
        ),
        Action.TRAIN: ActionWords("+", _ADDS, "{} to train", "training", "trained", "training"),
        Action.RETRAIN: ActionWords(
            "+", _ADDS, "{} to retrain", "retraining", "retrained", "retraining"
        ),
        Action.GATE: ActionWords(
            "?",
            _CHANGES,
            "{} to gate",
            "evaluating its gate",
            "gate passed",
            total="{} passed by a gate",
        ),
        Action.PROMOTE: ActionWords(
            "^", _CHANGES, "{} to promote", "promoting", "promoted", "promotion"
        ),
        Action.IMPORT: ActionWords("<", _ADDS, "{} to import", "importing", "imported"),
        Action.MOVE: ActionWords("@", _CHANGES, "{} to move", "moving", "moved"),
        Action.UPDATE: ActionWords("~", _CHANGES, "{} to update", "updating", "updated"),
        Action.DEPLOY: ActionWords("~", _CHANGES, "{} to deploy", "deploying", "deployed"),
        Action.UNDEPLOY: ActionWords("~", _REMOVES, "{} to undeploy", "undeploying", "undeployed"),
        Action.DELETE: ActionWords(
            "-", _REMOVES, "{} to delete", "deleting", "deleted", "deletion"
        ),
        Action.FORGET: ActionWords(".", _REMOVES, "{} to forget", "forgetting", "forgotten"),
        Action.NO_OP: ActionWords(" ", _CHANGES, "{} unchanged", "checking", "unchanged"),
    }
)
"""In the order in which a summary has them."""
