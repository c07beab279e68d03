"""An emulator that a module's tests set faults in."""

import pytest

from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.test_process import call


@pytest.fixture(scope="module")
def faulty_emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    return start_shared_emulator(time_scale=1_000_000.0)


@pytest.fixture
def emulator(faulty_emulator: RunningEmulator) -> RunningEmulator:
    """An emulator without faults; trainings take milliseconds."""
    call(faulty_emulator, "DELETE", "emulator/v1/faults")
    return faulty_emulator
