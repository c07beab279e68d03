"""An upgrade from version 0.1 trains, imports and deletes nothing, and goes on where it ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl_plan import __version__
from automl_plan.errors import StateUnreadable
from automl_plan.state.document import decode, encode
from automl_plan.state.store import StateStore
from automl_plan.workspace.plan_document import FORMAT_VERSION
from tests.notifications.receiving import Receiving
from tests.upgrade.conftest import Written

Writes = Callable[[str], Written]


def test_nothing_is_planned_and_the_models_predict_as_before(written: Writes) -> None:
    settled = written("settled")
    before = settled.state_file().read_bytes()
    plan = settled.json("plan", "--detailed-exitcode", code=0)
    assert [plan[key] for key in ("changes", "drift", "found", "notes", "refused")] == [[]] * 5
    settled("drift")
    predictions = settled.service().predictions(settled.directory / "data" / "asked")
    expected = settled.recorded["predictions"]
    assert len(expected) == 2, "a declared and an adopted model serve"
    assert predictions.keys() == expected.keys()
    for model, images in expected.items():
        for image, scores in images.items():
            assert predictions[model][image] == pytest.approx(scores, abs=1e-6)
    settled("apply", "--auto-approve")
    settled.check_untouched()
    assert settled.state_file().read_bytes() == before, "nothing was recorded"


def test_a_state_that_is_written_by_this_version_plans_nothing_either(written: Writes) -> None:
    settled = written("settled")
    describe = ("--var", "description=shapes")
    waiting = json.loads(settled.state_file().read_bytes())["outbox"]
    assert {notice["kind"] for notice in waiting.values()} == {"gate-rejected", "drift"}
    receiver = Receiving()
    try:
        extra = {"OPS_HOOK": receiver.url}
        done = settled.run("apply", "--auto-approve", *describe, extra=extra)
        assert done.returncode == 0, done.stderr
    finally:
        receiver.close()
    assert json.loads(settled.state_file().read_bytes())["format_version"] == 2
    assert json.loads(settled("plan", "--detailed-exitcode", "--json", *describe))["changes"] == []
    settled.check_untouched()

    # The messages of version 0.1 arrive, with the fields that it sent.
    received = {document["id"]: document for document in receiver.documents}
    assert received.keys() == waiting.keys()
    for key, notice in waiting.items():
        sent = received[key]
        assert sent["format_version"] == "1.0"
        assert sent["event"] == notice["kind"]
        kept = {name: notice[name] for name in ("address", "action", "object_id", "text", "when")}
        assert sent.items() >= {**kept, **notice.get("details", {})}.items()


def test_the_present_default_of_the_trainer_retrains_nothing(written: Writes) -> None:
    settled = written("settled")
    configuration = settled.directory / "automl-plan.yaml"
    text = configuration.read_text(encoding="utf-8")
    assert "trainer: sklearn" in text
    configuration.write_text(text.replace(", trainer: sklearn", ""), encoding="utf-8")
    assert settled.json("plan", "--detailed-exitcode", code=0)["changes"] == []
    assert settled.json("emulator", "status", code=0)["trainer"] == "auto"
    predictions = settled.service().predictions(settled.directory / "data" / "asked")
    for model, images in settled.recorded["predictions"].items():
        for image, scores in images.items():
            assert predictions[model][image] == pytest.approx(scores, abs=1e-6)
    settled.check_untouched()


def test_what_a_killed_run_left_is_found_and_recorded(written: Writes) -> None:
    killed = written("killed")
    begun = killed.recorded["billing"]["trainings"]
    assert [charge["outcome"] for charge in begun] == ["running", "running"]
    configuration = killed.directory / "automl-plan.yaml"
    slow = configuration.read_text(encoding="utf-8")
    configuration.write_text(slow.replace("time_scale: 0.01", "time_scale: 36000"), "utf-8")

    plan = killed.json("plan")
    actions = [change["action"] for change in plan["changes"]]
    resumed = [c["address"] for c in plan["changes"] if c["action"] == "resume"]
    found = {finding["address"]: finding["verdict"] for finding in plan["found"]}
    assert {*resumed, *found} == {"model.first", "model.second"}
    assert [*found.values()] == ["arrived"], "of one the answer was never seen"
    assert not {*actions} & {"train", "retrain", "create", "import-data", "delete"}
    killed("wait", "--auto-approve")
    killed("apply", "--auto-approve")
    assert killed.trainings() == {charge["operation"]: "trained" for charge in begun}

    plan = killed.json("plan", "--detailed-exitcode", code=0)
    assert plan["changes"] == []
    state = StateStore(killed.state_file()).read()
    made = {str(a): r.current.id for a, r in state.resources.items() if r.current is not None}
    service = killed.service().objects()
    assert made["dataset.shapes"] in service["datasets"]
    assert sorted([made["model.first"], made["model.second"]]) == service["models"]
    assert not any(resource.operations for resource in state.resources.values())
    assert not killed.state_file().with_name("default.json.journal").exists()


SAVED = {
    "retrains.json": ("--var", "budget=11000"),
    "describes.json": ("--var", "description=shapes"),
    "refused.json": ("--var", "budget=11000", "--var", "most=1"),
}
"""The plans that version 0.1 saved, and the variables that they were made with."""


def test_a_saved_plan_is_shown_or_made_again_and_never_applied(written: Writes) -> None:
    settled = written("settled")
    for name, variables in SAVED.items():
        shown = settled.run("show", name)
        assert "Traceback" not in shown.stderr
        assert shown.returncode == 0 or "automl-plan plan --out" in shown.stderr
        assert "automl-plan plan --out" in settled.failure("apply", name, *variables)
    for name in disguised(settled.directory / "retrains.json"):
        settled.failure("apply", name, *SAVED["retrains.json"])
    settled("plan", "--detailed-exitcode")
    settled.check_untouched()


def disguised(plan: Path) -> list[str]:
    """Copies of a plan file that claim to be of the present version, with a digest that fits."""
    document = json.loads(plan.read_bytes())
    claims: list[dict[str, Any]] = [
        {"tool_version": __version__},
        {"format_version": FORMAT_VERSION},
        {"tool_version": __version__, "format_version": FORMAT_VERSION},
    ]
    names = []
    for number, claim in enumerate(claims):
        content = {k: v for k, v in {**document, **claim}.items() if k != "digest"}
        digest = "sha256:" + hashlib.sha256(encoded(content)).hexdigest()
        copy = plan.with_name(f"{number}-{plan.name}")
        copy.write_bytes(encoded({**content, "digest": digest}))
        names.append(copy.name)
    return names


def encoded(document: dict[str, Any]) -> bytes:
    """The canonical bytes of a plan file."""
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)
    return (text + "\n").encode()


@pytest.mark.parametrize("name", ["settled", "killed"])
def test_only_a_state_of_a_known_format_with_known_fields_is_read(
    unpacked: Path, api: str, name: str
) -> None:
    data = (unpacked / api / name / "state" / "default.json").read_bytes()
    document = json.loads(data)
    assert document["format_version"] == 1
    state = decode(data, where="x")
    assert json.loads(encode(state)) == {**document, "format_version": 2}
    for change, message in (
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"format_version": 3}, "format 3"),
    ):
        with pytest.raises(StateUnreadable, match=message) as caught:
            decode(json.dumps({**document, **change}).encode(), where="x")
        newer = "format_version" in change
        assert ("Upgrade automl-plan" in (caught.value.hint or "")) is newer
