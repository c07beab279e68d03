"""Fixtures: the digits example, prepared as its users do, and a model really trained on it."""

import subprocess
import sys
from pathlib import Path

import pytest

from automl_plan.emulator.readings import Readings
from automl_plan.emulator.training.import_files import read_file
from automl_plan.emulator.training.import_rows import RowReader, row_rules
from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import Problem, TrainingJob, TrainingResult

PREPARE = Path(__file__).parents[3] / "examples" / "digits" / "prepare.py"
DIGITS = tuple("0123456789")


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the prepared example; not to be written to."""
    directory = tmp_path_factory.mktemp("digits")
    subprocess.run([sys.executable, str(PREPARE), str(directory)], check=True, capture_output=True)
    return directory


@pytest.fixture(scope="session")
def digits_job(digits: Path) -> TrainingJob:
    """A training of all digits with the least budget for the cloud."""
    rules = row_rules(Readings(), vertex=False)
    reader = RowReader(Problem.IMAGE_CLASSIFICATION, multilabel=False, rules=rules)
    imported = read_file("data/digits.csv", reader, lambda uri: digits / uri)
    assert imported.failures == ()
    return TrainingJob(
        problem=Problem.IMAGE_CLASSIFICATION,
        multilabel=False,
        model_type="cloud",
        budget_milli_node_hours=8000,
        labels=DIGITS,
        examples=imported.examples,
        seed=7,
    )


@pytest.fixture(scope="session")
def trained(digits_job: TrainingJob) -> TrainingResult:
    """The result of that training."""
    return load_trainer("sklearn").train(digits_job, lambda: False)
