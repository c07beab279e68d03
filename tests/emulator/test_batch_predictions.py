"""Batch predictions of the real trainer, and what a crash does to one."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import RunningEmulator, StartEmulator
from tests.emulator.test_clock import advance
from tests.emulator.test_process import call, dataset, train, wait

HOUR = 3600.0


def written(emulator: RunningEmulator, name: str) -> list[Any]:
    """The lines of the only file of that name below the answers."""
    [path] = Path(emulator.bucket_root / "b/answers").glob(f"prediction-m-*/{name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_killed_one_is_predicted_after_the_next_start(start_emulator: StartEmulator) -> None:
    first = start_emulator(trainer="sklearn", time_scale=1.0)
    model = wait(first, train(first, dataset(first)))["response"]["name"]
    bucket = first.bucket_root / "b"
    bucket.mkdir()
    for number in (0, 1):
        (bucket / f"{number}.png").write_bytes((first.files_root / f"{number}.png").read_bytes())
    (bucket / "list.csv").write_text("gs://b/0.png\ngs://b/1.png\ngs://b/list.csv\n")
    body = {
        "inputConfig": {"gcsSource": {"inputUris": ["gs://b/list.csv"]}},
        "outputConfig": {"gcsDestination": {"outputUriPrefix": "gs://b/answers"}},
        "params": {"score_threshold": "0.5"},
    }
    operation = call(first, "POST", f"v1/{model}:batchPredict", body)
    assert "done" not in operation
    first.kill()

    again = start_emulator(trainer="sklearn", time_scale=1.0, data_dir=first.data_dir)
    advance(again, HOUR)
    done = wait(again, operation)
    assert done["response"]["@type"].endswith(".BatchPredictResult")
    assert "metadata" not in done["response"], "this one is not simulated"
    [failure] = done["metadata"]["partialFailures"]
    assert "list.csv" in failure["message"]
    folder = done["metadata"]["batchPredictDetails"]["outputInfo"]["gcsOutputDirectory"]
    assert folder.startswith("gs://b/answers/prediction-m-")
    found = written(again, "image_classification_1.jsonl")
    assert [line["ID"] for line in found] == ["gs://b/0.png", "gs://b/1.png"]
    labels = [[each["displayName"] for each in line["annotations"]] for line in found]
    assert labels == [["dark"], ["light"]]
    [failed] = written(again, "errors_1.jsonl")
    assert (failed["ID"], set(failed["error"])) == ("gs://b/list.csv", {"code", "message"})
    [row] = call(again, "GET", "emulator/v1/billing")["batch_predictions"]
    assert (row["outcome"], row["usd"]) == ("predicted", 0.2222)
