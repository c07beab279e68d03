"""Coordinates: the lint refuses what the service refuses, and nothing else."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linter, kind_by_looks
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.training.import_rows import RowReader, RowRefused, row_rules
from automl_plan.emulator.training.types import Problem
from automl_plan.providers.google.capabilities import LIMITS

WRITTEN = st.one_of(
    st.floats(0, 1).map(str),
    st.floats(0, 1e-4).map(str),
    st.floats(0, 1).map("{:.3e}".format),
    st.floats(0, 1).map("{:G}".format),
    st.floats().map(str),
    st.text(st.sampled_from("0159.eE+-x "), min_size=1, max_size=6),
)


IMPORTED = RowReader(
    Problem.IMAGE_OBJECT_DETECTION, multilabel=False, rules=row_rules(Readings(), vertex=False)
)


def is_imported(fields: list[str]) -> bool:
    try:
        IMPORTED.read(fields)
    except RowRefused:
        return False
    return True


@given(WRITTEN, WRITTEN)
@example("3e-05", "0.1")
@example("1.E-3", "5e-324")
@example("-0.0", "-0")
@example("-1e-05", "0.1")
def test_the_lint_refuses_what_the_service_refuses(x: str, y: str) -> None:
    fields = ["TRAIN", "0.png", "cat", x, y, "", "", "1", "1", "", ""]
    row = ",".join(fields).encode()
    found = Linter(lambda _: BytesIO(row), LIMITS).lint("a.csv", ["a.csv"], DatasetKind.DETECTION)
    told = set(found.counts) & {"box-coordinates", "box-size", "box-vertices"}
    assert is_imported(fields) == (not told)


@pytest.mark.parametrize("x", ["3e-05", "1E-2", ".5", "-1e-05"])
def test_rows_with_such_numbers_have_boxes(x: str) -> None:
    row = f"TRAIN,0.png,cat,{x},{x},,,1e-1,1e-1,,\n".encode()
    assert kind_by_looks(lambda _: BytesIO(row), ["a.csv"]) is DatasetKind.DETECTION
