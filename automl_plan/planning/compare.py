"""Attribute differences, and what each of them means by the table of fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from automl_plan.model.address import ResourceKind
from automl_plan.model.fields import FIELDS, Mutability, field_of
from automl_plan.model.json import Attributes, Json
from automl_plan.planning.plan import Difference


def differences(before: Attributes, after: Attributes) -> tuple[Difference, ...]:
    """All leaves that differ, by path; an absent leaf counts as None."""
    if before == after:
        return ()
    # Only pairs that differ pay for it: importing it takes longer than a small plan.
    from deepdiff import DeepDiff

    found: list[Difference] = []
    for name in before.keys() | after.keys():
        # Field by field: of mappings with little in common it tells no more than that.
        old, new = ({name: side[name]} if name in side else {} for side in (before, after))
        if old == new:
            continue
        for levels in DeepDiff(old, new, view="tree", verbose_level=2).values():
            for level in levels:
                path = ".".join(map(str, level.path(output_format="list")))
                found.append(Difference(path, _value(level.t1), _value(level.t2)))
    return tuple(sorted(found, key=lambda difference: difference.path))


def _value(value: object) -> Json:
    from deepdiff.helper import NotPresent

    if isinstance(value, NotPresent):
        return None
    if isinstance(value, bool | int | float | str | list | dict):
        return value
    return None


def of(
    kind: ResourceKind, found: Iterable[Difference], *mutabilities: Mutability
) -> tuple[Difference, ...]:
    """Those differences whose field has one of these mutabilities."""
    return tuple(d for d in found if field_of(kind, d.path).mutability in mutabilities)


_OBSERVED = {
    kind: tuple(
        field.path
        for field in fields
        if field.mutability in (Mutability.MUTABLE, Mutability.DEPLOYMENT)
    )
    for kind, fields in FIELDS.items()
}
"""The fields that can change behind our back."""


def observed(kind: ResourceKind, recorded: Attributes, live: Attributes) -> dict[str, Json]:
    """What stands now: mutable fields and deployment as they live, the rest as recorded.

    The service does not give back all that made an object what it is (a model's answer names
    no data, a dataset's no fingerprint), and those things can't change behind our back.
    """
    result = dict(recorded)
    for path in _OBSERVED[kind]:
        result.pop(path, None)
        if path in live:
            result[path] = live[path]
    _fill_node_count(result, recorded)
    return result


def _fill_node_count(observed: dict[str, Json], recorded: Attributes) -> None:
    """Where the service says that a model is deployed, but not on how many nodes."""
    live, known = observed.get("deploy"), recorded.get("deploy")
    if isinstance(live, dict) and live.get("node_count") is None and isinstance(known, dict):
        observed["deploy"] = known


def names(found: Sequence[Difference]) -> str:
    """The differing fields for a sentence: `a`, `a and b`, `a, b and c`."""
    paths = [d.path for d in found]
    if len(paths) == 1:
        return paths[0]
    return ", ".join(paths[:-1]) + " and " + paths[-1]
