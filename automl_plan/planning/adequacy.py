"""Whether a dataset is adequate for training, why, and what would help most. Pure.

Google's page "Training Cloud-hosted models" mentions a Train tab with this verdict; its rules were
not published. These follow what Google requires and recommends elsewhere (`DataLimits` has the
numbers, Google's capabilities name the pages): a label with fewer than 10 examples makes data not
adequate, 1,000 examples of each make it good. Nothing that Google does not document makes data not
adequate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import asdict, replace

from automl_plan.model.capabilities import DataLimits
from automl_plan.model.json import Count, Document, Real
from automl_plan.model.source_data import DataCounts, LabelCounts
from automl_plan.planning.scorecards import Figures, Scorecard

MOST_LABELS = 20
"""Labels that a plan carries, those that need most first."""
_LONGEST = 64
"""Longest label that is shown."""
_GRAVE = frozenset({"label-minimum", "label-under-10"})


class Adequacy(StrEnum):
    """Whether data is adequate for training, the worst first."""

    NOT_ADEQUATE = "not adequate"
    ADEQUATE = "adequate"
    GOOD = "good"
    UNKNOWN = "not known"


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the counts show."""

    rule: str
    """The name of a rule; where `datasets lint` has the same one, it has the same name."""
    text: str


class LabelAdvice(LabelCounts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label with what it needs."""

    wanted: Count
    """Examples that it should have next: 10, 100 or 1,000; 0 when it has enough."""
    recall: Real | None = None
    """Of the current version, at its threshold."""
    au_prc: Real | None = None
    """Of the current version; for object detection its mean average precision."""


class Advice(Document, frozen=True):
    """The verdict on a dataset's data."""

    verdict: Adequacy
    reasons: tuple[Reason, ...]
    """What is missing, the gravest first; then what is only worth knowing."""
    change: str | None
    """The single change that would help most; None when there is none, or none is known."""
    labels: tuple[LabelAdvice, ...]
    """Those that need most first."""
    label_count: Count
    """Also of labels that are not listed."""
    images: Count
    """Distinct ones."""
    boxes: bool
    """Whether labels are boxes on the images."""
    evaluated: str | None
    """Which version recall and auPRC are of: `model.digits version 2`."""
    simulated: bool = False
    """Whether recall and auPRC are made up: no model was trained."""

    def at_most(self, labels: int) -> Advice:
        """Return the same with at most this many labels, with their names shortened."""
        kept = tuple(replace(each, label=_short(each.label)) for each in self.labels[:labels])
        return replace(self, labels=kept)


def unknown(why: str, *, boxes: bool = False, images: int = 0) -> Advice:
    """Return the advice on data whose labels are unknown."""
    reason = Reason("not-known", why)
    return Advice(Adequacy.UNKNOWN, (reason,), None, (), 0, images, boxes, None)


def advise(counts: DataCounts, limits: DataLimits, card: Scorecard | None = None) -> Advice:
    """Judge data by its counts, and by the scorecard of a version that was trained on it."""
    figures = {} if card is None else {f.label: f for f in card.figures if f.label is not None}
    overall = None if card is None or card.overall is None else card.overall.recall
    ranked = sorted(
        (_label(each, limits, figures.get(each.label)) for each in counts.labels),
        key=lambda label: _rank(label, limits.few, overall),
    )
    grave, held = _grave(counts, limits), _held(counts, limits)
    reported = list(_notices(counts, limits))
    verdict = Adequacy.GOOD
    if held:
        verdict = Adequacy.ADEQUATE
    if grave:
        verdict = Adequacy.NOT_ADEQUATE
    if card is not None:
        reported += _weak(ranked, overall)
        if card.guessing is not None:
            reported.append(Reason("no-better-than-guessing", f"{_named(card)} is {card.guessing}"))
    return Advice(
        verdict,
        (*(reason for reason, _ in grave), *(reason for reason, _ in held), *reported),
        _change(counts, ranked, grave, held),
        tuple(ranked),
        len(ranked),
        counts.images,
        counts.boxes,
        None if card is None else _named(card),
        card is not None and card.simulated,
    )


def graver(advice: Advice) -> tuple[Reason, ...]:
    """The reasons that alone make data not adequate; all where it is not known."""
    if advice.verdict is Adequacy.UNKNOWN:
        return advice.reasons
    return tuple(reason for reason in advice.reasons if reason.rule in _GRAVE)


def _named(card: Scorecard) -> str:
    which = card.object_id if card.version is None else f"version {card.version}"
    return f"{card.address} {which}"


def _label(counts: LabelCounts, limits: DataLimits, figures: Figures | None) -> LabelAdvice:
    wanted = next((limit for limit, _ in limits.tiers if counts.examples < limit), 0)
    if figures is None:
        return LabelAdvice(**asdict(counts), wanted=wanted)
    quality = figures.mean_average_precision if figures.au_prc is None else figures.au_prc
    return LabelAdvice(**asdict(counts), wanted=wanted, recall=figures.recall, au_prc=quality)


def _is_weak(label: LabelAdvice, overall: float | None) -> bool:
    """Whether a label has few examples and a recall below the overall one."""
    if label.recall is None or overall is None:
        return False
    return bool(label.wanted) and label.recall < overall


def _rank(label: LabelAdvice, few: int, overall: float | None) -> tuple[float | str, ...]:
    """First what can't be trained on, then few examples with low recall, then few examples."""
    examples, name = label.examples, label.label
    if label.wanted == few:
        return (0, 0.0, examples, name)
    if label.recall is not None and _is_weak(label, overall):
        return (1, label.recall, examples, name)
    return (2, 0.0, examples, name)


_Found = list[tuple[Reason, str | None]]
"""Reasons, each with the change that would fix it; None: more examples of the first label."""


def _grave(counts: DataCounts, limits: DataLimits) -> _Found:
    """What makes data not adequate."""
    least = limits.labels_at_least
    found: _Found = []
    if len(counts.labels) < least:
        have = _counted(len(counts.labels), "label")
        reason = Reason("label-minimum", f"{have}; at least {least} are required")
        missing = least - len(counts.labels)
        kind = "another label" if missing == 1 and counts.labels else _counted(missing, "label")
        found.append((reason, f"add images of {kind}, at least {limits.few} of each"))
    found += _few(counts, limits, limits.few)
    return found


def _held(counts: DataCounts, limits: DataLimits) -> _Found:
    """What keeps data from being good."""
    found = _sets(counts, limits.set_shares)
    found += _few(counts, limits, limits.some)
    if counts.labels:
        most = max(counts.labels, key=lambda each: each.examples)
        least = min(counts.labels, key=lambda each: each.examples)
        if most.examples > limits.balance * least.examples:
            text = (
                f"{_short(most.label)} has {_counted(most.examples, 'image')} and "
                f"{_short(least.label)} {least.examples:,}: more than {limits.balance} times as "
                "many"
            )
            missing = -(-most.examples // limits.balance) - least.examples
            found.append((Reason("label-balance", text), _add(missing, least)))
    found += _few(counts, limits, limits.many)
    return found


def _few(counts: DataCounts, limits: DataLimits, limit: int) -> _Found:
    """Labels with fewer examples than the limit, and not fewer than the limit before."""
    before = max((tier for tier, _ in limits.tiers if tier < limit), default=0)
    few = [each for each in counts.labels if before <= each.examples < limit]
    if not few:
        return []
    rule = dict(limits.tiers)[limit]
    least = min(few, key=lambda each: (each.examples, each.label))
    have = "has" if len(few) == 1 else "have"
    text = f"{_counted(len(few), 'label')} {have} fewer than {limit:,} images"
    more = "" if len(few) == 1 else ", the fewest"
    text += f"{more}: {_short(least.label)}, {least.examples:,}"
    return [(Reason(rule, text), None)]


def _sets(counts: DataCounts, shares: Mapping[str, float]) -> _Found:
    """Sets without examples, where the files assign sets and the service fills none up."""
    free = any(each.unassigned for each in counts.labels)
    sets = {name: sum(each.by_set[name] for each in counts.labels) for name in shares}
    found: _Found = []
    if not any(sets.values()):
        return found
    for name, total in sets.items():
        if not total and not free:
            change = (
                f"assign about {shares[name]:.0%} of the images to {name}, or leave all UNASSIGNED"
            )
            found.append((Reason("set-empty", f"no example in {name}"), change))
            continue
        without = [e for e in counts.labels if not e.by_set[name] and not e.unassigned]
        if without:
            first = min(without, key=lambda each: (each.examples, each.label))
            text = f"{_counted(len(without), 'label')} without an example in {name}: "
            text += _short(first.label)
            text += f" and {len(without) - 1:,} more" if len(without) > 1 else ""
            change = f"assign examples of {_short(first.label)} to {name}"
            found.append((Reason(f"label-not-in-{name.lower()}", text), change))
    return found


def _notices(counts: DataCounts, limits: DataLimits) -> Iterator[Reason]:
    """What is worth knowing and holds nothing back."""
    if counts.unlabelled:
        text = f"{_counted(counts.unlabelled, 'image')} without a label: not used for training"
        yield Reason("unlabelled-rows", text)
    free = counts.unassigned
    if free:
        parts = ", ".join(
            f"{round(free * share):,} {name}" for name, share in limits.set_shares.items()
        )
        text = f"{_counted(free, 'image')} UNASSIGNED: the service splits them, about {parts}"
        yield Reason("unassigned", text)
    if counts.refused:
        text = f"{_counted(counts.refused, 'row')} not counted: see `automl-plan datasets lint`"
        yield Reason("rows-refused", text)
    if counts.by_name:
        text = (
            f"{_counted(counts.by_name, 'image')} counted by name, not read: see `automl-plan "
            "datasets lint`"
        )
        yield Reason("images-unread", text)
    if counts.labels_left_out:
        text = (
            f"{_counted(counts.labels_left_out, 'image')} with labels beyond the number that is "
            "counted"
        )
        yield Reason("label-quota", text)


def _weak(ranked: Sequence[LabelAdvice], overall: float | None) -> Iterator[Reason]:
    weak = [label for label in ranked if _is_weak(label, overall)]
    if weak:
        first = min(weak, key=lambda each: (each.recall or 0.0, each.label))
        text = (
            f"{_counted(len(weak), 'label')} with few examples and a recall below the overall "
            f"{overall:.2f}: {_short(first.label)}, {first.recall:.2f}"
        )
        yield Reason("few-and-low-recall", text)


def _change(
    counts: DataCounts, ranked: Sequence[LabelAdvice], grave: _Found, held: _Found
) -> str | None:
    """The change that fixes the gravest reason; of labels with too few examples, the first."""
    for _, change in (*grave, *held):
        if change is not None:
            return change
        first = next(label for label in ranked if label.wanted)
        return _add(first.wanted - first.examples, first, first.wanted)
    if counts.unlabelled:
        return f"label the {_counted(counts.unlabelled, 'image')} without a label"
    return None


def _add(missing: int, label: LabelCounts, wanted: int | None = None) -> str:
    wanted = label.examples + missing if wanted is None else wanted
    return (
        f"add {_counted(missing, 'image')} of label {_short(label.label)} ({label.examples:,} of "
        f"{wanted:,})"
    )


def _short(label: str) -> str:
    """A name, shortened: the service takes 32 letters, a file may have any number."""
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
