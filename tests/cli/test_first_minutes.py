"""The first five minutes: each command in turn, and the next step that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from automl_plan.providers.local import process
from tests.cli.command import CommandLine
from tests.project import png

STEP = (
    r"dataset\.images has no images yet.* \(automl-plan\.yaml:\d+\), then run `automl-plan plan`\."
)
READING = (
    "validate",
    "models list",
    "datasets list",
    "state list",
    "operations list",
    "models calendar",
    "drift",
    "cost",
    "show",
    "wait",
)


@pytest.fixture(autouse=True)
def _no_service_is_left(cli: CommandLine) -> Iterator[None]:
    yield
    process.stop(cli.directory / ".automl-plan" / "emulator")


@pytest.fixture
def begun(cli: CommandLine) -> CommandLine:
    """What `init` wrote, with trainings that are over at once."""
    told = cli("init")
    assert "write data/images.csv" in told
    assert "uncomment `sources:` in automl-plan.yaml" in told
    assert "run `automl-plan plan`" in told
    file = cli.directory / "automl-plan.yaml"
    simulated = "local: {trainer: simulated, time_scale: 36000000}"
    file.write_text(file.read_text().replace("local: {}", simulated))
    return cli


def write_data(cli: CommandLine, example: str) -> None:
    """A file of images in the form of a row that was shown."""
    use, path, label = example.split(",")
    folder = path.partition("/")[0]
    (cli.directory / folder).mkdir()
    rows = []
    for each in (label, "dog"):
        for number in range(12):
            name = f"{folder}/{each}{number}.png"
            (cli.directory / name).write_bytes(png(name))
            rows.append(f"{use if number < 10 else 'TEST'},{name},{each}\n")
    (cli.directory / "data" / "images.csv").write_text("".join(rows))


def test_the_next_step_is_named_until_there_is_data(begun: CommandLine) -> None:
    for command in READING:
        done = begun.run(*command.split())
        assert done.returncode == 0, command
        assert re.fullmatch(f"Next: {STEP}\n", done.stderr), command
        assert begun.run(*command.split(), "--json").stderr == "", command
    for command in ("models show images", "models versions images", "datasets lint"):
        failed = begun.run(*command.split())
        assert failed.returncode == 1, command
        assert re.search(f"^Error: .*^Next: {STEP}$", failed.stderr, re.DOTALL | re.MULTILINE)
    line = next(
        number
        for number, text in enumerate(
            (begun.directory / "automl-plan.yaml").read_text().splitlines(), 1
        )
        if text == "  images:"
    )
    for arguments in (("plan",), ("apply", "--auto-approve")):
        refused = begun.run(*arguments)
        assert refused.returncode == 3
        assert "no sources and no images" in refused.stdout
        assert f"`sources: [data/images.csv]` (automl-plan.yaml:{line})" in refused.stdout
    assert begun("datasets", "list") == "No datasets.\n"


def test_what_the_comments_say_is_enough(begun: CommandLine) -> None:
    file = begun.directory / "automl-plan.yaml"
    text = file.read_text()
    (example,) = re.findall(r"such as (\S+)$", text, re.MULTILINE)
    write_data(begun, example)
    assert "# sources: [data/images.csv]" in text
    file.write_text(text.replace("# sources:", "sources:"))
    assert begun.run("validate").stderr == ""
    plan = begun("plan")
    assert "1 dataset to create, 1 dataset to import data into, 1 model to train." in plan
    assert "Apply complete" in begun("apply", "--auto-approve")
    assert begun("plan").startswith("No changes.")
    for command in READING:
        assert "Next:" not in begun.run(*command.split()).stderr


def test_a_dataset_by_itself_is_named_too(cli: CommandLine) -> None:
    kind = "image_classification: {classification_type: MULTICLASS}"
    (cli.directory / "automl-plan.yaml").write_text(
        f"provider: {{local: {{trainer: simulated}}}}\ndatasets:\n  shop: {{{kind}}}\n"
    )
    told = cli.run("plan")
    assert told.returncode == 0
    note = "Sources: dataset.shop\n    no sources and no images: list"
    assert note in told.stdout
    assert "Next: dataset.shop has no images yet." in told.stderr
    assert "`sources: [data/shop.csv]` (automl-plan.yaml:3)" in told.stderr
    (noted,) = cli.json("plan")["notes"]
    assert (noted["address"], noted["kind"]) == ("dataset.shop", "sources")
    cli("apply", "--auto-approve")
    again = cli("plan")
    assert "No changes." in again
    assert again.startswith(note)


def test_a_dataset_that_is_adopted_needs_no_sources(cli: CommandLine) -> None:
    kind = "image_classification: {classification_type: MULTICLASS}"
    (cli.directory / "automl-plan.yaml").write_text(
        "provider: {local: {trainer: simulated}}\n"
        f"datasets:\n  shop: {{{kind}}}\nimports:\n  - {{to: dataset.shop, id: ICN1}}\n"
    )
    assert cli.run("validate").stderr == ""
