"""Reads price books: the one that comes with the package, or one of the user's."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

from automl_plan.config.yaml_parser import parse
from automl_plan.errors import PriceBookInvalid
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.model_types import Problem
from automl_plan.model.prices import Price, PriceBook

FORMAT_VERSION = "1.0"
_LARGEST = 1_000_000
"""Bytes of a price book that are read."""


@cache
def _listed(path: Path) -> Any:
    return parse(path.read_text(encoding="utf-8"), path.name).value


def list_prices(capabilities: Capabilities) -> PriceBook:
    """Return the list prices of a provider."""
    path = capabilities.price_list
    return _book(_listed(path), path.name, capabilities)


def most_usd(can: Capabilities, problem: Problem, model_type: str, milli_node_hours: int) -> str:
    """Return what a training with this budget costs at most at list price: `$27.72`."""
    return f"${list_prices(can).training_usd(problem, model_type, milli_node_hours) or 0.0:,.2f}"


def read_prices(path: Path, capabilities: Capabilities) -> PriceBook:
    """A price book of the same form. Raises PriceBookInvalid."""
    try:
        if path.stat().st_size > _LARGEST:
            raise PriceBookInvalid("The file is too large for a price book.", where=str(path))
        parsed = parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise PriceBookInvalid(
            f"The price book can't be read: {error.strerror}.", where=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise PriceBookInvalid("The price book is not UTF-8.", where=str(path)) from error
    for wrong in parsed.diagnostics:
        message = f"Line {wrong.line} of the price book is invalid: {wrong.message}."
        raise PriceBookInvalid(message, where=str(path), hint=wrong.hint)
    return _book(parsed.value, str(path), capabilities)


def _book(content: Any, where: str, can: Capabilities) -> PriceBook:
    types = can.model_types
    try:
        _check_format(content["format_version"])
        return PriceBook(
            date=_date(content["date"]),
            training={
                (problem, each.family): _price(content["training"][problem][each.family])
                for problem in types
                for each in types[problem].values()
            },
            deployment={p: _price(content["deployment"][p]) for p in types if types[p]},
            model_types=types,
            unit=can.budget_unit,
        )
    except KeyError as error:
        problem = f"{error.args[0]} is missing"
    except TypeError:
        problem = "a mapping is missing"
    except ValueError as error:
        problem = str(error)
    raise PriceBookInvalid(
        f"The price book is invalid: {problem}.",
        where=where,
        hint="Use the package's prices.yaml as a template.",
    )


def _check_format(version: Any) -> None:
    if version != FORMAT_VERSION:
        raise ValueError(f"its format is not {FORMAT_VERSION}")


def _price(entry: Any) -> Price:
    usd = entry["usd_per_node_hour"]
    if isinstance(usd, bool) or not isinstance(usd, int | float) or not 0 <= usd < 1e6:
        raise ValueError(f"{usd!r:.40} is not a price")
    source = entry["source"]
    if not isinstance(source, str) or not source.strip():
        raise ValueError("a price has no source")
    return Price(float(usd), source)


def _date(value: Any) -> str:
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError(f"{value!r:.40} is not a date") from None
