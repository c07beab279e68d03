"""Annotation sets: images of a dataset that were annotated together, as by one import.

A model is trained on one of them. Which one is not left to the service: it is the one that bears
the name of the imported data, or the only one that the last import can have made.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from automl_plan.model.timestamps import micros_of

_SHOWN = 5
"""Sets that a message lists."""
_LONGEST = 40
"""Characters of a fingerprint in a name."""


class AnnotationSet(Struct, frozen=True):
    """One set of a dataset."""

    id: str
    name: str
    fits: bool
    """Whether it is for what the dataset is declared for, as far as the service says."""
    labels: int | None = None
    """Different labels in it; None where the service does not report them."""
    created: str | None = None
    """RFC 3339, the service's clock."""


class AnnotationSets(Struct, frozen=True):
    """Those of a dataset that the service lists."""

    sets: tuple[AnnotationSet, ...] = ()
    before_import: int | None = None
    """When the newest set was made that the dataset had before our last import (microseconds
    since 1970); 0: it had none, None: not known."""

    def candidates(self, data: str | None) -> tuple[AnnotationSet, ...]:
        """Return the sets that may hold the data with that fingerprint (None: any data).

        None: the service lists no set of this kind. Several: it is not known which one does.
        """
        usable = tuple(each for each in self.sets if each.fits)
        if len(usable) < 2:
            return usable
        named = [each for each in usable if data is not None and each.name == set_name(data)]
        before = self.before_import
        made = [e for e in usable if before is not None and (micros_of(e.created) or 0) > before]
        return next((tuple(some) for some in (named, made) if len(some) == 1), usable)


def set_name(fingerprint: str) -> str:
    """Return the name of the set that an import of data with a fingerprint asks for."""
    return f"automl-plan-{fingerprint.replace(':', '-')[:_LONGEST]}"


def newest(sets: Iterable[AnnotationSet]) -> int:
    """Return when the newest set was made (microseconds since 1970); 0 without any."""
    return max((micros_of(each.created) or 0 for each in sets), default=0)


def unclear_text(candidates: Iterable[AnnotationSet]) -> str:
    """Describe the sets of which one should be trained on."""
    listed = [shown_set(each) for each in candidates]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (
        f"it has {len(listed)} annotation sets, and a model is trained on one of them: "
        f"{'; '.join(listed[:_SHOWN])}{more}. It is not known which one holds the declared data"
    )


def shown_set(each: AnnotationSet) -> str:
    """Return the name of a set with what is known of it."""
    facts = []
    if each.labels is not None:
        facts.append(f"{each.labels:,} label{'s' if each.labels != 1 else ''}")
    if each.created is not None:
        facts.append(f"made {each.created}")
    return f"{each.name} ({', '.join([each.id, *facts])})"
