"""Split examples into the sets that train a model, stop the training, and evaluate the result."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from automl_plan.emulator.training.types import Example, SetName

_PERIOD = 10
_TEST_AT, _VALIDATION_AT = 4, 9


def split(examples: Iterable[Example]) -> dict[SetName, list[Example]]:
    """Return the examples of TRAIN, VALIDATION and TEST, each ordered by content.

    UNASSIGNED ones are split 80 : 10 : 10 for each label: of every ten of a label, ordered by the
    hash of their content, one goes to TEST and one to VALIDATION. So the same images are always
    split in the same way, whatever the order of their import.
    """
    sets: dict[SetName, list[Example]] = {
        SetName.TRAIN: [],
        SetName.VALIDATION: [],
        SetName.TEST: [],
    }
    unassigned = []
    for example in examples:
        if example.set is SetName.UNASSIGNED:
            unassigned.append(example)
        else:
            sets[example.set].append(example)
    unassigned.sort(key=lambda each: (_first_label(each), each.content))
    for position, example in enumerate(unassigned):
        place = position % _PERIOD
        if place == _TEST_AT:
            sets[SetName.TEST].append(example)
        elif place == _VALIDATION_AT:
            sets[SetName.VALIDATION].append(example)
        else:
            sets[SetName.TRAIN].append(example)
    for chosen in sets.values():
        chosen.sort(key=lambda each: each.content)
    return sets


def assign_by_shares(examples: Sequence[Example], shares: Sequence[float]) -> list[Example]:
    """Return the examples with sets by these shares of TRAIN, VALIDATION and TEST, for each label.

    Sets that imports assigned are replaced. The same images always get the same sets.
    """
    names = (SetName.TRAIN, SetName.VALIDATION, SetName.TEST)
    total = sum(shares)
    ordered = sorted(examples, key=lambda each: (_first_label(each), each.content))
    chosen = {}
    debts = [0.0] * len(names)
    for example in ordered:
        debts = [debt + share / total for debt, share in zip(debts, shares, strict=True)]
        place = debts.index(max(debts))
        debts[place] -= 1
        chosen[example.content] = names[place]
    return [replace(each, set=chosen[each.content]) for each in examples]


def _first_label(example: Example) -> str:
    return min((*example.labels, *(box.label for box in example.boxes)), default="")
