"""Where PyYAML has no C parser, the one in Python reads the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from automl_plan.config.load import load
from automl_plan.providers.registry import PROVIDERS
from tests.config.cases import CASES
from tests.config.test_load import FULL
from tests.config.test_positions import TWO_FILES
from tests.config.writing import GOOD, diagnostics, places, write


def test_both_parsers_read_the_same(tmp_path: Path) -> None:
    right: list[Mapping[str, str | bytes]] = [
        {"a.automl.yaml": GOOD},
        {"a.automl.yaml": FULL},
        TWO_FILES,
    ]
    # Where a syntax error is, and what follows from it, differs a little.
    wrong = [
        case.written
        for case in CASES
        if not (case.variables or case.var_files or case.environ)
        and not any("syntax" in place for place in case.expected)
    ]
    directories = []
    for i, files in enumerate([*right, *wrong]):
        directories.append(tmp_path / str(i))
        directories[-1].mkdir()
        write(directories[-1], files)
    result = subprocess.run(
        [sys.executable, "-m", "tests.config.without_c_parser", *map(str, directories)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [places(diagnostics(d)) or [load(d, PROVIDERS).digest] for d in directories]
    assert json.loads(result.stdout) == expected


def test_syntax_errors_have_a_place_in_both(tmp_path: Path) -> None:
    directories = []
    cases = [case for case in CASES if any("yaml-syntax" in place for place in case.expected)]
    for case in cases:
        directories.append(tmp_path / case.name)
        directories[-1].mkdir()
        write(directories[-1], case.written)
    result = subprocess.run(
        [sys.executable, "-m", "tests.config.without_c_parser", *map(str, directories)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    for case, found in zip(cases, json.loads(result.stdout), strict=True):
        assert any("yaml-syntax" in place and ":0:" not in place for place in found), case.name
