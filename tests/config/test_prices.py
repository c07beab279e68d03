"""The price book: each price has a source, and another book can be used."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from automl_plan.config.load import load
from automl_plan.config.prices import list_prices, read_prices
from automl_plan.errors import PriceBookInvalid
from automl_plan.model.model_types import Family, Problem
from automl_plan.providers.google.automl.capabilities import AUTOML
from automl_plan.providers.registry import PROVIDERS
from tests.config.writing import GOOD, write

BOOK = (files("automl_plan") / "providers" / "google" / "prices.yaml").read_text(encoding="utf-8")


def test_every_price_has_a_source() -> None:
    book = list_prices(AUTOML)
    assert book.date == "2026-10-07"
    assert book.training.keys() == {(p, f) for p in Problem for f in Family}
    assert book.deployment.keys() == set(Problem)
    for price in (*book.training.values(), *book.deployment.values()):
        assert price.source
        assert price.usd_per_node_hour > 0


def test_a_book_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "prices").mkdir()
    write(tmp_path, {"a.automl.yaml": GOOD + "prices: {file: prices/own.yaml}\n"})
    write(tmp_path / "prices", {"own.yaml": BOOK.replace("3.465", "1")})
    book = load(tmp_path, PROVIDERS).prices
    assert book.training_usd(Problem.IMAGE_CLASSIFICATION, "cloud", 8000) == 8.0
    assert book.training_usd(Problem.IMAGE_CLASSIFICATION, "of-tomorrow", 8000) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read"),
        ("a: [", "Line 1 of the price book is invalid: the file ends too early"),
        ("[]", "a mapping is missing"),
        ("", "a mapping is missing"),
        (BOOK.replace('"1.0"', '"2.0"'), "its format is not 1.0"),
        (BOOK.replace("2026-10-07", "today"), "'today' is not a date"),
        (BOOK.replace("1.375", "-1"), "-1 is not a price"),
        (BOOK.replace("1.375", ".nan"), "is not a number"),
        (BOOK.replace("    edge:", "    mobile:"), "edge is missing"),
        (BOOK.replace("source: Vertex", "page: Vertex"), "source is missing"),
    ],
)
def test_what_is_no_price_book(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "own.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(PriceBookInvalid, match=said) as caught:
        read_prices(path, AUTOML)
    assert caught.value.where == str(path)
