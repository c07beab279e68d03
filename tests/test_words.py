"""Texts for people are plain technical English: some words may not stand in them.

Looked at are the string literals of the package (docstrings, patterns and single words are none of
its texts), the templates, the published schemas, the golden files, and what `--help` of every
command says.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_plan.cli.main import run
from tests.cli.test_help import PATHS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "automl_plan"
WORDS = {
    r"\banew\b": "again, re-…, replace",
    r"\blives\b|\b(?:that|which|images|several|objects|models|datasets) live\b": "exists; live …",
    r"\bto live\b": "is kept, stays",
    r"\bstands\b": "is, exists, occurs",
    r"\bstanding\b": "open, current",
    r"\btold\b(?! apart)": "reported, said",
    r"\btells\b(?!.* apart)": "reports, says",
    r"\bcame of\b|\bcomes of\b|\bcome of\b": "outcome, result",
    r"\bcut off\b": "interrupted",
    r"\b(?:take|takes|taken|took) (?:\w+ )?up\b": "resume, adopt",
    r"\bmends?\b": "fix",
    r"\bturn(?:s|ed)? (?:it )?down\b|\blet through\b": "rejected, passed",
    r"\bby hand\b": "manually, outside automl-plan",
    r"\b(?:no|some|who|any)(?:body|ever)\b": "no one, someone, the caller",
    r"\bso many\b|\b(?:name|on) as many\b": "the number, the same number",
    r"\bbears?\b": "has",
    r"\bbookkeeping\b": "ownership labels",
    r"\b(?:is|are) to be\b|\bis to (?:serve|have)\b": "will be, must",
    r"\bway back\b|\bway out\b|\bways out\b": "kept for rollback; how to settle it",
    r"\bmay not be applied\b": "refused",
    r"\bgo(?:es)? on\b": "continue, still running",
    r"\bhangs? on\b": "depends on",
    r"\basks for\b|\basked for\b": "requires, declares, requests",
    r"\bin all\b(?! \w)": "total",
    r"\bheld back since\b|\ball the same\b": "anyway",
    r"\bby the looks\b|\bfor want of\b": "guessed, for lack of",
    r"\bgiven up\b": "cancelled, stopped",
}
"""What may not be said, and what is said instead."""


def forbidden(text: str) -> Iterator[str]:
    """Yield each forbidden phrase of a text with its replacement."""
    for pattern, instead in WORDS.items():
        for found in re.findall(pattern, text, re.IGNORECASE):
            yield f"{found!r} (write: {instead})"


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the string literals of a module that are sentences, with their lines."""
    tree = ast.parse(source)
    statements = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings, of fields too
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in statements or id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "0" for part in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.iterdir()) if path.is_dir() and path.name != "__pycache__"],
    ids=lambda path: path.name,
)
def test_the_package(path: Path) -> None:
    found = [
        f"{module.relative_to(ROOT)}:{line}: {wrong} in {text[:90]!r}"
        for module in sorted(path.rglob("*.py"))
        for line, text in texts(module.read_text(encoding="utf-8"))
        if " " in text.strip()
        for wrong in forbidden(text)
    ]
    assert not found, "\n" + "\n".join(found)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for path in [(), *PATHS]:
        run([*path, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        found += [f"{' '.join(path)}: {wrong}" for wrong in forbidden(text)]
    assert not found, "\n" + "\n".join(found)


def test_templates_and_schemas() -> None:
    files = [*PACKAGE.rglob("*.j2"), *(ROOT / "schemas").glob("*.json"), ROOT / "action.yml"]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {wrong}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for wrong in forbidden(line)
    ]
    assert not found, "\n" + "\n".join(found)


def test_golden_files() -> None:
    files = [*ROOT.glob("tests/*/golden/*.txt"), ROOT / "examples" / "review" / "comment.md"]
    assert len(files) > 50
    found = [
        f"{file.relative_to(ROOT)}:{number}: {wrong} in {line.strip()[:90]!r}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for wrong in forbidden(line)
    ]
    assert not found, "\n" + "\n".join(found)


def test_keys_of_json() -> None:
    """Keys that programs read are words of the field."""
    keys = re.compile(r"told|lives|stands|anew|elsewhere_|nobody|undecided")
    found = []
    for file in (ROOT / "schemas").glob("*.json"):
        todo = [json.loads(file.read_text(encoding="utf-8"))]
        while todo:
            node = todo.pop()
            if isinstance(node, dict):
                properties = node.get("properties")
                if isinstance(properties, dict):
                    found += [f"{file.name}: {key}" for key in properties if keys.search(key)]
                todo += node.values()
            elif isinstance(node, list):
                todo += node
    assert not found, "\n" + "\n".join(found)
