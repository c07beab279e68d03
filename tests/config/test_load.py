"""What a directory that is right says."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from automl_plan.config.load import load
from automl_plan.config.schema import config_schema
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.desired import OnSourceChange
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.providers.registry import PROVIDERS
from tests.config.writing import GOOD, diagnostics, places, write

FULL = """\
provider:
  automl: {project: my-project, endpoint: "http://127.0.0.1:1"}
state:
  local: {path: kept/here.json}
variables:
  budget: {type: integer, default: 8000}
  team: {default: vision}
  team_label: {default: "${var.team}-team"}
datasets:
  boxes:
    image_object_detection:
    description: "costs $${var.budget}, of ${var.team}: ${var.budget}"
    sources: ["gs://bucket/${var.team}.csv"]
    on_source_change: append
  digits-2:
    display_name: digits
    image_classification: {classification_type: MULTILABEL}
    labels: &labels {team: "${var.team_label}"}
models:
  boxes:
    dataset: boxes
    image_object_detection: {train_budget_milli_node_hours: 2e4}
    deploy: {}
  digits_m:
    dataset: digits-2
    image_classification:
      model_type: mobile-versatile-1
      train_budget_milli_node_hours: ${var.budget}
      base_model_id: ICN1
    deploy: {node_count: 2}
    labels:
      <<: *labels
      stage: "no"
"""


def test_all_that_can_be_said(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, {"a.automl.yaml": FULL}), PROVIDERS)
    assert configuration.directory == tmp_path
    assert configuration.provider.name == "automl"
    assert configuration.provider.settings == {
        "project": "my-project",
        "location": "us-central1",
        "endpoint": "http://127.0.0.1:1",
    }
    assert configuration.state_path == tmp_path / "kept" / "here.json"
    boxes = configuration.desired.datasets[dataset_address("boxes")]
    assert boxes.problem is Problem.IMAGE_OBJECT_DETECTION
    assert boxes.classification_type is None
    assert boxes.description == "costs ${var.budget}, of vision: 8000"
    assert boxes.sources == ("gs://bucket/vision.csv",)
    assert boxes.on_source_change is OnSourceChange.APPEND
    assert boxes.data is None
    digits = configuration.desired.datasets[dataset_address("digits-2")]
    assert digits.display_name == "digits"
    assert digits.classification_type is ClassificationType.MULTILABEL
    assert digits.labels == {"team": "vision-team"}
    model = configuration.desired.models[model_address("boxes")]
    assert model.display_name == "boxes"
    assert model.model_type == "cloud-high-accuracy-1"
    assert model.train_budget_milli_node_hours == 20_000
    assert isinstance(model.train_budget_milli_node_hours, int)
    assert model.node_count == 1
    other = configuration.desired.models[model_address("digits_m")]
    assert other.dataset == dataset_address("digits-2")
    assert other.train_budget_milli_node_hours == 8_000
    assert other.base_model_id == "ICN1"
    assert other.node_count == 2
    assert other.labels == {"team": "vision-team", "stage": "no"}


def test_nothing_said_is_the_embedded_service(tmp_path: Path) -> None:
    configuration = load(write(tmp_path, {"a.automl.yml": ""}), PROVIDERS)
    assert configuration.provider.name == "local"
    assert configuration.provider.settings == {}
    assert configuration.state_path == tmp_path / "state" / "default.json"
    assert not configuration.desired.datasets
    assert not configuration.desired.models


@pytest.mark.parametrize(
    "text",
    [
        "# nothing\n",
        "---\n",
        "datasets:\nmodels: ~\n",
        "provider:\n  local:\n",
        "\ufeffdatasets: {}",
    ],
)
def test_little_said(text: str, tmp_path: Path) -> None:
    assert not load(write(tmp_path, {"a.automl.yaml": text}), PROVIDERS).desired.datasets


@pytest.mark.parametrize(
    "word",
    ["no", "No", "on", "yes", "off", "y", "1_000", "0o7", "0x1F", "12:30", "2024-01-31", "1.2.3"],
)
def test_words_that_other_yaml_reads_otherwise(word: str, tmp_path: Path) -> None:
    text = f"datasets: {{d: {{image_object_detection: {{}}, description: {word}}}}}"
    configuration = load(write(tmp_path, {"a.automl.yaml": text}), PROVIDERS)
    assert configuration.desired.datasets[dataset_address("d")].description == word


def test_what_is_not_in_the_directory_itself_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", {"b.automl.yaml": "broken: ["})
    write(tmp_path, {"a.automl.yaml": GOOD, ".hidden.yaml": "broken: [", "data.csv": "x"})
    assert len(load(tmp_path, PROVIDERS).desired.datasets) == 1


def test_a_linked_file_counts(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    write(tmp_path, {"shared.automl.yaml": GOOD})
    (tmp_path / "c" / "a.automl.yaml").symlink_to("../shared.automl.yaml")
    assert len(load(tmp_path / "c", PROVIDERS).desired.datasets) == 1


def test_the_order_of_precedence_of_values(tmp_path: Path) -> None:
    text = (
        "variables: {d: {default: default}, e: {default: x}, f: {default: x}, g: {default: x},"
        " h: {default: x}}\n"
        "datasets: {d: {image_object_detection: {}, description:"
        ' "${var.d} ${var.e} ${var.f} ${var.g} ${var.h}"}}\n'
    )
    write(
        tmp_path,
        {
            "a.automl.yaml": text,
            "one.yaml": "{f: one, g: one, h: one}",
            "two.json": '{\n\t"g": "two",\n\t"h": "two"\n}',
        },
    )
    configuration = load(
        tmp_path,
        PROVIDERS,
        variables={"h": "flag ${var.d}"},
        var_files=[tmp_path / "one.yaml", tmp_path / "two.json"],
        environ={f"AUTOML_PLAN_VAR_{name}": "environment" for name in "efghz"},
    )
    description = configuration.desired.datasets[dataset_address("d")].description
    assert description == "default environment one two flag ${var.d}"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("integer", "-7", "-7"),
        ("number", "1.5", "1.5"),
        ("number", "3", "3"),
        ("boolean", "true", "true"),
        ("string", "1_000", "1_000"),
    ],
)
def test_text_is_read_by_the_type(kind: str, text: str, shown: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.automl.yaml": f"variables: {{v: {{type: {kind}}}}}\n"
            'datasets: {d: {image_object_detection: {}, description: "=${var.v}"}}\n'
        },
    )
    configuration = load(tmp_path, PROVIDERS, variables={"v": text})
    assert configuration.desired.datasets[dataset_address("d")].description == f"={shown}"


NO_NUMBERS = (
    "1_0",
    " 5 ",
    "5 ",
    "5\n",
    "٣",
    "0x10",
    "0o7",
    "010000",
    "-01",
    "00",
    "01.5",
    "1,5",
)


@pytest.mark.parametrize("text", [text for text in NO_NUMBERS if text == text.strip()])
def test_files_read_no_other_numbers_than_flags(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.automl.yaml": f"variables: {{v: {{type: number, default: {text}}}}}\n"})
    assert diagnostics(tmp_path)


@pytest.mark.parametrize(
    "section", ["state", "prices", "policy", "lint", "notify", "variables", "moved"]
)
def test_a_section_with_nothing_in_it_is_as_none(section: str, tmp_path: Path) -> None:
    without = load(write(tmp_path, {"a.automl.yaml": GOOD}), PROVIDERS)
    files = {"a.automl.yaml": GOOD, "b.automl.yaml": f"{section}:\n"}
    empty = load(write(tmp_path, files), PROVIDERS)
    assert empty.digest == without.digest
    assert empty.state_path == without.state_path
    Draft7Validator(config_schema()).validate({section: None})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "7.0"),
        ("integer", ""),
        *((kind, text) for kind in ("integer", "number") for text in NO_NUMBERS),
        ("integer", "9" * 5000),
        ("number", "nan"),
        ("number", "1e999"),
        ("boolean", "yes"),
    ],
)
def test_text_that_is_not_of_the_type(kind: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.automl.yaml": f"variables: {{v: {{type: {kind}}}}}\n"})
    assert places(diagnostics(tmp_path, variables={"v": text})) == ["--var v:0:0 variable-type"]


def test_ten_thousand_variables_in_a_row(tmp_path: Path) -> None:
    rows = "".join(f"  v{i}: {{default: '${{var.v{i + 1}}}'}}\n" for i in range(10_000))
    write(
        tmp_path,
        {
            "a.automl.yaml": f"variables:\n{rows}  v10000: {{default: end}}\n"
            "datasets: {d: {image_object_detection: {}, description: '${var.v0}'}}\n"
        },
    )
    configuration = load(tmp_path, PROVIDERS)
    assert configuration.desired.datasets[dataset_address("d")].description == "end"


@pytest.mark.parametrize(
    ("provider", "at_vertex"),
    [
        ("local: {}", False),
        ("local: {api: vertex}", True),
        ("automl: {project: p}", False),
        ("vertex: {project: p}", True),
    ],
)
def test_what_only_vertex_has_stands_there_with_every_provider(
    provider: str, at_vertex: bool, tmp_path: Path
) -> None:
    text = (
        f"provider: {{{provider}}}\n"
        "datasets: {d: {image_classification: {classification_type: MULTICLASS}}}\n"
        "models:\n  m:\n    dataset: d\n"
        "    image_classification: {train_budget_milli_node_hours: 8000}\n"
        "    vertex: {disable_early_stopping: true, split: drawn}\n"
    )
    configuration = load(write(tmp_path, {"a.automl.yaml": text}), PROVIDERS)
    model = configuration.desired.models[model_address("m")]
    options = {"disable_early_stopping": True, "split": "drawn"}
    assert model.training_options == (options if at_vertex else {})
    assert (model.redeploys, model.sets_all_or_none) == (at_vertex, at_vertex)


@pytest.mark.parametrize("provider", ["automl", "vertex"])
@pytest.mark.parametrize("place", ["gs://abc", "gs://a.b-c_d/", "gs://${var.of}-staging/a/b=1/.c"])
def test_with_a_staging_bucket_sources_may_be_local(
    provider: str, place: str, tmp_path: Path
) -> None:
    text = (
        f"provider: {{{provider}: {{project: p, staging_bucket: '{place}'}}}}\n"
        "variables: {of: {default: p}}\n"
        "datasets: {d: {image_object_detection: {}, sources: [a.csv, 'gs://b/c.csv']}}\n"
    )
    configuration = load(write(tmp_path, {"a.automl.yaml": text}), PROVIDERS)
    assert configuration.provider.settings["staging_bucket"] == place.replace("${var.of}", "p")
    assert configuration.desired.datasets[dataset_address("d")].sources == ("a.csv", "gs://b/c.csv")
