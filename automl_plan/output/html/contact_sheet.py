"""What a model misreads as one HTML page, with pictures, without a script."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from automl_plan import __version__
from automl_plan.model.evaluation import ImageResult
from automl_plan.model.live import LiveModel
from automl_plan.output.evaluations import figure, labels_text, misread_sentence, reading
from automl_plan.output.html.template import rendered
from automl_plan.output.style import counted
from automl_plan.workspace.misread import Misread

MOST_SHOWN = 200
"""Images on the page: each brings up to four pictures, of some 5 kB each."""


def contact_sheet(
    model: LiveModel, identity: str, misread: Misread, pictures: Mapping[str, bytes]
) -> str:
    """Return the page; `pictures` are PNG or JPEG files by the SHA-256 of the images."""
    return rendered(
        "contact_sheet.html.j2",
        styles=("page.css", "contact_sheet.css"),
        filters={"figure": figure, "labels": labels_text, "source": _source},
        model=model,
        identity=identity,
        sentence=misread_sentence(misread),
        images=misread.images[:MOST_SHOWN],
        more=len(misread.images) - len(misread.images[:MOST_SHOWN]),
        pictures=pictures,
        mistakes=_mistakes,
        counted=counted,
        tool_version=__version__,
    )


def _mistakes(image: ImageResult) -> list[tuple[str, float | None]]:
    return [(reading(image, label), image.score(label)) for label in image.wrong]


def _source(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
