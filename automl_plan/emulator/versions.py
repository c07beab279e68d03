"""Versions of models: rows of one family, each with a number, one of them the default.

A family is what Vertex AI names as a model; AutoML's models have one version each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from sqlite3 import Connection

from msgspec.structs import replace

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.errors import invalid, precondition, required
from automl_plan.emulator.models import DEPLOYING, NO_MODEL, Models
from automl_plan.emulator.objects import Change, Model, ObjectKind, ObjectRef, Operation, Scope
from automl_plan.emulator.objects import OperationKind as Kind
from automl_plan.emulator.operations import Context, Manager
from automl_plan.emulator.rows import Page, Window, apply_change, column, select, select_page
from automl_plan.emulator.sql_filters import Term, equals

DEFAULT = "default"
"""The alias that exactly one version has (proto: Model.version_aliases)."""
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]", re.ASCII)
_FAMILY = re.compile(r"[a-z_][a-z0-9_-]{0,62}", re.ASCII)
_EVERY = Window(1_000)


def check_family(path: str, family: str) -> None:
    """Refuse an id that a model can't have (proto: TrainingPipeline.model_id)."""
    if not _FAMILY.fullmatch(family):
        rule = "It has up to 63 characters a-z, 0-9, _ and -; the first is no digit and no -."
        raise invalid((path, rule))


def check_aliases(path: str, aliases: Sequence[str]) -> None:
    """Refuse what can't be an alias of a version."""
    for alias in aliases:
        if not _ALIAS.fullmatch(alias):
            rule = "begins with a-z, has A-Z, a-z, 0-9 and -, and ends with a-z or 0-9"
            raise invalid((path, f"{alias[:200]!r} is no alias: an alias {rule}."))


def family_of(db: Connection, scope: Scope, family: str) -> list[Model]:
    """Return the versions of a family, the latest first."""
    return list(select_page(db, Model, scope, [equals("family", family)], _EVERY).items)


def as_version(db: Connection, model: Model, aliases: Sequence[str]) -> Model:
    """Return a trained model as the first or the next version of its family.

    What belongs to the family it takes from there. Other versions lose the aliases.
    """
    others = family_of(db, model.scope, model.family)
    given = tuple(alias for alias in dict.fromkeys(aliases) if alias != DEFAULT)
    if not others:
        first = to_micros(model.created)
        return replace(model, aliases=given, is_default=True, number=1, latest=1, first=first)
    number = others[0].latest + 1
    db.execute(
        "UPDATE models SET latest = ? WHERE api = ? AND project = ? AND location = ? "
        "AND family = ?",
        (number, *model.scope, model.family),
    )
    for each in others:
        _without(db, each, given, default=DEFAULT in aliases)
    return replace(
        model,
        display_name=others[0].display_name,
        description=others[0].description,
        labels=others[0].labels,
        version_labels=model.labels,
        first=others[0].first,
        aliases=given,
        is_default=DEFAULT in aliases,
        number=number,
        latest=number,
    )


def _without(db: Connection, model: Model, aliases: Sequence[str], *, default: bool) -> None:
    """Take aliases from a version that another one gets."""
    left = tuple(each for each in model.aliases if each not in aliases)
    db.execute(
        "UPDATE models SET aliases = ?, is_default = ? WHERE id = ?",
        (column(left), model.is_default and not default, model.id),
    )


class Versions(Manager):
    """The versions of all families."""

    def __init__(self, context: Context, models: Models) -> None:
        super().__init__(context, {})
        self._models = models

    def find(self, scope: Scope, name: str) -> int:
        """Return the key of the version that `FAMILY@VERSION` names; 0 for none.

        The version is a number or an alias; without one, or with `-`, it is the default one.
        """
        family, _, wanted = name.partition("@")
        with self._store.reading() as db:
            for each in family_of(db, scope, family):
                if wanted in ("", "-", DEFAULT):
                    found = each.is_default
                else:
                    found = wanted == str(each.number) or wanted in each.aliases
                if found:
                    return each.id
        # In training it has no row yet; the chosen number becomes its key.
        return int(family) if re.fullmatch(r"[0-9]{1,18}", family, re.ASCII) and not wanted else 0

    def keys(self, scope: Scope, family: str) -> list[int]:
        """Return the keys of all versions of a family."""
        with self._store.reading() as db:
            return [each.id for each in family_of(db, scope, family)]

    def list(
        self, scope: Scope, model_id: int, terms: Sequence[Term], window: Window
    ) -> Page[Model]:
        """Return the versions of a model, the latest first."""
        family = self._models.get(scope, model_id).family
        with self._store.reading() as db:
            self._lifespans.settle()
            return select_page(db, Model, scope, [*terms, equals("family", family)], window)

    def update(self, scope: Scope, model_id: int, change: Change, etag: str | None) -> Model:
        """Change the description and the labels of one version."""
        if change.display_name or change.description:
            raise precondition(
                "displayName and description belong to the model. Name it without a version."
            )
        with self._store.transaction() as db:
            old = self._models.existing(db, scope, model_id)
            only = Change(version_description=change.version_description)
            new = apply_change(db, old, only, etag, self._clock.now())
            if change.labels is not None:
                new = replace(new, version_labels=change.labels)
                text = column(change.labels)
                db.execute("UPDATE models SET version_labels = ? WHERE id = ?", (text, new.id))
            return new

    def delete(self, scope: Scope, model_id: int) -> Operation:
        """Delete a version: not the default one, not the only one, none that is deployed."""
        target = ObjectRef(ObjectKind.MODEL, model_id)
        with self._store.transaction() as db:
            model = self._models.existing(db, scope, model_id)
            if len(family_of(db, scope, model.family)) == 1:
                raise precondition("The only version can't be deleted. Delete the model.")
            if model.is_default:
                raise precondition(
                    "The default version can't be deleted. Make another one the default."
                )
            if model.deployed or self._operations.running_on(db, target, DEPLOYING):
                raise precondition(
                    "The version can't be deleted while it is deployed. Undeploy it first."
                )
            spec = {"model_id": model.id, "family": model.family, "version": model.number}
            return self._operations.begin(
                db, scope, Kind.DELETE_MODEL, model.problem, spec, [target]
            )

    def merge_aliases(self, scope: Scope, model_id: int, given: Sequence[str]) -> Model:
        """Add aliases to a version, and remove those that begin with `-`."""
        removed = {alias[1:] for alias in given if alias.startswith("-")}
        added = [alias for alias in given if not alias.startswith("-") and alias not in removed]
        with self._store.transaction() as db:
            model = self._models.existing(db, scope, model_id)
            if DEFAULT in removed and model.is_default:
                raise precondition(
                    "The default version keeps this alias. Make another one the default."
                )
            for each in family_of(db, scope, model.family):
                if each.id != model.id:
                    _without(db, each, added, default=DEFAULT in added)
            kept = [alias for alias in model.aliases if alias not in removed]
            named = tuple(dict.fromkeys(a for a in (*kept, *added) if a != DEFAULT))
            is_default = model.is_default or DEFAULT in added
            db.execute(
                "UPDATE models SET aliases = ?, is_default = ?, version = version + 1, "
                "updated = ? WHERE id = ?",
                (column(named), is_default, to_micros(self._clock.now()), model.id),
            )
            return required(select(db, Model, scope, model_id), NO_MODEL)
