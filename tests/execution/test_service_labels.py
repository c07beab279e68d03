"""Labels that Google's services set: no plan is about them, and no call takes them away."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.model.ownership_labels import ADDRESS
from automl_plan.output.documents.inventory import DatasetsShow
from automl_plan.output.inventory import dataset_text, model_text
from automl_plan.output.style import PLAIN
from automl_plan.providers.google.vertex.capabilities import VERTEX
from automl_plan.workspace.inventory import describe_dataset, model_rows
from tests.conftest import RunningEmulator, StartEmulator
from tests.depth import times
from tests.execution.test_vertex_deployments import Shared
from tests.project import FAST

TABLES = ("datasets", "models", "endpoints")
RESERVED = VERTEX.labels.reserved
LABELS = st.one_of(
    st.tuples(st.just("goog-"), *[st.text(st.sampled_from("az09_-"), max_size=8)] * 2),
    st.tuples(
        # nobody else can write such keys, so that anything may be there
        st.sampled_from([prefix for prefix in RESERVED if prefix.endswith("/")]),
        *[st.text(st.sampled_from("abzAZ09_-./:é "), max_size=12)] * 2,
    ),
)
PLANTED = st.fixed_dictionaries(
    {
        table: st.lists(LABELS, max_size=4).map(lambda all_: {p + k: v for p, k, v in all_})
        for table in TABLES
    }
)


class Planted(Shared):
    """A project of Vertex AI whose service sets labels whenever it likes."""

    def __init__(self, directory: Path, emulator: RunningEmulator, source: str) -> None:
        super().__init__(directory, "vertex", emulator)
        self._database = emulator.data_dir / "emulator.sqlite3"
        self._source = source
        self.team = 0

    def plant(self, planted: Mapping[str, Mapping[str, str]]) -> None:
        """Set the service's labels of all objects, past its API; endpoints lose ours."""
        with closing(sqlite3.connect(self._database, timeout=30)) as db:
            for table in TABLES:
                for row, text in db.execute(f"SELECT seq, labels FROM {table}").fetchall():
                    kept = {k: v for k, v in json.loads(text).items() if not _reserved(k)}
                    if table == "endpoints":
                        del kept[ADDRESS]
                    labels = json.dumps({**kept, **planted[table]})
                    db.execute(f"UPDATE {table} SET labels = ? WHERE seq = ?", (labels, row))
            db.commit()

    def there(self) -> dict[str, dict[str, str]]:
        """The service's labels of the one dataset, model and endpoint."""
        found = {}
        for table in TABLES:
            (each,) = self.ask(table, method="GET")[table]
            found[table] = {k: v for k, v in each.get("labels", {}).items() if _reserved(k)}
        return found

    def relabelled(self) -> None:
        """Declare other labels and another number of nodes, and apply that."""
        self.team += 1
        labels = {"team": f"t{self.team}"}
        dataset = {
            "image_classification": {"classification_type": "MULTICLASS"},
            "sources": [self._source],
            "labels": labels,
        }
        model = {
            "dataset": "digits",
            "image_classification": {"train_budget_milli_node_hours": 8000},
            "labels": labels,
            "deploy": {"node_count": 1 + self.team % 2},
        }
        self.write({"digits": dataset}, {"digits": model})
        self.settled()


def _reserved(key: str) -> bool:
    return key.startswith(RESERVED)


@pytest.fixture(scope="module", params=["kept", "refused"])
def project(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    start_shared_emulator: StartEmulator,
) -> Planted:
    """A deployed model, at a service that takes its own labels in requests, or refuses them."""
    readings = {"reserved-labels": request.param}
    emulator = start_shared_emulator(time_scale=FAST, readings=readings)
    images = emulator.bucket_root / request.param
    images.mkdir()
    rows = []
    for i in range(8):
        (images / f"{i}.png").write_bytes(f"image {i}".encode())
        rows.append(f"gs://{images.name}/{i}.png,{'cat' if i % 2 else 'dog'}\n")
    (images / "d.csv").write_text("".join(rows), encoding="utf-8")
    project = Planted(tmp_path_factory.mktemp("project"), emulator, f"gs://{images.name}/d.csv")
    project.relabelled()
    return project


@given(PLANTED)
@settings(max_examples=times(3, 60))
def test_no_plan_is_about_them_and_no_apply_takes_them_away(
    project: Planted, planted: Mapping[str, Mapping[str, str]]
) -> None:
    project.plant(planted)
    seen = project.plan()
    assert seen.empty
    assert seen.plan.drift == ()
    project.relabelled()
    assert project.there() == planted


def test_they_are_shown_apart(project: Planted) -> None:
    key, planted = "aiplatform.googleapis.com/x", {"goog-y": "1"}
    project.plant({table: {**planted, key: "z"} for table in TABLES})
    with project.workspace() as workspace:
        provider, recorded = workspace.provider, workspace.store.read().recorded()
        (dataset,), (model,) = provider.datasets(), provider.models()
        row = describe_dataset(provider, recorded, dataset)
        (model_row,) = model_rows([model], recorded)
    for text in (dataset_text(row, "", PLAIN), model_text(model_row, provider.now(), PLAIN)):
        labels, _, own = text.partition("Service labels:")
        assert f"team=t{project.team}" in labels
        assert "goog" not in labels
        assert [line.strip() for line in own.splitlines()[:2]] == [f"{key}=z", "goog-y=1"]
    shown = DatasetsShow.of(row)
    assert shown.labels.keys() & {key, *planted} == set()
    assert shown.service_labels == {**planted, key: "z"}
