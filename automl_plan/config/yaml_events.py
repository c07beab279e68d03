"""The YAML parser: the C one where PyYAML was built with it, else the one in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def events(text: str) -> Iterator[Any]:
    """The events of a YAML text. Raises yaml.YAMLError at the first thing that is not YAML.

    They are of PyYAML's event classes, which its published types describe only in part.
    Only events are taken from PyYAML: its composer and its constructor take ten times as long
    as its parser, recurse, and read YAML 1.1.
    """
    parser = _PARSER(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    except ValueError as problem:  # the Python parser at "\UFFFFFFFF", no character
        raise yaml.YAMLError(str(problem)) from problem
    finally:
        parser.dispose()
