"""What to write instead of flags and commands that do not exist: Terraform's, and variables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import CommandLine

CONFIGURATION = "variables: {budget: {type: integer, default: 8000}, api_key: {default: x}}\n"
TWO_DASHES = "next:  Options take two dashes: write"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    (tmp_path / "automl-plan.yaml").write_text(CONFIGURATION)
    return CommandLine(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan -target=model.a", f"{TWO_DASHES} --target=model.a."),
        ("plan -target model.a", f"{TWO_DASHES} --target model.a."),
        ("plan -replace=model.a -out=x", f"{TWO_DASHES} --replace=model.a."),
        ("apply -var budget=9000", f"{TWO_DASHES} --var budget=9000."),
        ("plan -var-file=prod.yaml", f"{TWO_DASHES} --var-file=prod.yaml."),
        ("plan -out=plan.json", f"{TWO_DASHES} --out=plan.json."),
        ("plan -destroy", f"{TWO_DASHES} --destroy."),
        ("plan -detailed-exitcode", f"{TWO_DASHES} --detailed-exitcode."),
        ("plan -refresh=false", "next:  Write --no-refresh."),
        ("plan --refresh=false", "next:  Write --no-refresh."),
        ("apply -auto-approve", f"{TWO_DASHES} --auto-approve."),
        ("apply -auto-approve=true", f"{TWO_DASHES} --auto-approve."),
        ("state list -json", f"{TWO_DASHES} --json."),
        ("-chdir=x plan", "next:  Write -C DIR or --chdir DIR."),
        ("-version", f"{TWO_DASHES} --version."),
        ("plan -nothing", "next:  Options take two dashes; -h lists all."),
        ("plan --budget=9000", "next:  It is a variable: write --var budget=9000."),
        ("plan --budget 9000", "next:  It is a variable: write --var budget=9000."),
        ("plan --api-key=k", "next:  It is a variable: write --var api_key=k."),
        ("plan --other=9000", "next:  Set a variable with --var NAME=VALUE"),
        ("taint model.a", "--replace model.NAME"),
        ("untaint model.a", "Nothing is tainted"),
        ("refresh", "apply --refresh-only"),
        ("workspace new prod", "--var environment=NAME"),
        ("output", "show PLANFILE --format outputs"),
        ("login", "come from the provider's own tool"),
        ("operations delete x --json", "its exit code says how it ended"),
        ("state rebuild --auto-approve", "this command needs no approval"),
        ("init -json", "its exit code says how it ended"),
        ("apply -y", "write --auto-approve"),
        ("apply --yes", "write --auto-approve"),
        ("destroy -force", "write --auto-approve"),
        ("apply --dry-run", "`automl-plan plan` shows"),
        ("datasets create d", "Declare it under `datasets:`"),
        ("datasets import d", "Declare it under `datasets:`"),
        ("datasets delete d", "Remove it from the configuration"),
        ("models train m", "Declare it under `models:`"),
        ("models undeploy m", "Declare it under `models:`"),
        ("state pull", "The state is a file"),
    ],
)
def test_what_to_write_instead(line: str, said: str, cli: CommandLine) -> None:
    told = cli.failure(*line.split())
    assert said in told
    assert "Did you mean" not in told
    assert "Possible options" not in told


def test_what_is_near_is_named_and_what_is_not_is_not(cli: CommandLine) -> None:
    assert "No such option '--tarket=x'. Did you mean --target?" in cli.failure(
        "plan", "--tarket=x"
    )
    assert "next:" not in cli.failure("plan", "--tarket=x")
    assert "Did you mean 'plan'" in cli.failure("plann")
    assert "next:" not in cli.failure("state", "taint")


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("rollback m", "'models rollback'"),
        ("lint d.csv", "'datasets lint'"),
        ("list", "'datasets list', 'models list', 'operations list', 'state list'"),
        ("models lint d", "'datasets lint'"),
        ("state plan", "'plan'"),
        ("status", "'emulator status'"),
        ("predict a.png", "'models predict'"),
        ("models shwo m", "'show'"),
    ],
)
def test_a_command_of_another_group_is_named(line: str, near: str, cli: CommandLine) -> None:
    assert f"Did you mean {near}?" in cli.failure(*line.split())


@pytest.mark.parametrize("text", ["1_0", " 5", "\u0663", "nan", "inf", "007", "0x1F", "1e999", ""])
@pytest.mark.parametrize(
    "line",
    [
        "emulator start --port",
        "emulator start --time-scale",
        "emulator start --idle-timeout",
        "apply --parallelism",
        "apply --lock-timeout",
        "models evaluations m --threshold",
        "models promote m",
        "operations wait x --timeout",
        "comment p.json --pull-request",
    ],
)
def test_numbers_of_flags_are_as_strict_as_those_of_a_configuration(
    line: str, text: str, cli: CommandLine
) -> None:
    assert "number: write digits only" in cli.failure(*line.split(), text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("emulator start --port 65536", "65536 is not from 0 to 65535"),
        ("apply --parallelism 0", "0 is not from 1 to 256"),
        ("apply --parallelism 1.5", "'1.5' is not a whole number"),
        ("apply --lock-timeout -1", "-1 is not at least 0"),
        ("models evaluations m --threshold 1.01", "1.01 is not from 0 to 1"),
    ],
)
def test_numbers_of_flags_have_bounds(line: str, said: str, cli: CommandLine) -> None:
    assert said in cli.failure(*line.split())


def test_programs_get_it_too(cli: CommandLine) -> None:
    error = json.loads(cli("plan", "--json", "-out=x", code=1))["error"]
    assert error["message"] == "No such option '-out=x'."
    assert error["hint"] == "Options take two dashes: write --out=x."
