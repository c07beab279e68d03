"""action.yml, and the workflows that a team would copy: sound by their schemas, and run.

No runner of GitHub's is here: the shell steps are run one after the other, as it would run them,
with a service that behaves like its comments API. What other actions do (set Python up, keep an
artefact) is left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.apis import BOTH
from tests.cli.command import environment
from tests.code_hosts.fake_github import TOKEN, FakeGitHub, serving
from tests.e2e.command_line import COMMAND
from tests.project import Project

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "review" / "workflows"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*([^}]+?)\s*\}\}")


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", ROOT / "action.yml"),
        ("vendor.github-workflows", EXAMPLES / "github.yml"),
        ("vendor.gitlab-ci", EXAMPLES / "gitlab.yml"),
    ],
)
def test_they_are_what_their_hosts_expect(schema: str, path: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_hooks_are_what_pre_commit_expects() -> None:
    for command, path in (
        ("validate-manifest", ROOT / ".pre-commit-hooks.yaml"),
        ("validate-config", EXAMPLES / "pre-commit.yaml"),
    ):
        check = [sys.executable, "-m", "pre_commit", command, str(path)]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_no_expression_stands_in_a_script() -> None:
    """What a pull request may choose (a branch's name, say) must not become part of a script."""
    for step in STEPS:
        assert not EXPRESSION.search(step.get("run", "")), step["name"]


class Runner:
    """Runs the shell steps of the action, with what GitHub would set."""

    def __init__(self, root: Path, github: FakeGitHub, **inputs: str) -> None:
        self.directory = root
        self.temporary = root / "runner"
        self.temporary.mkdir(exist_ok=True)
        self.values = {
            f"inputs.{name}": i.get("default", "") for name, i in ACTION["inputs"].items()
        }
        self.values |= {f"inputs.{name}": value for name, value in inputs.items()}
        self.values |= {
            "inputs.token": TOKEN,
            "github.event_name": "pull_request",
            "github.action_path": str(ROOT),
            "runner.temp": str(self.temporary),
        }
        self.environ = environment(
            {
                "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_PATH": str(self.temporary / "path"),
                "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md"),
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "team/models",
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_API_URL": github.url,
            }
        )

    def run(self, *conditions: str) -> int:
        """Run all steps whose `if` is none, or among the given ones; the exit code of the last."""
        for step in STEPS:
            wanted = "if" not in step or any(c in step["if"] for c in conditions)
            if "run" not in step or step["name"] == "Install" or not wanted:
                continue
            code = self._step(step)
            if code:
                return code
        return 0

    def install(self, package: Path) -> int:
        """Run the step that installs, with another package than this one, and ask no index."""
        self.values["github.action_path"] = str(package)
        (step,) = (step for step in STEPS if step.get("name") == "Install")
        return self._step(step)

    def _step(self, step: Mapping[str, Any]) -> int:
        output = self.temporary / "output"
        output.write_text("")
        script = self.temporary / "script.sh"
        script.write_text(step["run"])
        given = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            env={**self.environ, "GITHUB_OUTPUT": str(output), **given},
            cwd=self.directory / self._filled(step.get("working-directory", ".")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step.get('id')}.outputs.{name}"] = value
        self.said = done.stdout + done.stderr
        return done.returncode

    def _filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda match: self.values[match[1]], text)

    def output(self, name: str) -> str:
        """What the action gives to the workflow."""
        return self._filled(ACTION["outputs"][name]["value"])


@pytest.fixture
def api(request: pytest.FixtureRequest) -> str:
    """AutoML v1, but for the test that goes the whole way."""
    return str(getattr(request, "param", "automl"))


@pytest.fixture
def project(tmp_path: Path, api: str) -> Iterator[Path]:
    """A configuration whose service trains at once, and says that it only seems to."""
    (tmp_path / "models").mkdir()
    made = Project(tmp_path / "models", api=api)
    made.write_data("data.csv", {"a": 12, "b": 12})
    multiclass, kind = (
        {"classification_type": "MULTICLASS"},
        {"train_budget_milli_node_hours": 8000},
    )
    made.write(
        {"digits": {"image_classification": multiclass, "sources": ["data.csv"]}},
        {"digits": {"dataset": "digits", "image_classification": kind}},
        state="state/digits.json",
    )
    yield tmp_path
    stop = [str(COMMAND), "-C", str(made.directory), "emulator", "stop"]
    subprocess.run(stop, check=True, capture_output=True)


@BOTH
def test_a_pull_request_and_its_merge(project: Path) -> None:
    with serving() as github:
        runner = Runner(project, github, directory="models")
        assert runner.run("inputs.comment") == 0, runner.said
        assert runner.output("verdict") == "costs"
        assert (runner.output("trainings"), runner.output("deletions")) == ("1", "0")
        assert runner.output("training-cost") == "27.72"
        (comment,) = github.bodies()
        assert "### automl-plan: 1 training" in comment
        summary = (project / "runner" / "summary.md").read_text()
        assert summary.partition("\n")[2].strip() == comment.partition("\n")[2].strip()
        assert (project / "runner" / "automl-plan.html").read_text().startswith("<!doctype")
        assert not (project / "models" / "state").exists(), "planning changes nothing"

        merge = Runner(project, github, directory="models", command="apply")
        assert merge.run("inputs.command") == 0, merge.said
        assert merge.run() == 0, merge.said
        assert merge.output("changes") == "false"


def test_what_is_refused_is_said_and_fails(project: Path) -> None:
    policy = project / "models" / "policy.automl.yaml"
    policy.write_text("policy: {max_training_cost: 5}\n", encoding="utf-8")
    with serving() as github:
        runner = Runner(project, github, directory="models")
        assert runner.run("inputs.comment", "steps.plan.outputs.code") == 3
        assert "::error" in runner.said
        assert runner.output("verdict") == "refused"
        (comment,) = github.bodies()
        assert "Refused, for" in comment


def test_arguments_are_no_script(project: Path) -> None:
    with serving() as github:
        evil = "--var=x=$(touch hit)\n--target=model.digits; touch hit"
        runner = Runner(project, github, directory="models", arguments=evil)
        assert runner.run() == 1
        assert not list(project.rglob("hit"))


def test_every_output_is_given() -> None:
    shown = subprocess.run(
        [str(COMMAND), "show", ROOT / "examples/review/plan.json", "--format", "outputs"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    ).stdout
    given = {line.partition("=")[0] for line in shown.splitlines()} | {"plan-file"}
    assert given == set(ACTION["outputs"])


IMPORTED = ("venv", "pip", "ensurepip", "logging", "subprocess", "json", "automl_plan", "yaml")
"""Of the many modules that one of the steps imports."""


@pytest.fixture
def hostile(project: Path) -> Path:
    """A workspace with Python at its root, and beside the configuration, that leaves a trace."""
    trace = project / "ran"
    trap = f"import os\nos.close(os.open({str(trace)!r}, os.O_CREAT))\nraise SystemExit(9)\n"
    for place in (project, project / "models"):
        for name in IMPORTED:
            (place / name).mkdir()
            (place / name / "__init__.py").write_text(trap)
            (place / name / "__main__.py").write_text(trap)
        for name in ("sitecustomize", "usercustomize", "encodings", "msgspec", "click"):
            (place / f"{name}.py").write_text(trap)
        (place / "pip.conf").write_text(
            "[global]\nno-such-option = 1\nindex-url = http://127.0.0.1:1\n"
        )
        (place / "setup.cfg").write_text(f"[install]\nprefix = {place / 'ran'}\n")
        (place / "pyvenv.cfg").write_text(f"home = {place}\n")
    return project


PYTHON_SETTINGS = ("PYTHONPATH", "PYTHONUSERBASE", "PYTHONSTARTUP", "PYTHONPLATLIBDIR")


def test_nothing_of_the_workspace_is_imported(hostile: Path) -> None:
    settings = dict.fromkeys(PYTHON_SETTINGS, str(hostile))
    trapped = subprocess.run([str(COMMAND), "version"], env={**os.environ, **settings}, check=False)
    assert trapped.returncode
    (hostile / "ran").unlink()

    with serving() as github:
        runner = Runner(hostile, github, directory="models", command="apply")
        runner.environ |= {**settings, "PYTHONHOME": str(hostile)}
        assert runner.run("inputs.comment", "inputs.command") == 0, runner.said
        assert github.bodies()
    assert not (hostile / "ran").exists()


def test_installing_imports_nothing_of_the_workspace(hostile: Path) -> None:
    trap = subprocess.run([sys.executable, "-m", "venv", "x"], cwd=hostile, check=False)
    assert trap.returncode == 9
    (hostile / "ran").unlink()

    wheel = hostile / "automl_plan-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        about = "automl_plan-1.dist-info"
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: automl-plan\nVersion: 1\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    with serving() as github:
        runner = Runner(hostile, github)
        runner.environ |= {"PIP_NO_INDEX": "1", "PYTHONPATH": str(hostile)}
        assert runner.install(wheel) == 0, runner.said
    assert not (hostile / "ran").exists()
    made = runner.temporary / "automl-plan-venv"
    assert list(made.rglob("automl_plan-1.dist-info"))
    assert (runner.temporary / "path").read_text() == f"{made / 'bin'}\n"
