"""Data of version 0.1, which copied from AutoML to Vertex AI: the copies stay."""

import sqlite3
from contextlib import closing

from tests.conftest import StartEmulator
from tests.emulator.test_process import call

OF_0_1 = """
ALTER TABLE operations DROP COLUMN counts;
ALTER TABLE operations DROP COLUMN files;
CREATE TABLE migrations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, source_id INTEGER NOT NULL,
  target_id INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX migrations_source ON migrations (kind, source_id);
INSERT INTO migrations VALUES (1, 'dataset', 26, 31, 1796066347604190);
INSERT INTO operations VALUES (NULL, 46, 'vertex', 'p', 'us-central1', '', 'migrate',
  '{"wishes": [["dataset", 26, "image_classification", "copy", 31]]}', 1796066347603372,
  1796066347604916, NULL, 1, 0, 0, NULL, NULL, NULL, NULL, '[""]', '[]', NULL, 0);
INSERT INTO operations VALUES (NULL, 47, 'vertex', 'p', 'us-central1', '', 'migrate',
  '{"wishes": [["dataset", 26, "image_classification", "again", 32]]}', 1796066347603372,
  1796066347604916, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, '', '[]', NULL, 0);
INSERT INTO works_on VALUES (46, 'dataset', 26), (47, 'dataset', 26);
"""
"""A migration that ended and one that was running, beside the tables of that version."""
HOME = "vertex/v1/projects/p/locations/us-central1"


def test_what_was_migrated_is_served(start_emulator: StartEmulator) -> None:
    first = start_emulator()
    images = "gs://google-cloud-aiplatform/schema/dataset/metadata/image_1.0.0.yaml"
    body = {"displayName": "copy", "metadataSchemaUri": images}
    made = call(first, "POST", f"{HOME}/datasets", body)
    call(first, "POST", f"vertex/v1/{made['name']}:wait", {"timeout": "60s"})
    first.stop()
    with closing(sqlite3.connect(first.data_dir / "emulator.sqlite3")) as db:
        db.executescript(OF_0_1)
    for _ in range(2):
        again = start_emulator(data_dir=first.data_dir)
        found = call(again, "GET", f"{HOME}/datasets")
        assert [each["displayName"] for each in found["datasets"]] == ["copy"]
        listed = call(again, "GET", f"{HOME}/operations")
        assert [each["name"] for each in listed["operations"]] == [made["name"]]
        again.stop()
