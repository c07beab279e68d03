"""Which YAML files of a directory are a configuration, and which of the others are meant to be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.config.load import load
from automl_plan.config.merging import SECTIONS
from automl_plan.errors import ConfigurationError
from automl_plan.providers.registry import PROVIDERS
from tests.config.writing import GOOD, write

COMPOSE = "services:\n  web: {image: nginx}\nmodels:\n  llm: {model: ai/smollm2}\n"
FOREIGN: dict[str, str | bytes] = {
    "docker-compose.yaml": COMPOSE,
    "docker-compose.yml": "services:\n\tweb: 1\n",
    "mkdocs.yml": "site_name: ours\ntheme: !!python/name:material.x\n",
    "prod.yaml": "budget: 9000\nenv: prod\n",
    "values.yaml": "models: seven\nstate: prod\n",
    "pipeline.yaml": "variables:\n  stage: test\n",
    "schema.yml": "models:\n  - name: orders\n",
    "policy.yaml": "policy: {allow: all}\n",
    "list.yaml": "- datasets\n",
    "text.yaml": "datasets\n",
    "empty.yaml": "",
    "latin.yaml": b"caf\xe9: {}\n",
    "zeros.yaml": b"\0" * 1000,
    "several.yaml": "kind: Service\n---\nkind: Pod\n",
    ".hidden.yaml": GOOD,
    "backup.yaml.bak": GOOD,
    "automl-plan.json": "{}",
}
MEANT = {
    "all of it": GOOD,
    "JSON": json.dumps(yaml.safe_load(GOOD)),
    "behind comments": f"# ours\n%YAML 1.2\n---\n# more\n\n{GOOD}",
    "with a byte order mark": f"\ufeff{GOOD}",
    "with ends of lines of Windows": GOOD.replace("\n", "\r\n"),
    "quoted": '"models":\n  a: {dataset: d}\n',
    "models alone": "models: {}\n",
    "datasets without anything": "datasets:\n",
    "with a mistake in it": "state: {local: {path: a}}\nmodels: {a: [\n",
    "with a tab in it": "models:\n\ta: 1\n",
    "two documents": "datasets: {}\n---\nmodels: {}\n",
    "the provider alone": "provider: {vertex: {project: p}}\n",
    "the state alone": "state:\n  local: {path: elsewhere.json}\n",
    "variables alone": "variables:\n  budget: {type: integer, default: 8000}\n",
    "the policy alone": "policy: {max_training_cost: 30}\n",
    "blocks": "removed:\n  - {from: model.a, action: forget}\n",
}


def errors(directory: Path, *var_files: Path) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ConfigurationError) as caught:
        load(directory, PROVIDERS, var_files=var_files)
    return [(d.file, d.rule, d.hint) for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    "name", ["automl-plan.yaml", "automl-plan.yml", "models.automl.yaml", "a b.automl.yml"]
)
def test_a_file_is_read_by_its_name(name: str, tmp_path: Path) -> None:
    assert len(load(write(tmp_path, {name: GOOD}), PROVIDERS).desired.models) == 1


def test_other_yaml_beside_it_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, {"automl-plan.yaml": GOOD, **FOREIGN})
    (tmp_path / "link.yaml").symlink_to("nowhere")
    (tmp_path / "same.yaml").symlink_to("automl-plan.yaml")
    (tmp_path / "directory.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / os.fsdecode(b"\xff\n.yaml")).write_text("x: 1")
    assert len(load(tmp_path, PROVIDERS).desired.models) == 1


@pytest.mark.parametrize("what", MEANT)
@pytest.mark.parametrize("beside", [True, False])
def test_a_file_that_is_meant_is_named(what: str, beside: bool, tmp_path: Path) -> None:
    write(tmp_path, {"models.yaml": MEANT[what], **FOREIGN})
    if beside:
        write(tmp_path, {"automl-plan.yaml": "provider: {local: {}}\n"})
    hint = "rename it: mv models.yaml models.automl.yaml (or move it elsewhere)"
    assert errors(tmp_path) == [("models.yaml", "file-name", hint)]


def test_all_of_them_are_named_with_all_else_that_is_wrong(tmp_path: Path) -> None:
    wrong = "datasets: {d: {image_clasification: {}}}\n"
    write(tmp_path, {"automl-plan.yaml": wrong, "b c.yml": GOOD, "automl.yaml": GOOD})
    found = {(file, rule): hint or "" for file, rule, hint in errors(tmp_path)}
    assert "mv automl.yaml automl.automl.yaml" in found["automl.yaml", "file-name"]
    assert "mv 'b c.yml' 'b c.automl.yml'" in found["b c.yml", "file-name"]
    assert ("automl-plan.yaml", "unknown-key") in found


@pytest.mark.parametrize(
    ("name", "renamed"),
    [
        ("Automl-Plan.YAML", "automl-plan.yaml"),
        ("automl-plan.YML", "automl-plan.yml"),
        ("x.Automl.yaml", "x.automl.yaml"),
        ("X.automl.YAML", "X.automl.yaml"),
        ("models.YML", "models.automl.yml"),
        ("models.yaml", "models.automl.yaml"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_capital_letters_and_encodings_hide_no_file(
    name: str, renamed: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(GOOD, encoding=encoding)
    hint = f"rename it: mv {name} {renamed} (or move it elsewhere)"
    assert errors(tmp_path) == [(name, "file-name", hint)]


def test_the_configuration_of_a_directory_inside_is_named(tmp_path: Path) -> None:
    for name in (".hidden", "models"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"automl-plan.yaml": GOOD})
    (tmp_path / "link").symlink_to("nowhere")
    hint = "create one with automl-plan init, or use that of models: automl-plan -C models …"
    assert errors(tmp_path)[0][1:] == ("no-configuration", hint)


def test_a_file_that_gives_variables_is_none_of_it(tmp_path: Path) -> None:
    text = "variables: {models: {}}\n"
    write(tmp_path, {"automl-plan.yaml": text, "v.yaml": "models:\n"})
    assert ("v.yaml", "file-name") in [found[:2] for found in errors(tmp_path)]
    assert "file-name" not in {rule for _, rule, _ in errors(tmp_path, tmp_path / "v.yaml")}


def test_a_directory_with_other_yaml_alone(tmp_path: Path) -> None:
    others = {name: text for name, text in FOREIGN.items() if "models:" not in str(text)}
    [(_, rule, hint)] = errors(write(tmp_path, others))
    assert (rule, hint) == ("no-configuration", "create one with automl-plan init")
    write(tmp_path, {"main.yaml": GOOD.replace("datasets", "dataset")})
    [(_, rule, hint)] = errors(tmp_path)
    assert rule == "no-configuration"
    assert hint == "if main.yaml is the configuration, rename it: mv main.yaml main.automl.yaml"


@given(st.data())
def test_one_key_that_is_not_ours_makes_a_file_another_s(data: st.DataObject) -> None:
    ours = data.draw(st.lists(st.sampled_from(SECTIONS), unique=True))
    other = data.draw(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=2))
    keys = data.draw(st.permutations([*dict.fromkeys([*ours, *other])]))
    with TemporaryDirectory() as name:
        text = "".join(f"{key}: {{}}\n" for key in keys)
        files = {"automl-plan.yaml": "provider: {local: {}}\n", "other.yaml": text}
        directory = write(Path(name), files)
        if not {*keys} <= {*SECTIONS}:
            load(directory, PROVIDERS)
        elif not {"datasets", "models"}.isdisjoint(keys):
            assert [rule for _, rule, _ in errors(directory)] == ["file-name"]
