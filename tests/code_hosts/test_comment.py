"""`comment --github`: one comment, of the newest run, whatever happens on the way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from automl_plan.output.code_hosts.comments import Origin, marker, read_marker
from automl_plan.workspace.plan_file import write_plan
from tests.cli import forks
from tests.cli.command import COMMAND, PATIENCE, environment
from tests.code_hosts.fake_github import APP, TOKEN, FakeGitHub, Trouble
from tests.output import scenes
from tests.output.schema import is_valid

NOW, BEFORE, LATER = "2020-11-23T12:00:00Z", "2020-11-23T11:00:00Z", "2020-11-23T13:00:00Z"
STRANGER = {"login": "mallory", "type": "User"}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return saved(tmp_path, NOW)


def saved(directory: Path, made: str) -> Path:
    path = directory / f"{made[11:13]}.json"
    write_plan(replace(scenes.replace_dataset(), made=made, commit="0" * 40), path)
    return path


def command(github: FakeGitHub, plan: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    told = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "team/models",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_TOKEN": TOKEN,
    }
    return ["comment", str(plan), "--github", *more], environment(told)


def run(
    github: FakeGitHub, plan: Path, *more: str, code: int = 0, **extra: str
) -> subprocess.CompletedProcess[str]:
    arguments, environ = command(github, plan, *more)
    done = forks.run(tuple(arguments), plan.parent, {**environ, **extra}, PATIENCE)
    assert done.returncode == code, done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def say(github: FakeGitHub, plan: Path, *more: str) -> str:
    document = json.loads(run(github, plan, "--json", *more).stdout)
    assert is_valid("comment", document)
    return str(document["action"])


def made(body: str) -> str | None:
    origin = read_marker(body.partition("\n")[0])
    return None if origin is None else origin.made


def written(when: str | None, key: str = "automl-plan", text: str = "former") -> str:
    return f"{marker(Origin(key, 'abc', when))}\n\n{text}"


def test_the_first_run_makes_it_and_the_next_keeps_it(github: FakeGitHub, plan: Path) -> None:
    done = run(github, plan)
    assert "https://github.example/team/models/pull/7#issuecomment-1000" in done.stdout
    assert say(github, plan) == "unchanged"
    (body,) = github.bodies()
    assert "### automl-plan: 1 deletion, 1 retraining" in body
    assert made(body) == NOW


def test_a_newer_run_writes_over_an_older_one(github: FakeGitHub, plan: Path) -> None:
    github.add("hello", STRANGER)
    github.add(written(BEFORE))
    assert say(github, plan) == "updated"
    assert [made(body) for body in github.bodies()] == [None, NOW]


def test_an_older_run_leaves_what_a_newer_one_wrote(github: FakeGitHub, plan: Path) -> None:
    github.add(written(LATER))
    assert say(github, plan) == "left"
    assert [made(body) for body in github.bodies()] == [LATER]


def test_what_says_that_it_comes_from_the_future_is_not_believed(
    github: FakeGitHub, plan: Path
) -> None:
    github.add(written("9999-01-01T00:00:00Z"))
    assert say(github, plan) == "updated"


def test_a_marker_by_somebody_else_is_nobody_s(github: FakeGitHub, plan: Path) -> None:
    github.add(written("2020-11-23T12:30:00Z"), STRANGER)
    assert say(github, plan) == "created"
    assert [made(body) for body in github.bodies()] == ["2020-11-23T12:30:00Z", NOW]


def test_a_comment_of_another_app_that_may_not_be_changed(github: FakeGitHub, plan: Path) -> None:
    github.add(written(BEFORE), {"login": "other[bot]", "type": "Bot"})
    assert say(github, plan) == "created"
    assert [made(body) for body in github.bodies()] == [BEFORE, NOW]


def test_a_person_s_token(github: FakeGitHub, plan: Path) -> None:
    github.user = {"login": "ada", "type": "User"}
    github.add(written(BEFORE), APP)
    assert say(github, plan) == "created"
    assert say(github, plan) == "unchanged"
    assert len(github.comments) == 2


def test_every_key_has_its_own(github: FakeGitHub, plan: Path) -> None:
    github.add(written(LATER, key="staging"))
    assert say(github, plan, "--key", "prod (eu)") == "created"
    assert say(github, plan, "--key", "prod (eu)") == "unchanged"
    assert len(github.comments) == 2


def test_it_is_found_on_the_third_page(github: FakeGitHub, plan: Path) -> None:
    for number in range(250):
        github.add(f"comment {number}", STRANGER)
    github.add(written(BEFORE))
    assert say(github, plan) == "updated"
    assert len(github.comments) == 251


def test_too_many_are_made_one(github: FakeGitHub, plan: Path) -> None:
    first = github.add(written(None))
    github.add(written(BEFORE))
    github.add(written(LATER, text="the newest"))
    assert say(github, plan) == "left"
    assert [c["id"] for c in github.comments] == [first["id"]]
    assert github.bodies() == [written(LATER, text="the newest")]


@pytest.mark.parametrize("acts", [True, False])
def test_a_lost_answer_makes_no_second_comment(github: FakeGitHub, plan: Path, acts: bool) -> None:
    github.troubles.append(Trouble("POST", acts=acts))
    assert say(github, plan) == "created"
    assert [made(body) for body in github.bodies()] == [NOW]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [0, 502, 429])
def test_what_passes_is_tried_again(
    github: FakeGitHub, plan: Path, method: str, status: int
) -> None:
    github.add(written(BEFORE))
    github.add(written(BEFORE))
    github.troubles.append(Trouble(method, status, headers={"Retry-After": "0"}))
    assert say(github, plan) == "updated"
    assert [made(body) for body in github.bodies()] == [NOW]


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1_0", "soon", "9" * 400])
def test_a_time_to_wait_that_is_none(github: FakeGitHub, plan: Path, seconds: str) -> None:
    github.add(written(BEFORE))
    github.troubles.append(Trouble("PATCH", 429, headers={"Retry-After": seconds}))
    assert say(github, plan) == "updated"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Trouble("POST", 403, 9, message="Not by integration"), "pull-requests: write"),
        (Trouble("POST", 422, 9, message="Validation Failed"), "locked, or the comment too long"),
        (Trouble("POST", 410, 9), "Comments are disabled"),
        (Trouble("GET", 404, 9), "no such pull request"),
        (Trouble("GET", 403, 99, headers={"Retry-After": "3600"}), "GitHub responded with 403"),
        (Trouble("GET", 301, 9), "may have moved"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told(
    github: FakeGitHub, plan: Path, trouble: Trouble, told: str
) -> None:
    github.user = {"login": "ada", "type": "User"}
    if trouble.method == "GET":
        github.troubles.append(Trouble("GET", 404))  # the first asks who it is
    github.troubles.append(trouble)
    assert told in run(github, plan, code=1).stderr
    assert github.comments == []


def test_a_netrc_does_not_take_the_token_s_place(
    github: FakeGitHub, plan: Path, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    assert "Posted the comment" in run(github, plan, HOME=str(tmp_path)).stdout


def test_a_token_that_is_wrong(github: FakeGitHub, plan: Path) -> None:
    assert "is invalid" in run(github, plan, code=1, GITHUB_TOKEN="ghs_other").stderr


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
        ({"GITHUB_REF": "refs/heads/main"}, "not a workflow of a pull request"),
        ({"GITHUB_REPOSITORY": "../.."}, "is not a repository"),
        ({"GITHUB_API_URL": "http://github.example"}, "only sent over https"),
        ({"GITHUB_EVENT_PATH": "/nowhere"}, "can't be read"),
    ],
)
def test_what_is_not_told(github: FakeGitHub, plan: Path, extra: dict[str, str], told: str) -> None:
    assert told in run(github, plan, code=1, **extra).stderr
    assert github.calls == []


def test_the_event_tells_the_number_and_the_commit(
    github: FakeGitHub, plan: Path, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": "ab" * 20}}}))
    run(github, plan, GITHUB_REF="refs/heads/x", GITHUB_EVENT_PATH=str(event))
    (body,) = github.bodies()
    origin = read_marker(body.partition("\n")[0])
    assert origin is not None
    assert origin.commit == "ab" * 20


@pytest.mark.parametrize("there_before", [True, False])
def test_runs_at_the_same_time_end_with_one_comment_of_the_newest(
    github: FakeGitHub, tmp_path: Path, there_before: bool
) -> None:
    if there_before:
        github.add(written("2020-11-23T09:00:00Z"))
    plans = [saved(tmp_path, when) for when in (BEFORE, NOW, LATER)]
    processes = []
    for plan in plans:
        arguments, environ = command(github, plan)
        processes.append(
            subprocess.Popen(
                [*COMMAND, *arguments],
                env=environ,
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert [made(body) for body in github.bodies()] == [LATER]
