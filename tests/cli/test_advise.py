"""`datasets advise`, and what plans say of their data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import CommandLine, ProjectLine
from tests.output.schema import is_valid

HOSTILE = "<b>\x1b[31m|x"
ROWS = [
    *(f"TRAIN,gs://b/{n}.jpg,{'cat' if n % 3 else 'dog'}" for n in range(60)),
    *(f"TEST,gs://b/{n}.jpg,cat" for n in range(60, 66)),
    "TRAIN,gs://b/66.jpg",
]
TEXT = """\
a.csv: adequate
  no example in VALIDATION (set-empty)
  1 label without an example in TEST: dog (label-not-in-test)
  2 labels have fewer than 100 images, the fewest: dog, 20 (label-under-100)
  1 image without a label: not used for training (unlabelled-rows)
  Most helpful change: assign about 10% of the images to VALIDATION, or leave all UNASSIGNED

LABEL                                            IMAGES  TRAIN  VALIDATION  TEST  UNASSIGNED
dog    █████████████████▍                        20      20     0           0     0
cat    ████████████████████████████████████████  46      40     0           6     0
"""


def write(cli: CommandLine, rows: list[str]) -> None:
    (cli.directory / "a.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_a_file_before_it_is_imported(cli: CommandLine) -> None:
    write(cli, ROWS)
    assert cli("datasets", "advise", "a.csv") == TEXT
    document = cli.json("datasets", "advise", "a.csv")
    assert is_valid("datasets-advise", document)
    assert [each["label"] for each in document["datasets"][0]["labels"]] == ["dog", "cat"]


def test_no_label_can_paint_the_terminal(cli: CommandLine) -> None:
    write(cli, [f"TRAIN,gs://b/{n}.jpg,cat" for n in range(20)] + [f"TRAIN,gs://b/x.jpg,{HOSTILE}"])
    told = cli("datasets", "advise", "a.csv", "--kind", "multiclass")
    assert "\x1b" not in told
    plain = cli.run("datasets", "advise", "a.csv", extra={"PYTHONIOENCODING": "ascii"})
    assert "####" in plain.stdout
    assert "█" not in plain.stdout


def test_what_is_not_checked_is_named_with_its_number(cli: CommandLine) -> None:
    """As the lint names it, whether the rules are softened or not."""
    write(cli, [*ROWS, "TRAIN,gs://b/x.pdf,cat", "TRAIN,,cat", "TRAIN;gs://b/y.png;dog"])
    told = cli("datasets", "advise", "a.csv", "--kind", "multiclass")
    assert "3 rows not counted" in told
    said = "images, labels and sets of 2 rows with errors; 1 row that can't be read"
    assert f"  Not checked: {said}\n" in told
    document = cli.json("datasets", "advise", "a.csv", "--kind", "multiclass")
    assert is_valid("datasets-advise", document)
    assert "; ".join(document["datasets"][0]["unchecked"]) == said


def test_a_dataset_that_lives_with_the_model_of_it(project: ProjectLine) -> None:
    before = project("datasets", "advise", "digits")
    assert before.startswith("dataset.digits: not adequate\n")
    assert "live" not in before
    project("apply", "--auto-approve")
    after = project("datasets", "advise", "digits")
    assert "The service has 16 images, as do the sources; " in after
    assert "; each label that a model was trained with has as many images\n" in after
    assert "RECALL" in after
    assert "(recall and auPRC of model.digits version 1, simulated)" in after
    assert is_valid("datasets-advise", project.json("datasets", "advise", "digits"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "No dataset nothing is declared."),
        (("digits", "--kind", "detection"), "--kind is for a file"),
        (("there-is-no.csv",), "can't be read"),
    ],
)
def test_what_is_asked_wrongly(project: ProjectLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in project.failure("datasets", "advise", *arguments)


def test_a_plan_of_inadequate_data_is_refused_by_policy(project: ProjectLine) -> None:
    policy = project.directory / "policy.automl.yaml"
    policy.write_text("policy:\n  require_adequate_data: true\n", encoding="utf-8")
    done = project.run("plan")
    assert done.returncode == 3
    assert "dataset.digits: its data is not adequate: 2 labels have fewer than 10" in done.stdout
    assert (
        "add 2 images of label cat (8 of 10) (policy require_adequate_data, policy.automl.yaml:2)"
        in (" ".join(done.stdout.split()))
    )
    assert project.run("apply", "--auto-approve").returncode == 3
    assert not (project.directory / "state.json").exists()
    policy.write_text(
        "policy:\n  require_adequate_data: true\n  warn: [require_adequate_data]\n",
        encoding="utf-8",
    )
    assert "(policy require_adequate_data, policy.automl.yaml:2)" in project("plan")


def test_plan_advice_and_lint_count_the_same_images(project: ProjectLine) -> None:
    """Twelve images and ten copies of them under other names."""
    policy = project.directory / "policy.automl.yaml"
    policy.write_text("policy:\n  require_adequate_data: true\n", encoding="utf-8")
    lines = [f"UNASSIGNED,i{n}.png,{'cat' if n % 2 else 'dog'}" for n in range(12)]
    lines += [f"UNASSIGNED,copy{n}.png,{'cat' if n % 2 else 'dog'}" for n in range(10)]
    image = next(project.directory.rglob("*.png")).read_bytes()
    for n in range(12):
        (project.directory / f"i{n}.png").write_bytes(image + b"%d" % n)
        (project.directory / f"copy{n}.png").write_bytes(image + b"%d" % n)
    (project.directory / "d.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = project("datasets", "advise", "digits")
    assert told.startswith("dataset.digits: not adequate\n")
    assert "12 images UNASSIGNED" in told
    change = "add 4 images of label cat (6 of 10)"
    assert f"Most helpful change: {change}\n" in told
    planned = project("plan", code=3)
    assert "2 labels have fewer than 10 images, the fewest: cat, 6" in " ".join(planned.split())
    assert change in planned
    linted = project("datasets", "lint", code=1)
    assert "22 rows, 12 images" in linted
    assert "the label cat has 6 examples" in linted


def test_every_form_of_a_plan_tells_of_its_data(project: ProjectLine, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    told = project("plan", "--out", str(plan))
    line = "dataset.digits: its data is not adequate: add 2 images of label cat (8 of 10)"
    assert f"\nData:\n  {line}\n" in told
    document = json.loads(plan.read_text(encoding="utf-8"))
    assert document["adequacy"]["dataset.digits"]["verdict"] == "not adequate"
    assert document["data_findings"]["dataset.digits"]["errors"] == 2
    comment = project("show", str(plan), "--format", "markdown")
    assert "**Data**\n\n- dataset.digits" in comment
    page = project("show", str(plan), "--format", "html")
    assert "<h2>Data</h2>" in page
    assert "<td>cat</td>" in page


def test_data_that_would_not_be_taken_refuses_the_plan(
    project: ProjectLine, tmp_path: Path
) -> None:
    rows = (project.directory / "d.csv").read_text(encoding="utf-8").splitlines()
    rows[4] = rows[4].replace(",cat", ",=cat")
    rows[9] = rows[9].replace(",dog", ",<img src=x>\x7f")
    (project.directory / "d.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    plan = tmp_path / "plan.json"
    done = project.run("plan", "--out", str(plan))
    assert done.returncode == 3
    assert "d.csv:5: error[label-injection]" in done.stdout
    assert "d.csv:10: error[label-syntax]" in done.stdout
    assert "`automl-plan datasets lint digits` lists all findings" in done.stdout
    assert project.run("apply", "--auto-approve").returncode == 3
    assert project.run("apply", str(plan)).returncode == 3
    page = project("show", str(plan), "--format", "html")
    assert "<img" not in page
    assert "file=d.csv,line=5" in project("plan", "--format", "github", code=3)
    assert "error[" not in project("plan", "--no-lint")
