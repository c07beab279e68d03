"""batchPredictionJobs.*, driven by Google's generated client."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions, retry
from google.cloud import aiplatform_v1

from tests.conftest import StartEmulator
from tests.contract.conftest import LABELS, fill_bucket
from tests.contract_vertex.conftest import PARENT, Judge, number, serving

State = aiplatform_v1.JobState
ENDED = {
    State.JOB_STATE_SUCCEEDED,
    State.JOB_STATE_PARTIALLY_SUCCEEDED,
    State.JOB_STATE_FAILED,
    State.JOB_STATE_CANCELLED,
}
PREDICTIONS, ERRORS = "predictions_00001.jsonl", "errors_00001.jsonl"
RATE = 2.222
"""US dollars per node hour."""


class _GoesOn(Exception):
    """A job has not ended yet."""


_UNTIL_IT_ENDS = retry.Retry(
    predicate=retry.if_exception_type(_GoesOn), initial=0.01, maximum=0.1, timeout=30.0
)


def instances(judge: Judge, name: str, *lines: object) -> str:
    """Write an input file into the bucket; its URI."""
    text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines)
    (judge.emulator.bucket_root / "bucket" / name).write_text(text)
    return f"gs://bucket/{name}"


def image(count: int) -> dict[str, str]:
    """The instance of an image of the bucket."""
    return {"content": f"gs://bucket/{count}.png", "mimeType": "image/png"}


def job(model: Any, source: str, name: str = "night", **fields: Any) -> dict[str, Any]:
    """A job that reads a file and writes below `gs://bucket/answers`."""
    output = {"output_uri_prefix": "gs://bucket/answers"}
    return {
        "display_name": name,
        "model": model.name,
        "input_config": {"instances_format": "jsonl", "gcs_source": {"uris": [source]}},
        "output_config": {"predictions_format": "jsonl", "gcs_destination": output},
        **fields,
    }


def begin(judge: Judge, *args: Any, **fields: Any) -> Any:
    asked = job(*args, **fields)
    return judge.jobs.create_batch_prediction_job(parent=PARENT, batch_prediction_job=asked)


def ended(judge: Judge, begun: Any) -> Any:
    def poll() -> Any:
        found = judge.jobs.get_batch_prediction_job(name=begun.name)
        if found.state not in ENDED:
            raise _GoesOn
        return found

    return _UNTIL_IT_ENDS(poll)()


def lines(judge: Judge, found: Any, name: str) -> list[Any]:
    """The lines of a file that a job wrote."""
    folder = found.output_info.gcs_output_directory.removeprefix("gs://")
    path = Path(judge.emulator.bucket_root / folder / name)
    return [json.loads(line) for line in path.read_text().splitlines()]


def bill(judge: Judge, begun: Any) -> Any:
    answer = judge.http.get(f"{judge.emulator.url}/emulator/v1/billing", timeout=30).json()
    [row] = [each for each in answer["batch_predictions"] if each["operation"] in by_id(begun)]
    return row


def by_id(begun: Any) -> tuple[str, ...]:
    """How a bill may name a job."""
    return number(begun), f"ICN{number(begun)}", f"IOD{number(begun)}"


@pytest.fixture(scope="module")
def model(judges: Callable[[float], Judge]) -> Any:
    """A model that is deployed nowhere."""
    judge = judges(1_000_000.0)
    return judge.model(judge.dataset(name="of jobs"), name="of_jobs")


def test_wildcards_name_input_files(judge: Judge, model: Any) -> None:
    """Proto: GcsSource.uris. The job reports them as they were given."""
    for count in (0, 5):
        instances(judge, f"part-{count}.jsonl", image(count))
    found = ended(judge, begin(judge, model, "gs://bucket/part-*.jsonl"))
    assert found.completion_stats.successful_count == 2
    assert list(found.input_config.gcs_source.uris) == ["gs://bucket/part-*.jsonl"]


def test_a_job_predicts_what_an_endpoint_does(judge: Judge, model: Any) -> None:
    source = instances(judge, "two.jsonl", image(0), image(5))
    begun = begin(
        judge,
        model,
        source,
        model_parameters={"confidenceThreshold": 0.0, "maxPredictions": 2},
        labels={"run": "may"},
    )
    assert "/batchPredictionJobs/" in begun.name
    assert not begun.completion_stats.successful_count
    found = ended(judge, begun)
    assert found.state == State.JOB_STATE_SUCCEEDED
    assert (found.display_name, found.model, dict(found.labels)) == (
        "night",
        model.name,
        {"run": "may"},
    )
    assert found.model_version_id == "1"
    assert list(found.input_config.gcs_source.uris) == [source]
    assert found.create_time <= found.start_time <= found.end_time <= found.update_time
    assert found.completion_stats.successful_count == 2
    assert found.completion_stats.failed_count == found.completion_stats.incomplete_count == 0
    assert not found.partial_failures
    folder = found.output_info.gcs_output_directory
    assert folder.startswith("gs://bucket/answers/prediction-of_jobs-20")
    assert not folder.endswith("/")

    written = lines(judge, found, PREDICTIONS)
    assert [each["instance"] for each in written] == [image(0), image(5)]
    endpoint = judge.endpoint()
    judge.deploy(endpoint, model)
    for each, count in zip(written, (0, 5), strict=True):
        octets = (judge.emulator.bucket_root / "bucket" / f"{count}.png").read_bytes()
        [predicted] = judge.predictions.predict(
            endpoint=endpoint.name,
            instances=[{"content": base64.b64encode(octets).decode()}],
            parameters={"confidenceThreshold": 0.0, "maxPredictions": 2},
        ).predictions
        assert each["prediction"]["displayNames"] == list(predicted["displayNames"])
        assert each["prediction"]["confidences"] == pytest.approx(list(predicted["confidences"]))
        assert each["prediction"]["ids"] == list(predicted["ids"])
        assert set(each["prediction"]["displayNames"]) < set(LABELS)


def test_images_that_fail_are_counted_and_written(judge: Judge, model: Any) -> None:
    absent = {"content": "gs://bucket/absent.png", "mimeType": "image/png"}
    elsewhere = {"content": "https://example.com/a.png", "mimeType": "image/png"}
    untyped = {"content": "gs://bucket/1.png"}
    strange = {"content": "gs://bucket/1.png", "mimeType": "text/plain"}
    bad = (absent, elsewhere, untyped, strange)
    source = instances(judge, "some.jsonl", *bad, image(1), {"mimeType": 4}, "")
    found = ended(judge, begin(judge, model, source))
    assert found.state == State.JOB_STATE_SUCCEEDED
    stats = found.completion_stats
    assert (stats.successful_count, stats.failed_count) == (1, 5)
    assert [each.code for each in found.partial_failures] == [3] * 5
    assert "absent.png" in found.partial_failures[0].message
    errors = lines(judge, found, ERRORS)
    assert [each["instance"] for each in errors] == [*bad, {}]
    assert [set(each["error"]) for each in errors] == [{"code", "message"}] * 5
    assert len(lines(judge, found, PREDICTIONS)) == 1


def test_at_most_twenty_failures_are_reported(judge: Judge, model: Any) -> None:
    absent = [{"content": f"gs://bucket/no{n}.png", "mimeType": "image/png"} for n in range(23)]
    found = ended(judge, begin(judge, model, instances(judge, "no.jsonl", *absent)))
    assert (len(found.partial_failures), found.completion_stats.failed_count) == (20, 23)
    assert len(lines(judge, found, ERRORS)) == 23
    folder = found.output_info.gcs_output_directory.removeprefix("gs://")
    assert [each.name for each in (judge.emulator.bucket_root / folder).iterdir()] == [ERRORS]


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (None, 5, "no such file"),
        ("", 3, "no image"),
        ('{"content": "gs://bucket/1.png", "mimeType": "image/png"}\nnonsense\n', 3, "Line 2"),
        ("[]\n", 3, "Line 1"),
        ("[" * 100_000 + "\n", 3, "Line 1"),
    ],
    ids=["absent", "empty", "broken", "no-object", "deep"],
)
def test_a_job_whose_input_is_no_list_of_instances_fails(
    judge: Judge, model: Any, content: str | None, code: int, text: str
) -> None:
    source = "gs://bucket/never.jsonl"
    if content is not None:
        source = "gs://bucket/bad.jsonl"
        (judge.emulator.bucket_root / "bucket/bad.jsonl").write_text(content)
    begun = begin(judge, model, source)
    found = ended(judge, begun)
    assert (found.state, found.error.code) == (State.JOB_STATE_FAILED, code)
    assert text in found.error.message
    assert not found.output_info.gcs_output_directory
    assert (bill(judge, begun)["outcome"], bill(judge, begun)["usd"]) == ("failed", 0)


def test_a_job_is_billed_for_its_replica_hours(judge: Judge, model: Any) -> None:
    begun = begin(judge, model, instances(judge, "one.jsonl", image(0)))
    found = ended(judge, begun)
    hours = found.resources_consumed.replica_hours
    row = bill(judge, begun)
    assert hours > 0
    assert row["milli_node_hours"] == pytest.approx(hours * 1000)
    assert row["usd"] == pytest.approx(hours * RATE)
    assert (row["outcome"], row["display_name"], row["model_type"]) == (
        "predicted",
        "of_jobs",
        "cloud",
    )


def test_boxes_are_predicted(judge: Judge) -> None:
    boxes = judge.model(judge.dataset("boxes", name="boxes"), "boxes", name="boxes")
    found = ended(judge, begin(judge, boxes, instances(judge, "b.jsonl", image(0), image(1))))
    for each in lines(judge, found, PREDICTIONS):
        prediction = each["prediction"]
        assert {len(box) for box in prediction["bboxes"]} <= {4}
        assert len(prediction["bboxes"]) == len(prediction["displayNames"])


@pytest.fixture(scope="module")
def slow(judges: Callable[[float], Judge]) -> tuple[Judge, Any]:
    """A service whose jobs take minutes, and a model of its own."""
    judge = judges(1.0)
    dataset = judge.dataset(name="slow")
    pipeline = judge.train(dataset, name="slow")
    advance(judge, 1_000_000)
    return judge, judge.models.get_model(name=judge.ended(pipeline).model_to_upload.name)


def advance(judge: Judge, seconds: float) -> None:
    url = f"{judge.emulator.url}/emulator/v1/clock:advance"
    assert judge.http.post(url, json={"seconds": seconds}, timeout=30).status_code == 200


def test_a_running_job_is_cancelled_and_then_deleted(slow: tuple[Judge, Any]) -> None:
    judge, model = slow
    begun = begin(judge, model, instances(judge, "slow.jsonl", image(0)), name="cancelled")
    assert begun.state == State.JOB_STATE_RUNNING
    with pytest.raises(exceptions.BadRequest, match="still running"):
        judge.jobs.delete_batch_prediction_job(name=begun.name)
    judge.jobs.cancel_batch_prediction_job(name=begun.name)
    found = ended(judge, begun)
    assert (found.state, found.error.code) == (State.JOB_STATE_CANCELLED, 1)
    row = bill(judge, begun)
    assert row["outcome"] == "cancelled"
    assert 0 <= row["milli_node_hours"] <= 101
    operation = judge.jobs.delete_batch_prediction_job(name=begun.name)
    judge.result(operation)
    assert "/us-central1/operations/" in operation.operation.name
    with pytest.raises(exceptions.NotFound):
        judge.jobs.get_batch_prediction_job(name=begun.name)


def test_the_sixth_job_waits(slow: tuple[Judge, Any]) -> None:
    judge, model = slow
    source = instances(judge, "six.jsonl", image(0))
    begun = [begin(judge, model, source, name=f"j{count}") for count in range(6)]
    states = [each.state for each in begun]
    assert (states[0], states[-1]) == (State.JOB_STATE_RUNNING, State.JOB_STATE_PENDING)
    for each in reversed(begun):
        judge.jobs.cancel_batch_prediction_job(name=each.name)
    assert {ended(judge, each).state for each in begun} == {State.JOB_STATE_CANCELLED}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", {"may", "june"}),
        ('display_name="may"', {"may"}),
        ('display_name!="may"', {"june"}),
        ('display_name:"*y"', {"may"}),
        ('NOT display_name:"m*"', {"june"}),
        ('model_display_name="slow"', {"may", "june"}),
        ('model_display_name!="slow"', set()),
        ('state="JOB_STATE_SUCCEEDED"', {"may"}),
        ("state=JOB_STATE_RUNNING OR state=JOB_STATE_QUEUED", {"june"}),
        ('state!="JOB_STATE_SUCCEEDED"', {"june"}),
        ("state=JOB_STATE_PARTIALLY_SUCCEEDED", set()),
        ('create_time>"2021-05-18T00:00:00Z"', {"may", "june"}),
        ("labels.month=may", {"may"}),
        ("labels.last:*", {"june"}),
        ('labels.month=may AND state="JOB_STATE_RUNNING"', set()),
    ],
)
def test_filters(two: tuple[Judge, dict[str, str]], asked: str, names: set[str]) -> None:
    judge, known = two
    request = {"parent": PARENT, "filter": asked}
    listed = [each.name for each in judge.jobs.list_batch_prediction_jobs(request=request)]
    assert {known[name] for name in listed if name in known} == names


@pytest.fixture(scope="module")
def two(slow: tuple[Judge, Any]) -> tuple[Judge, dict[str, str]]:
    """Two jobs: the first has succeeded, the other one runs."""
    judge, model = slow
    source = instances(judge, "two.jsonl", image(0))
    may = begin(judge, model, source, name="may", labels={"month": "may"})
    advance(judge, 10_000)
    ended(judge, may)
    june = begin(judge, model, source, name="june", labels={"month": "june", "last": ""})
    return judge, {may.name: "may", june.name: "june"}


def test_pages_and_masks(two: tuple[Judge, dict[str, str]]) -> None:
    judge, known = two
    request = {"parent": PARENT, "page_size": 1, "read_mask": "name"}
    pages = judge.jobs.list_batch_prediction_jobs(request=request).pages
    found = [page.batch_prediction_jobs for page in pages]
    assert {len(page) for page in found} == {1}
    assert set(known) <= {page[0].name for page in found}
    assert not any(page[0].display_name for page in found)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"model": f"{PARENT}/models/123"}, exceptions.NotFound),
        ({"model": ""}, exceptions.InvalidArgument),
        ({"model": "publishers/google/models/x"}, exceptions.NotFound),
        ({"display_name": ""}, exceptions.InvalidArgument),
        ({"model_parameters": {"confidenceThreshold": 2}}, exceptions.InvalidArgument),
        ({"input_config": {"instances_format": "jsonl"}}, exceptions.InvalidArgument),
        (
            {
                "input_config": {
                    "instances_format": "csv",
                    "gcs_source": {"uris": ["gs://bucket/two.csv"]},
                }
            },
            exceptions.InvalidArgument,
        ),
        (
            {
                "input_config": {
                    "instances_format": "jsonl",
                    "gcs_source": {"uris": ["two.jsonl"]},
                }
            },
            exceptions.InvalidArgument,
        ),
        ({"output_config": {"predictions_format": "jsonl"}}, exceptions.InvalidArgument),
    ],
)
def test_what_can_not_be_predicted_is_refused(
    judge: Judge, model: Any, change: dict[str, Any], refused: type[Exception]
) -> None:
    asked = job(model, "gs://bucket/two.jsonl") | change
    url = f"{PARENT}/batchPredictionJobs"
    answer = judge.post(url, _camel(asked))
    assert answer.status_code == refused.code, answer.text  # type: ignore[attr-defined]


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel_name(key): _camel(item) for key, item in value.items()}
    return value


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def test_readings(start_emulator: StartEmulator) -> None:
    """Each other value of a reading changes the answer."""
    readings = {
        "batch-file-names": "four-digits",
        "batch-failures": "partial",
        "batch-resources": "absent",
    }
    emulator = start_emulator(time_scale=1_000_000.0, readings=readings)
    fill_bucket(emulator.bucket_root)
    with serving(emulator) as judge:
        model = judge.model(judge.dataset())
        absent = {"content": "gs://bucket/absent.png", "mimeType": "image/png"}
        source = instances(judge, "some.jsonl", image(0), absent)
        begun = begin(judge, model, source)
        found = ended(judge, begun)
        assert found.state == State.JOB_STATE_PARTIALLY_SUCCEEDED
        assert not found.resources_consumed.replica_hours
        assert len(lines(judge, found, "predictions_0001.jsonl")) == 1
        assert len(lines(judge, found, "errors_0001.jsonl")) == 1
        for state, names in (("PARTIALLY_SUCCEEDED", [begun.name]), ("SUCCEEDED", [])):
            request = {"parent": PARENT, "filter": f"state=JOB_STATE_{state}"}
            listed = judge.jobs.list_batch_prediction_jobs(request=request)
            assert [each.name for each in listed] == names
