"""The rules of the house: what may import what, and how files are kept."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "automl_plan"

BELOW = ("errors", "files", "model")
SOURCES = (*BELOW, "providers", "state", "config", "data", "planning")
USES = (*SOURCES, "recovery", "workspace", "notifications", "execution", "watch")
MAY_IMPORT = {
    "errors": (),
    "files": (),
    "model": ("errors",),
    "providers": BELOW,
    "state": BELOW,
    "config": BELOW,
    "planning": BELOW,
    "data": (*BELOW, "providers"),
    "recovery": SOURCES,
    "workspace": (*SOURCES, "recovery"),
    "notifications": (*SOURCES, "recovery", "workspace"),
    "execution": (*SOURCES, "recovery", "workspace", "notifications"),
    "watch": (*SOURCES, "recovery", "workspace", "notifications", "execution"),
    "output": USES,
    "cli": (*USES, "output"),
    "__main__": ("cli",),
    "emulator": (),
}
"""Each part, and the parts below it that it may import. All may read the version."""


def sources() -> Iterator[Path]:
    yield from sorted(PACKAGE.rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file, made once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> Iterator[str]:
    """The parts of the package that a file imports, anywhere in it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [node.module or ""]
            if node.module == "automl_plan":
                names = [f"automl_plan.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("automl_plan.") and name != "automl_plan.__version__":
                yield name.split(".")[1]


def test_imports_run_downwards() -> None:
    for path in sources():
        part = part_of(path)
        if part != "__init__":
            above = set(imported_parts(path)) - {*MAY_IMPORT[part], part}
            assert not above, f"{path}: {part} may not import {above}"


def test_no_provider_knows_another() -> None:
    providers = PACKAGE / "providers"
    folders = {"google.automl", "google.vertex", "local"}
    # The embedded service is spoken to by the same clients as the cloud's.
    allowed = {"local": folders, "registry": folders}
    for path in sorted(providers.rglob("*.py")):
        dotted = ".".join(path.relative_to(providers).with_suffix("").parts)
        own = next((each for each in folders if dotted.startswith(f"{each}.")), dotted)
        text = path.read_text(encoding="utf-8")
        named = {each for each in folders if f"automl_plan.providers.{each}." in text}
        assert named <= allowed.get(own, {own}), path


def test_import_data_knows_no_provider() -> None:
    """All that it needs of one is in one value: where objects are, and where data is staged."""
    for path in sorted((PACKAGE / "data").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("automl_plan.providers"):
                assert module == "automl_plan.providers.data_access", path


def test_google_is_explained_in_its_folder() -> None:
    """What people do at Google's (commands, its console) is a value of the provider's."""
    google = re.compile(r"`gcloud |Google's console|googleapis\.com(?!/ml_use)")
    for path in sources():
        if path.relative_to(PACKAGE).parts[0] != "emulator" and "google" not in path.parts:
            assert not google.search(path.read_text(encoding="utf-8")), path


def test_planning_is_pure() -> None:
    forbidden = {"os", "io", "time", "random", "secrets", "pathlib", "subprocess"}
    for path in sorted((PACKAGE / "planning").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                assert forbidden.isdisjoint(alias.name for alias in node.names), path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in forbidden, path


def test_values_are_made_in_one_way() -> None:
    """By msgspec: a dataclass is compiled anew at every start, a hundred of them in 60 ms."""
    for path in sources():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
                assert "dataclasses" not in names, path


def test_no_file_is_a_lumber_room() -> None:
    for path in sources():
        assert path.stem not in {"utils", "util", "helpers", "common", "misc"}, path
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{path} has {lines} lines: what is its second job?"


def test_nothing_names_a_machine_or_an_index() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    pattern = re.compile(rb"(^|[^A-Za-z0-9_.])/(work|root|home/[a-z]+)/|pythonhosted|pypi\.org")
    for name in filter(None, listed.stdout.split(b"\0")):
        path = ROOT / name.decode()
        if path.is_file() and path != Path(__file__):
            assert not pattern.search(path.read_bytes()), name


def test_schemas_are_draft_7() -> None:
    import jsonschema

    for path in sorted((ROOT / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#", path
        jsonschema.Draft7Validator.check_schema(schema)


def test_schemas_are_those_of_the_types() -> None:
    from tests.schemas.generate import differing

    assert not [published.name for published in differing()], "run: make schemas"
