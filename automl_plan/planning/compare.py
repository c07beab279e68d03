"""Attribute differences, and what each of them means by the table of fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from automl_plan.model.address import ResourceKind
from automl_plan.model.fields import FIELDS, Mutability, field_of
from automl_plan.model.json import Attributes, Json
from automl_plan.planning.plan import Difference

_ENOUGH_IN_COMMON = 0.33
"""Mappings that share a smaller part of their keys differ as a whole."""


def differences(before: Attributes, after: Attributes) -> tuple[Difference, ...]:
    """Return all leaves that differ, by path; an absent leaf counts as None."""
    if before == after:
        return ()
    found: list[Difference] = []
    for name in before.keys() | after.keys():
        # Field by field: of mappings with little in common only that would be found.
        old, new = ({name: side[name]} if name in side else {} for side in (before, after))
        if old != new:
            found += (
                deep_differences(old, new)
                if _has_lists(old) or _has_lists(new)
                else flat_differences(old, new)
            )
    return tuple(sorted(found, key=lambda difference: difference.path))


def _has_lists(value: object) -> bool:
    """Return whether a value has what only DeepDiff compares: lists, and keys that it ignores."""
    if isinstance(value, dict):
        return any(key.startswith("__") or _has_lists(each) for key, each in value.items())
    return value is not None and not isinstance(value, bool | int | float | str)


def flat_differences(
    old: Mapping[str, Json], new: Mapping[str, Json], prefix: str = ""
) -> list[Difference]:
    """Compare as DeepDiff does, without importing it: that takes longer than a small plan."""
    found = []
    for name in old.keys() | new.keys():
        path, before, after = f"{prefix}{name}", old.get(name), new.get(name)
        if name not in old or name not in new:
            found.append(Difference(path, before, after))
        elif isinstance(before, dict) and isinstance(after, dict):
            names, common = before.keys() | after.keys(), before.keys() & after.keys()
            if len(names) > 1 and len(common) / len(names) < _ENOUGH_IN_COMMON:
                found.append(Difference(path, before, after))
            else:
                found += flat_differences(before, after, f"{path}.")
        elif type(before) is not type(after) or before != after:
            found.append(Difference(path, before, after))
    return found


def deep_differences(old: Attributes, new: Attributes) -> Iterator[Difference]:
    """Yield what DeepDiff finds."""
    from deepdiff import DeepDiff

    tree = DeepDiff(
        old, new, view="tree", verbose_level=2, threshold_to_diff_deeper=_ENOUGH_IN_COMMON
    )
    for levels in tree.values():
        for level in levels:
            path = ".".join(map(str, level.path(output_format="list")))
            yield Difference(path, _value(level.t1), _value(level.t2))


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
    """Return the differences whose field has one of these mutabilities."""
    return tuple(d for d in found if field_of(kind, d.path).mutability in mutabilities)


_OBSERVED = {
    kind: tuple(
        field.path
        for field in fields
        if field.mutability in (Mutability.MUTABLE, Mutability.DEPLOYMENT)
    )
    for kind, fields in FIELDS.items()
}
"""The fields that can change outside automl-plan."""


def observed(kind: ResourceKind, recorded: Attributes, live: Attributes) -> dict[str, Json]:
    """Return the present attributes: mutable fields and deployment as live, the rest as recorded.

    The service does not return everything that an object was made of (a model has no data, a
    dataset no fingerprint), and that can't change outside automl-plan.
    """
    result = dict(recorded)
    for path in _OBSERVED[kind]:
        result.pop(path, None)
        if path in live:
            result[path] = live[path]
    _fill_node_count(result, recorded)
    return result


def _fill_node_count(observed: dict[str, Json], recorded: Attributes) -> None:
    """Use the recorded number of nodes where the service reports none for a deployed model.

    And the recorded deployment where it is unknown whether a model is deployed ({}).
    """
    live, known = observed.get("deploy"), recorded.get("deploy")
    if live == {} and known is None:
        del observed["deploy"]
    if isinstance(live, dict) and live.get("node_count") is None and isinstance(known, dict):
        observed["deploy"] = known


def names(found: Sequence[Difference]) -> str:
    """Return the differing fields for a sentence: `a`, `a and b`, `a, b and c`."""
    paths = [d.path for d in found]
    if len(paths) == 1:
        return paths[0]
    return ", ".join(paths[:-1]) + " and " + paths[-1]
