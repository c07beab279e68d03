"""Renders pages of one file, which make no network requests.

Jinja escapes every value. The policy in the head of each page allows only our own style and
script, by their digests, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from automl_plan.output.style import clean


def rendered(
    template: str,
    *,
    styles: Sequence[str],
    script: str | None = None,
    filters: Mapping[str, Callable[..., str]],
    **values: object,
) -> str:
    """Return a page; template, styles and script are files of this package."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    own = files(__package__)
    style = "".join(own.joinpath(name).read_text(encoding="utf-8") for name in styles)
    code = "" if script is None else own.joinpath(script).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever is put in is a text on one line, but for markup of ours.
        finalize=lambda value: clean(value) if type(value) is str else value,
    )
    environment.filters.update(filters)
    page = environment.from_string(own.joinpath(template).read_text(encoding="utf-8"))
    return page.render(
        # Both are files of this package: nothing from outside is in them.
        style=Markup(style),  # noqa: S704
        script=Markup(code),  # noqa: S704
        style_digest=_digest(style),
        script_digest=_digest(code),
        **values,
    )


def _digest(text: str) -> str:
    """As a Content-Security-Policy names what may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
