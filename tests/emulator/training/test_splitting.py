"""How examples are shared out over the sets."""

import random
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from automl_plan.emulator.training.splitting import split
from automl_plan.emulator.training.types import Example, SetName

_examples = st.lists(
    st.builds(
        Example,
        uri=st.just("image.png"),
        path=st.just(Path("image.png")),
        set=st.sampled_from(SetName),
        labels=st.sampled_from([(), ("a",), ("b",), ("b", "a")]),
        boxes=st.just(()),
        content=st.uuids().map(lambda each: each.hex),
    ),
    unique_by=lambda each: each.content,
    max_size=60,
)


@given(_examples, st.randoms(use_true_random=False))
def test_every_example_is_in_one_set_whatever_their_order(
    examples: list[Example], chance: random.Random
) -> None:
    sets = split(examples)
    assert set(sets) == {SetName.TRAIN, SetName.VALIDATION, SetName.TEST}
    placed = [each.content for chosen in sets.values() for each in chosen]
    assert sorted(placed) == sorted(each.content for each in examples)
    for name, chosen in sets.items():
        assert {each.set for each in chosen} <= {name, SetName.UNASSIGNED}
    chance.shuffle(examples)
    assert split(examples) == sets


def test_who_has_no_set_is_shared_out_over_all_labels() -> None:
    examples = [
        Example("i.png", Path("i.png"), SetName.UNASSIGNED, (label,), (), f"{label}{number:04}")
        for label, count in (("a", 700), ("b", 200), ("c", 100))
        for number in range(count)
    ]
    sets = split(examples)
    assert [len(sets[name]) for name in sets] == [800, 100, 100]
    for name in (SetName.VALIDATION, SetName.TEST):
        labels = Counter(each.labels[0] for each in sets[name])
        assert labels == {"a": 70, "b": 20, "c": 10}
