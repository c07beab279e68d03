"""Loads the directories named on the command line as where PyYAML has no C parser.

Run by test_parser.py in a process of its own. Prints, as JSON, a list for each directory: its
digest, or the places of what is wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.modules["yaml._yaml"] = None  # type: ignore[assignment]  # what makes its import fail

import yaml  # noqa: E402 (only now)

from automl_plan.config.load import load  # noqa: E402
from automl_plan.providers.registry import PROVIDERS  # noqa: E402
from tests.config.writing import diagnostics, places  # noqa: E402

if __name__ == "__main__":
    if yaml.__with_libyaml__:
        sys.exit("the C parser is there")
    results = []
    for directory in map(Path, sys.argv[1:]):
        found = diagnostics(directory)
        results.append(places(found) or [load(directory, PROVIDERS).digest])
    print(json.dumps(results))
