"""The SQLite database with all data of the service: its schema, upgrades and transactions."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from automl_plan.emulator.errors import StartError

SCHEMA_VERSION = 3

_SCHEMA = """
CREATE TABLE ids (id INTEGER PRIMARY KEY);
CREATE TABLE clock (ahead INTEGER NOT NULL);
INSERT INTO clock VALUES (0);
CREATE TABLE datasets (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  api TEXT NOT NULL, project TEXT NOT NULL, location TEXT NOT NULL,
  problem TEXT NOT NULL, multilabel INTEGER NOT NULL,
  display_name TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL,
  version INTEGER NOT NULL, created INTEGER NOT NULL, example_count INTEGER NOT NULL);
CREATE INDEX datasets_scope ON datasets (api, project, location, seq);
CREATE TABLE annotation_specs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  label TEXT NOT NULL, example_count INTEGER NOT NULL, UNIQUE (dataset_id, label));
CREATE TABLE examples (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  content TEXT NOT NULL, uri TEXT NOT NULL, path TEXT NOT NULL, ml_use TEXT NOT NULL,
  labels TEXT NOT NULL, boxes TEXT NOT NULL, UNIQUE (dataset_id, content));
CREATE TABLE models (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  api TEXT NOT NULL, project TEXT NOT NULL, location TEXT NOT NULL, dataset_id INTEGER NOT NULL,
  problem TEXT NOT NULL, multilabel INTEGER NOT NULL, model_type TEXT NOT NULL,
  budget INTEGER NOT NULL, base_model_id INTEGER, display_name TEXT NOT NULL, labels TEXT NOT NULL,
  version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  cost INTEGER NOT NULL, stop_reason TEXT NOT NULL, node_qps REAL NOT NULL,
  deployed INTEGER NOT NULL, node_count INTEGER NOT NULL, trainer TEXT NOT NULL,
  specs TEXT NOT NULL);
CREATE INDEX models_scope ON models (api, project, location, seq);
CREATE INDEX models_dataset ON models (dataset_id);
CREATE TABLE artefacts (
  model_id INTEGER PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE, content BLOB NOT NULL);
CREATE TABLE evaluations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  api TEXT NOT NULL, project TEXT NOT NULL, location TEXT NOT NULL,
  annotation_spec_id INTEGER, created INTEGER NOT NULL, evaluation TEXT NOT NULL);
CREATE INDEX evaluations_model ON evaluations (model_id, seq);
CREATE TABLE operations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  api TEXT NOT NULL, project TEXT NOT NULL, location TEXT NOT NULL,
  problem TEXT NOT NULL, kind TEXT NOT NULL,
  spec TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, started INTEGER,
  done INTEGER NOT NULL, cancel_requested INTEGER NOT NULL, forgotten INTEGER NOT NULL,
  error_code INTEGER, error_message TEXT, result_kind TEXT, result_id INTEGER,
  output TEXT NOT NULL, failures TEXT NOT NULL, fails_with INTEGER, stubborn INTEGER NOT NULL);
CREATE INDEX operations_scope ON operations (api, project, location, seq);
CREATE INDEX operations_done ON operations (api, project, location, done, seq);
CREATE INDEX operations_running ON operations (done, seq) WHERE done = 0;
CREATE TABLE works_on (
  operation_id INTEGER NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  kind TEXT NOT NULL, object_id INTEGER NOT NULL,
  PRIMARY KEY (kind, object_id, operation_id)) WITHOUT ROWID;
CREATE INDEX works_on_operation ON works_on (operation_id);
CREATE TABLE charges (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, project TEXT NOT NULL,
  operation_id INTEGER NOT NULL, model_id INTEGER NOT NULL,  -- which may be deleted by now
  problem TEXT NOT NULL, model_type TEXT NOT NULL, display_name TEXT NOT NULL, labels TEXT NOT NULL,
  nodes INTEGER NOT NULL, began INTEGER, ended INTEGER, outcome TEXT NOT NULL,
  milli_node_hours INTEGER NOT NULL);
CREATE INDEX charges_operation ON charges (operation_id);
CREATE INDEX charges_model ON charges (model_id);
"""

_VERTEX_SCHEMA = """
CREATE TABLE endpoints (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL UNIQUE, id TEXT NOT NULL,
  api TEXT NOT NULL, project TEXT NOT NULL, location TEXT NOT NULL,
  display_name TEXT NOT NULL, description TEXT NOT NULL, labels TEXT NOT NULL,
  version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  traffic TEXT NOT NULL, UNIQUE (api, project, location, id));
CREATE TABLE deployments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
  endpoint INTEGER NOT NULL REFERENCES endpoints (number) ON DELETE CASCADE,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  display_name TEXT NOT NULL, replicas INTEGER NOT NULL, max_replicas INTEGER NOT NULL,
  created INTEGER NOT NULL, UNIQUE (endpoint, id));
CREATE INDEX deployments_endpoint ON deployments (endpoint);
CREATE INDEX deployments_model ON deployments (model_id);
CREATE INDEX operations_result ON operations (result_kind, result_id);
"""
_UPGRADE = f"""
ALTER TABLE datasets ADD COLUMN api TEXT NOT NULL DEFAULT 'automl';
ALTER TABLE models ADD COLUMN api TEXT NOT NULL DEFAULT 'automl';
ALTER TABLE evaluations ADD COLUMN api TEXT NOT NULL DEFAULT 'automl';
ALTER TABLE operations ADD COLUMN api TEXT NOT NULL DEFAULT 'automl';
DROP INDEX datasets_scope; DROP INDEX models_scope;
DROP INDEX operations_scope; DROP INDEX operations_done;
CREATE INDEX datasets_scope ON datasets (api, project, location, seq);
CREATE INDEX models_scope ON models (api, project, location, seq);
CREATE INDEX operations_scope ON operations (api, project, location, seq);
CREATE INDEX operations_done ON operations (api, project, location, done, seq);
{_VERTEX_SCHEMA}
"""
"""From format 2, which had one API only."""

_LATER = """
CREATE INDEX IF NOT EXISTS models_deployed ON models (deployed, created) WHERE deployed = 1;
CREATE TABLE IF NOT EXISTS annotation_sets (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL UNIQUE,
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  name TEXT NOT NULL, problem TEXT NOT NULL, multilabel INTEGER NOT NULL,
  created INTEGER NOT NULL, labels TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS annotation_sets_dataset ON annotation_sets (dataset_id, seq);
CREATE TABLE IF NOT EXISTS annotated (
  set_id INTEGER NOT NULL REFERENCES annotation_sets (id) ON DELETE CASCADE,
  content TEXT NOT NULL, PRIMARY KEY (set_id, content)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tested_images (
  seq INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  uri TEXT NOT NULL, content TEXT NOT NULL, labels TEXT NOT NULL, predicted TEXT NOT NULL,
  wrong TEXT NOT NULL, scores TEXT NOT NULL, nearest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tested_images_model ON tested_images (model_id, seq);
"""
"""Added without a new format: it is created in files that lack it."""

_TIME, _TEXT = "INTEGER NOT NULL DEFAULT 0", "TEXT NOT NULL DEFAULT ''"
_LATER_COLUMNS = (
    ("examples", "created", _TIME),
    ("examples", "updated", _TIME),
    ("examples", "item_labels", "TEXT NOT NULL DEFAULT '{}'"),
    ("datasets", "updated", _TIME),
    ("models", "description", _TEXT),
    ("models", "version_description", _TEXT),
    ("operations", "counts", "TEXT"),
    ("operations", "files", "TEXT NOT NULL DEFAULT '[]'"),
    ("models", "data_stats", "TEXT NOT NULL DEFAULT '[]'"),
    ("models", "family", _TEXT),
    ("models", "number", "INTEGER NOT NULL DEFAULT 1"),
    ("models", "latest", "INTEGER NOT NULL DEFAULT 1"),
    ("models", "first", _TIME),
    ("models", "aliases", "TEXT NOT NULL DEFAULT '[]'"),
    ("models", "is_default", "INTEGER NOT NULL DEFAULT 1"),
    ("models", "version_labels", "TEXT NOT NULL DEFAULT '{}'"),
    ("models", "training", "TEXT NOT NULL DEFAULT '{}'"),
)
"""(table, column, type), likewise added without a new format: an earlier version leaves them out.

Times are in microseconds since 1970, 0 in rows of an earlier version.
"""

_FAMILIES = """
UPDATE models SET family = CAST(id AS TEXT) WHERE family = '';
CREATE INDEX IF NOT EXISTS models_family ON models (api, project, location, family);
"""
"""A model of an earlier version is the only one of a family."""

_MIGRATIONS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'"
_WITHOUT_MIGRATIONS = """
BEGIN;
DELETE FROM operations WHERE kind = 'migrate';
DROP TABLE migrations;
COMMIT;
"""
"""Version 0.1 copied from AutoML to Vertex AI. The copies stay; the kind of operation is gone."""


class Store:
    """The database file, used by one thread at a time.

    WAL with synchronous=NORMAL: committed data survives a kill of the process at any moment. A
    power failure may lose the last commits, but doesn't corrupt the file.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._on_commit: list[Callable[[], None]] = []
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StartError(
                f"{path} can't be opened as the emulator's database: {error}. "
                "Move it away to start empty."
            ) from error
        except StartError:
            self._connection.close()
            raise

    def _open(self) -> None:
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._connection.executescript(
                f"BEGIN; {_SCHEMA} {_VERTEX_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version == SCHEMA_VERSION - 1:
            self._connection.executescript(
                f"BEGIN; {_UPGRADE} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise StartError(
                f"The data directory was written by another version of the emulator (its format "
                f"is {version}, this one reads {SCHEMA_VERSION}). Use that version, or another "
                "data directory."
            )
        self._connection.executescript(_LATER)
        for table, column, kind in _LATER_COLUMNS:
            known = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            if column not in {row["name"] for row in known}:
                self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        self._connection.executescript(_FAMILIES)
        if self._connection.execute(_MIGRATIONS).fetchone():
            self._connection.executescript(_WITHOUT_MIGRATIONS)

    def close(self) -> None:
        """Close the file; the store can't be used afterwards."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit all writes of the block, or none if it raises; nested blocks join the outer."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._on_commit.clear()
                self._connection.rollback()
                raise
            committed, self._on_commit = self._on_commit, []
        for callback in committed:
            callback()

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after the commit of the current transaction; not after a rollback."""
        self._on_commit.append(callback)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection and keep other threads from using it."""
        with self._lock:
            yield self._connection
