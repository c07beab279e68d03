"""The canonical form of a file."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automl_plan.config.formatting import ORDER, formatted
from automl_plan.config.merging import LIST_SECTIONS, NAMED_SECTIONS, SINGLE_SECTIONS
from automl_plan.config.scaffold import scaffold
from automl_plan.config.yaml_parser import parse
from automl_plan.errors import ConfigurationError
from tests.config.cases import CASES, Case
from tests.config.test_load import FULL
from tests.config.test_properties import PIECES
from tests.config.writing import GOOD

EXAMPLES = Path(__file__).parents[2] / "examples"


def meaning(text: str) -> str:
    parsed = parse(text, "a.yaml")
    assert not parsed.diagnostics
    return json.dumps(parsed.value, sort_keys=True)


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        formatted(text, "a.yaml")
    [found] = caught.value.diagnostics
    return f"{found.file}:{found.line}:{found.column} {found.rule}: {found.message}"


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: str(path.relative_to(EXAMPLES))
)
def test_the_examples_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text, path.name) == text


def test_what_init_writes_is_canonical(tmp_path: Path) -> None:
    scaffold(tmp_path)
    text = (tmp_path / "automl-plan.yaml").read_text(encoding="utf-8")
    assert formatted(text, "automl-plan.yaml") == text


UNTIDY = """\


# yaml-language-server: $schema=x.json

models:
    # the digits
    digits:
        dataset: digits   \t


        image_classification: {model_type: cloud,train_budget_milli_node_hours: 8000}
        require:      # the gate
        # at least
            au_prc: 0.90
            # not_worse_than_current: 0.01
        labels: {
          team: vision,
          stage: "no"
        }
        # deploy: {node_count: 1}
datasets:
    digits:
        image_classification:
        sources:
        - 'a.csv'   # first
        # second
        - "b\\u200b.csv"
        description: |
            One
              two

            three
# where all is kept
state:
  local:
    # path: x.json
# the end
"""
TIDY = """\
# yaml-language-server: $schema=x.json

# where all is kept
state:
  local:
    # path: x.json
# the end

datasets:
  digits:
    image_classification:
    sources:
      - 'a.csv'     # first
      # second
      - "b\\u200b.csv"
    description: |
      One
        two

      three

models:
  # the digits
  digits:
    dataset: digits

    image_classification: {model_type: cloud, train_budget_milli_node_hours: 8000}
    require:          # the gate
      # at least
      au_prc: 0.90
      # not_worse_than_current: 0.01
    labels:
      team: vision
      stage: "no"
    # deploy: {node_count: 1}
"""


def test_an_untidy_file() -> None:
    # A comment at the margin behind a section may belong to what follows: nothing is reordered.
    loose = formatted(UNTIDY, "a.yaml")
    assert loose.index("models:") < loose.index("datasets:") < loose.index("state:")
    assert formatted(UNTIDY.replace("# the end\n", ""), "a.yaml") == TIDY.replace("# the end\n", "")


SAME = [
    "",
    "# only a comment\n",
    "a: no\nb: 0o7\nc: 1_000\nd: 0x1F\nf: 1.50e+05\n",
    "g: .5\nh: +1\ni: 12:30\nj: 2026-01-01\n",
    "a: ~\nb:\nc: null\nd: ''\ne: \"\"\nf: 'null'\n",
    f"a: {'long ' * 200}text\n",
    f'a: "{"x" * 500}"\n',
    "a: |\n  x\n\n\n  y\n\nb: 1\n",
    "a: |+\n  x\n\n\nb: 1\n",
    "a: >-\n  x\n  y\n",
    "a: |2\n    set in\n",
    "a: &x\n  b: 1\n\nc:\n  <<: *x\n  d: *x\n",
    "a: &x 1\nb: *x\n",
    "a: !!str 5\n",
    "a: 'it''s'\nb: it's\nc: \"\\x07\\u202e\"\n",
    "---\na: 1\n",
    "a: ${var.x}\nb: ['${var.y}', x]\n",
    "a: x#y\nb: '# no comment'\nc: \"# neither\"\n",
    "models: {}\n\n# whose is this?\n\nprovider: {}\n",
    "# of the models\nmodels: {}\nprovider: {}\n",
    "models: &m {}\nprovider: *m\n",
    "unknown: 1\nprovider: 2\n",
]


@pytest.mark.parametrize("text", SAME)
def test_what_is_canonical_stays(text: str) -> None:
    assert formatted(text, "a.yaml") == text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: 1\r\nb:\r\n    c: 2\r\n", "a: 1\n\nb:\n  c: 2\n"),
        ("a: 1\rb: 2", "a: 1\nb: 2\n"),
        ("a: {b: , c}\n", "a: {b: null, c: null}\n"),
        ("a: [\n  1, # one\n]\n", "a:\n  - 1\n  # one\n"),
        ("a: plain\n  text\n", "a: plain text\n"),
        ("models: {}\nprovider: {}\n", "provider: {}\nmodels: {}\n"),
        ("\n\n# c\n\n\n\n", "# c\n"),
        ("? a\n: 1\n", "a: 1\n"),
    ],
)
def test_what_is_changed(text: str, after: str) -> None:
    assert formatted(text, "a.yaml") == after


def test_a_comment_that_would_be_lost() -> None:
    assert refusal("a: 1\nb: {c: 1, # of c\n  d: 2}\n") == (
        'a.yaml:2:11 formatting: the file can\'t be formatted: the comment "# of c" '
        "would be lost or moved"
    )


@pytest.mark.parametrize("text", ["a: b: c\n", "a: 1\na: 2\n", "- a\n", "a: !x 1\n", "1: a\n"])
def test_what_is_wrong_is_told_with_its_place(text: str) -> None:
    assert re.match(r"a\.yaml:\d:\d ", refusal(text))


def test_every_section_has_its_place() -> None:
    assert set(ORDER) == {*NAMED_SECTIONS, *SINGLE_SECTIONS, *LIST_SECTIONS}


def check(text: str, comments: list[str] | None = None) -> None:
    after = formatted(text, "a.yaml")
    assert meaning(after) == meaning(text)
    assert formatted(after, "a.yaml") == after
    if comments is not None:
        assert sorted(re.findall("# c[0-9]+", after)) == sorted(comments)
    assert "\r" not in after
    assert not after or after.endswith("\n")


@pytest.mark.parametrize("text", [GOOD, FULL], ids=["good", "full"])
def test_configurations(text: str) -> None:
    check(text)


@given(st.lists(PIECES, max_size=40))
@example(list(FULL))
def test_any_text_keeps_its_meaning_or_stays(pieces: list[str]) -> None:
    with suppress(ConfigurationError):
        check("".join(pieces))


@given(cut=st.integers(0, len(FULL)), piece=PIECES, gone=st.integers(0, 3))
def test_any_slip_of_the_hand(cut: int, piece: str, gone: int) -> None:
    with suppress(ConfigurationError):
        check(FULL[:cut] + piece + FULL[cut + gone :])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_files_with_mistakes(case: Case) -> None:
    for content in case.written.values():
        if isinstance(content, str):
            with suppress(ConfigurationError):
                check(content)


WRITTEN = [
    *("no", "0o7", "1_000", "0x1F", "1.50", "1e3", ".5", "~", "null", "true", "yes"),
    *("${var.x}", "text with spaces", "x#y", "it's", "a:b", "-1", "2026-01-01", "é", "~/x"),
    *("''", "'# no'", "'it''s'", '""', '"# no"', '"\\u200b\\n"', '"a: b"'),
    *("[a, 'b', {c: no}]", "{a: 1_0, b: [x]}", "gs://b/x.csv", "x" * 300, "word " * 60 + "x"),
]
SCALARS = st.sampled_from(WRITTEN)
ODD_SCALARS = st.sampled_from([*WRITTEN, "{}", "[]"])


class Writer:
    """Writes YAML in block style, badly, with comments wherever they can stand."""

    def __init__(self, draw: st.DataObject, *, odd: bool) -> None:
        self._draw = draw
        self._odd = odd
        self.comments: list[str] = []

    def chance(self, one_in: int) -> bool:
        return self._draw.draw(st.integers(1, one_in)) == 1

    def comment(self) -> str:
        self.comments.append(f"# c{len(self.comments)}")
        return self.comments[-1]

    def between(self) -> str:
        """Blank lines and comments on lines of their own."""
        lines = ""
        for _ in range(self._draw.draw(st.integers(0, 2))):
            blanks = " " * self._draw.draw(st.integers(0, 6))
            if self.chance(2):
                lines += f"{blanks}{self.comment()}\n"
            else:
                lines += f"{blanks if self._odd else ''}\n"
        return lines

    def behind(self) -> str:
        """The end of a line."""
        blanks = " " * self._draw.draw(st.integers(1, 5))
        return f"{blanks}{self.comment()}\n" if self.chance(4) else "\n"

    def mapping(self, column: int, depth: int, *, first: bool = True) -> str:
        """`first`: whether something may stand before its first key."""
        text = ""
        for number in range(self._draw.draw(st.integers(1, 4))):
            text += self.between() if first or number else ""
            text += " " * column + f"k{number}:"
            text += self.value(column, depth)
        return text

    def listed(self, column: int, depth: int) -> str:
        text = ""
        for _ in range(self._draw.draw(st.integers(1, 3))):
            text += self.between() + " " * column + "-"
            if depth and self.chance(3):
                text += self.item(column, depth)
            else:
                text += f" {self.scalar()}{self.behind()}"
        return text

    def value(self, column: int, depth: int) -> str:
        width = self._draw.draw(st.integers(1, 4))
        kind = self._draw.draw(st.sampled_from(["scalar", "scalar", "map", "list", "block", ""]))
        if kind == "map" and depth:
            return self.behind() + self.mapping(column + width, depth - 1)
        if kind == "list" and depth:
            return self.behind() + self.listed(column + (width if self.chance(2) else 0), depth - 1)
        if kind == "block":
            style = self._draw.draw(st.sampled_from(["|", ">", "|-", ">-", "|+"]))
            blanks = " " * (column + width)
            return f" {style}\n{blanks}one\n{blanks}  two # no comment\n\n{blanks}three\n"
        if kind == "":
            return self.behind()
        return f" {self.scalar()}{self.behind()}"

    def item(self, column: int, depth: int) -> str:
        inner = self.mapping(column + 2, depth - 1, first=self._odd)
        return f"\n{inner}" if inner.lstrip().startswith("#") else f" {inner.lstrip()}"

    def scalar(self) -> str:
        scalar: str = self._draw.draw(ODD_SCALARS if self._odd else SCALARS)
        return scalar


@given(data=st.data(), odd=st.booleans())
def test_any_file_in_block_style(data: st.DataObject, odd: bool) -> None:
    writer = Writer(data, odd=odd)
    text = writer.mapping(0, 3) + writer.between()
    assert not parse(text, "a.yaml").diagnostics, text
    # One in hundreds is refused: ruamel.yaml loses comments behind some flow collections.
    with suppress(ConfigurationError):
        check(text, writer.comments)
