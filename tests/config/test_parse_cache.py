"""What large files were parsed to: the same with and without, and never believed blindly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl_plan.config.configuration import Configuration
from automl_plan.config.load import load
from automl_plan.config.parse_cache import MOST, OFF, SMALLEST, ParseCache
from automl_plan.errors import ConfigurationError
from automl_plan.providers.registry import PROVIDERS
from tests.config.writing import GOOD

PADDING = "# padding\n" * (SMALLEST // 10 + 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
ENTRIES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True),
    st.fixed_dictionaries(
        {"image_classification": st.just({"classification_type": "MULTICLASS"})},
        optional={
            "display_name": TEXTS | st.just("${var.name}"),
            "labels": st.dictionaries(TEXTS, TEXTS | st.integers() | st.floats(), max_size=2),
            "sources": st.lists(TEXTS, max_size=2),
        },
    ),
    max_size=3,
)


def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "automl-plan").glob("[0-9a-f]*"))


def outcome(directory: Path, environ: dict[str, str]) -> tuple[object, ...]:
    """All that a configuration says, or all that is wrong with it."""
    try:
        found = load(directory, PROVIDERS, environ=environ)
    except ConfigurationError as error:
        return tuple(error.diagnostics)
    return found.digest, found.desired, found.provider


def written(tmp_path: Path, text: str = GOOD) -> Path:
    directory = tmp_path / "configuration"
    directory.mkdir(exist_ok=True)
    (directory / "a.automl.yaml").write_text(PADDING + text, encoding="utf-8")
    return directory


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(entries=ENTRIES)
def test_it_changes_nothing(tmp_path: Path, entries: dict[str, object]) -> None:
    document = {"datasets": entries, "variables": {"name": {"type": "string", "default": "n"}}}
    directory = written(tmp_path, json.dumps(document))
    without = outcome(directory, {OFF: "1"})
    assert outcome(directory, environ(tmp_path)) == without
    assert outcome(directory, environ(tmp_path)) == without


def test_a_small_file_is_not_kept(tmp_path: Path) -> None:
    directory = written(tmp_path)
    (directory / "a.automl.yaml").write_text(GOOD, encoding="utf-8")
    load(directory, PROVIDERS, environ=environ(tmp_path))
    assert kept(tmp_path) == []


def test_what_is_wrong_is_not_kept(tmp_path: Path) -> None:
    directory = written(tmp_path, GOOD.replace("8000", "many"))
    for _ in range(2):
        assert isinstance(outcome(directory, environ(tmp_path))[0], object)
        with pytest.raises(ConfigurationError):
            load(directory, PROVIDERS, environ=environ(tmp_path))
    assert kept(tmp_path) == []


def other_value(path: Path) -> None:
    """Sound JSON that nobody wrote a digest for."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"8000", b"9000"))


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def writable_by_others(path: Path) -> None:
    path.chmod(0o666)


def in_a_folder_that_others_write(path: Path) -> None:
    path.parent.chmod(0o777)


def of_somebody_else(path: Path) -> None:
    os.chown(path, 12_345, -1)


def a_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        other_value,
        torn,
        empty,
        writable_by_others,
        in_a_folder_that_others_write,
        a_link,
        a_directory,
        # Only root can give a file away.
        *([of_somebody_else] if os.geteuid() == 0 else []),
    ],
)
def test_what_can_not_be_trusted_is_passed_over(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    directory = written(tmp_path)
    before: Configuration = load(directory, PROVIDERS, environ=environ(tmp_path))
    (path,) = kept(tmp_path)
    text = (directory / "a.automl.yaml").read_text(encoding="utf-8")
    spoil(path)
    assert ParseCache(environ(tmp_path), "another schema").get(text) is None
    assert load(directory, PROVIDERS, environ=environ(tmp_path)).digest == before.digest


def test_another_schema_or_text_is_another_entry(tmp_path: Path) -> None:
    cache = ParseCache(environ(tmp_path), "one")
    cache.put(PADDING, {"a": 1})
    assert cache.get(PADDING) == ({"a": 1},)
    assert cache.get(f"{PADDING} ") is None
    assert ParseCache(environ(tmp_path), "other").get(PADDING) is None
    assert ParseCache({**environ(tmp_path), OFF: ""}, "one").get(PADDING) is None
    assert ParseCache({}, "one").get(PADDING) is None


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    cache = ParseCache(environ(tmp_path), "one")
    for number in range(MOST + 20):
        cache.put(f"{PADDING}{number}", number)
    assert len(kept(tmp_path)) == MOST
    assert cache.get(f"{PADDING}{MOST + 19}") == (MOST + 19,)


def test_a_cache_that_can_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    directory = written(tmp_path)
    assert load(directory, PROVIDERS, environ=environ(tmp_path)).desired.datasets
