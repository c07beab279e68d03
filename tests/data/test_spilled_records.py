"""Records that go to a file where they are many."""

from __future__ import annotations

import hashlib
import random
from contextlib import closing

import pytest

from automl_plan.data.spilled_records import SpilledRecords


@pytest.mark.parametrize("count", [0, 1, 1_000, 65_536, 200_000])
def test_all_come_back_in_ranges(count: int) -> None:
    records = [
        hashlib.blake2b(b"%d" % (number % 70_000), digest_size=8).digest() + number.to_bytes(4)
        for number in range(count)
    ]
    with closing(SpilledRecords(12)) as spilled:
        for record in records:
            spilled.add(record)
        found = list(spilled.ranges())
    together = [record for part in found for record in part]
    assert sorted(together) == sorted(records)
    first_bytes = [{record[0] for record in part} for part in found]
    if len(found) > 1:
        assert all(len(each) <= 1 for each in first_bytes)
        assert [each for part in first_bytes for each in part] == sorted(set().union(*first_bytes))
    for part in found:  # as they were added
        numbers = [int.from_bytes(record[8:]) for record in part]
        assert numbers == sorted(numbers)


def test_a_file_in_bytes_of_any_size() -> None:
    rng = random.Random(1)
    records = [rng.randbytes(3) for _ in range(70_000)]
    with closing(SpilledRecords(3)) as spilled:
        for record in records:
            spilled.add(record)
        distinct = [record for part in spilled.ranges() for record in sorted(set(part))]
    assert distinct == sorted(set(records))
