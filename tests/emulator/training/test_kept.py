"""What trainings keep to be faster: bounded, removed when it is damaged, and never trusted."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from automl_plan.emulator.training import backbone
from automl_plan.emulator.training.kept import FILE, KeptFeatures, Seen, keep_graph, kept_graph
from automl_plan.emulator.training.types import ModelUnusable

SEEN = Seen(300, b"pixels", b"features", 0.02)


def test_images_are_found_by_content_and_kind(tmp_path: Path) -> None:
    many = {f"{number:064}": SEEN for number in range(1_200)}
    KeptFeatures(tmp_path, "one").add(many)
    asked = [*many, "f" * 64]
    assert KeptFeatures(tmp_path, "one").find(asked) == many
    assert KeptFeatures(tmp_path, "other").find(asked) == {}
    assert KeptFeatures(None, "one").find(asked) == {}


def test_what_was_not_used_for_longest_is_dropped_first(tmp_path: Path) -> None:
    kept = KeptFeatures(tmp_path, "one", most=4)
    kept.add({"a": SEEN, "b": SEEN})
    kept.add({"c": SEEN, "d": SEEN})
    kept.find(["a"])
    kept.add({"e": SEEN})
    assert kept.find([*"abcde"]).keys() == {*"acde"}


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + bytes(5_000)])
def test_a_damaged_file_costs_time_only(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    kept = KeptFeatures(tmp_path, "one")
    assert kept.find(["a"]) == {}
    kept.add({"a": SEEN})
    assert kept.find(["a"]) == {"a": SEEN}


def test_a_file_of_another_form_costs_time_only(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TABLE seen (content TEXT)")
    kept = KeptFeatures(tmp_path, "one")
    assert kept.find(["a"]) == {}
    kept.add({"a": SEEN})
    assert kept.find(["a"]) == {}


def test_without_a_place_nothing_is_kept(tmp_path: Path) -> None:
    kept = KeptFeatures(tmp_path / "none", "one")
    kept.add({"a": SEEN})
    assert kept.find(["a"]) == {}


def test_only_the_latest_graphs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in "abc":
        keep_graph(name, name.encode())
    assert [kept_graph(name) for name in "abc"].count(None) == 1
    assert kept_graph("c") == b"c"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "automl-plan" / "backbone" / "c.onnx"))
    keep_graph("d", b"d")
    assert kept_graph("d") is None


def test_a_graph_is_made_once_and_again_when_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    backbone.check_weights.cache_clear()
    backbone.check_weights()
    [path] = (tmp_path / "automl-plan" / "backbone").iterdir()
    made = path.read_bytes()
    assert path.name == f"{backbone.GRAPH_SHA256}.onnx"
    path.write_bytes(made[:-1] + b"x")
    backbone.check_weights.cache_clear()
    backbone.check_weights()
    assert path.read_bytes() == made


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (b"other", "These are not the weights of .* 0.1.0. Install that version again."),
        (None, "can't be read"),
    ],
)
def test_other_weights_are_refused(
    weights: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / backbone.PACKAGE
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was run')")
    if weights is not None:
        (package / "models" / "efficientnet-lite0-57934424.pth").write_bytes(weights)
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(ModelUnusable, match=said):
        backbone.read_weights()


def test_prune_removes_what_is_kept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    KeptFeatures(tmp_path, "one").add({"a": SEEN})
    keep_graph("a", b"12345")
    (tmp_path / "emulator.sqlite3").write_bytes(b"data")
    command = [sys.executable, "-m", "automl_plan.emulator", "--prune", "--data-dir", str(tmp_path)]
    sizes = []
    for _ in range(2):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        sizes.append([*json.loads(done.stdout).values()])
    assert sizes[0][0] > 0
    assert (sizes[0][1], sizes[1]) == (5, [0, 0])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["emulator.sqlite3"]
