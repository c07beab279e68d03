"""How faults are written: what isn't understood is refused, with what is expected."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.emulator.faults import BEGINNERS, EFFECT_SYNTAX, Fault, FaultRefused, parse_fault
from automl_plan.emulator.methods import METHODS
from tests.conftest import RunningEmulator
from tests.emulator.faulty import fired

REFUSED = [
    ("", "METHOD:EFFECT"),
    ("models.create", "METHOD:EFFECT"),
    ("models.create:500:1:1", "METHOD:EFFECT"),
    ("models.make:500", "There are *, annotationSpecs.get"),
    ("models.create:explode", "There are drop-before"),
    ("models.create:500=3", "takes no value"),
    ("models.create:429=1.5", "a whole number"),
    ("models.create:delay-before", "delay-before=SECONDS"),
    ("models.create:delay-after=1e9", "delay-after=SECONDS"),
    ("models.create:fail", "CODE is"),
    ("models.create:fail=OK", "CODE is"),
    ("models.list:fail=13", "fail is for *, batchPredictionJobs.create"),
    ("operations.get:late=1", "late is for batchPredictionJobs.list, operations.list"),
    ("*:early", "early is for models.list"),
    ("*:500:0", "WHEN is not"),
    ("*:500:3-2", "WHEN is not"),
    ("*:500:p1.1@1", "WHEN is not"),
    ("*:500:p0.5", "WHEN is not"),
    ("*:500:", "WHEN is not"),
    ("*:500:\u0661", "WHEN is not"),
]


@pytest.mark.parametrize(("spec", "expected"), REFUSED)
def test_wrong_ones_are_refused_with_what_is_expected(
    emulator: RunningEmulator, spec: str, expected: str
) -> None:
    answer = requests.post(f"{emulator.url}/emulator/v1/faults", json={"fault": spec}, timeout=20)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert expected in error["message"]
    assert fired(emulator) == {}


def test_a_wrong_one_keeps_it_from_starting(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "automl_plan.emulator", "--data-dir", str(tmp_path / "data")]
    command += ["--trainer", "simulated", "--fault", "*:500", "--fault", "models.create:\x1bx"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert run.stderr.startswith("error: The fault 'models.create:\\x1bx' is not understood.")
    assert "There are drop-before, drop-after, 401" in run.stderr
    assert not (tmp_path / "data").exists()


def test_bodies_that_set_no_fault(emulator: RunningEmulator) -> None:
    for body in ("", "{}", "[]", '{"fault": 1}', '{"fault": "*:500", "x": 1}', '{"faults": []}'):
        url = f"{emulator.url}/emulator/v1/faults"
        assert requests.post(url, data=body, timeout=20).status_code == 400, body
    assert fired(emulator) == {}


PIECES = st.one_of(
    st.sampled_from([*METHODS, "*", "operations", ""]),
    st.sampled_from([each.partition("=")[0].strip("[") for each in EFFECT_SYNTAX.split(", ")]),
    st.sampled_from(["late=1", "fail=13", "fail=INTERNAL", "429=3", "delay-after=0.5", "503="]),
    st.sampled_from(["1", "2-3", "4+", "p0.5@7", "p2@1", "3-1", "0", "p@", "-1", "1-"]),
    st.from_regex(r"p?[0-9.]{0,5}[@+-]?[0-9]{0,25}", fullmatch=True),
    st.text(max_size=8),
)
SPECS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=4).map(":".join))


def read(text: str) -> Fault | str:
    """The fault, or why it is refused."""
    try:
        return parse_fault(text)
    except FaultRefused as error:
        return str(error)


@given(text=SPECS)
@example(text="models.create:fail=13:p0.5@7")
def test_any_text_is_a_fault_or_is_refused(text: str) -> None:
    parsed = read(text)
    if isinstance(parsed, str):
        assert parsed.startswith("The fault ")
        assert parsed.isprintable()
        return
    assert parse_fault(parsed.text) == parsed
    assert parsed.effect in text
    assert parsed.when.applies(3) == parsed.when.applies(3)


@given(
    method=st.sampled_from([*METHODS, "*"]),
    effect=st.sampled_from(["500", "503=2", "fail=8", "stubborn", "truncate", "delay-after=0.1"]),
    when=st.sampled_from(["", ":1", ":2-5", ":7+", ":p0.25@3"]),
)
def test_what_the_grammar_says_is_a_fault(method: str, effect: str, when: str) -> None:
    if effect in ("fail=8", "stubborn") and method not in {*BEGINNERS, "*"}:
        with pytest.raises(FaultRefused):
            parse_fault(method + ":" + effect + when)
        return
    parsed = parse_fault(method + ":" + effect + when)
    assert (parsed.method, parsed.effect) == (method, effect.partition("=")[0])
