"""The plan file: a plan document in canonical bytes with a digest over it, and back.

Its form is described by schemas/plan.schema.json. A plan file comes from outside: it is read as
its type says, or refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict, replace

from automl_plan.errors import PlanFileInvalid
from automl_plan.files import write_whole
from automl_plan.model.json import Damaged, laid_out, read, read_plain, written
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_document import (
    FORMAT_VERSION,
    OLDER_FORMATS,
    PlanContent,
    PlanDocument,
    content_of,
    planned_of,
    upgraded,
)

MAX_BYTES = 256 * 1024 * 1024


def write_plan(planned: BoundPlan, path: Path) -> None:
    """Write the plan file, readable by its owner only. Raises PlanFileInvalid."""
    try:
        write_whole(path, encode_plan(planned), durable=False)
    except OSError as error:
        raise PlanFileInvalid(
            f"The plan can't be written: {error.strerror}.", where=str(path)
        ) from error


def encode_plan(planned: BoundPlan) -> bytes:
    """Return the bytes of the plan file: equal plans give equal bytes."""
    return _encoded(_sealed(content_of(planned)))


def sealed(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a plan document, with the digest that fits it."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return _encoded({**rest, "digest": _digest(rest)})


def read_plan(path: Path, *, to_apply: bool = False) -> BoundPlan:
    """Read a plan file; one of an older format only to show it. Raises PlanFileInvalid."""
    data, document = _read_document(path, to_apply=to_apply)
    try:
        planned = planned_of(document)
        if not to_apply:
            return planned
        again = _encoded(_sealed(replace(content_of(planned), found=document.found)))
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise PlanFileInvalid(
            f"The plan file contradicts itself: {error}", where=str(path), hint="Plan again."
        ) from error
    # Sums and what else follows from the rest: other programs may read them.
    if again != data:
        raise PlanFileInvalid(
            "The plan file contradicts itself: sums in it are not those of its entries.",
            where=str(path),
            hint="Plan again.",
        )
    return planned


def _read_document(path: Path, *, to_apply: bool) -> tuple[bytes, PlanDocument]:
    """Return the bytes of a plan file and its document, whose digest fits."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlanFileInvalid("The file is too large for a plan.", where=str(path))
        data = path.read_bytes()
        plain = read_plain(data)
    except OSError as error:
        raise PlanFileInvalid(
            f"The plan can't be read: {error.strerror}.", where=str(path)
        ) from error
    except (ValueError, RecursionError) as error:
        raise PlanFileInvalid(
            "The file is not a plan: it is not JSON.",
            where=str(path),
            hint="Write one with `automl-plan plan --out FILE`.",
        ) from error
    present = data
    if isinstance(plain, dict) and plain.get("format_version") != FORMAT_VERSION:
        if to_apply or plain.get("format_version") not in OLDER_FORMATS:
            raise PlanFileInvalid(
                f"The file is not a plan of format {FORMAT_VERSION}.",
                where=str(path),
                hint="Plan again with this version of automl-plan: automl-plan plan --out FILE",
            )
        present = json.dumps(upgraded(plain)).encode()
    try:
        document = read(present, PlanDocument)
    except Damaged as error:
        raise PlanFileInvalid(
            f"The plan file is damaged at {error}", where=str(path), hint="Plan again."
        ) from error
    if not _is_sealed(plain, data):
        raise PlanFileInvalid(
            "The plan file was changed after it was written: its digest does not fit.",
            where=str(path),
            hint="Plan again.",
        )
    if to_apply and document.moment is None:
        raise PlanFileInvalid(
            "The plan file does not say when it was made.", where=str(path), hint="Plan again."
        )
    return data, document


def planned_to_json(planned: BoundPlan) -> dict[str, Any]:
    """Return the whole plan as JSON (schemas/plan.schema.json), with a digest over all of it."""
    document: dict[str, Any] = written(_sealed(content_of(planned)))
    return document


def digest_of(planned: BoundPlan) -> str:
    """Return what identifies a plan: `sha256:` and 64 hex digits."""
    return _digest(content_of(planned))


def _sealed(content: PlanContent) -> PlanDocument:
    return PlanDocument(digest=_digest(content), **asdict(content))


def _is_sealed(document: Mapping[str, Any], data: bytes) -> bool:
    """Whether these are the bytes of the document, and its digest fits."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return bool(document["digest"] == _digest(rest) and data == _encoded(document))


def _encoded(document: object) -> bytes:
    return laid_out(document, indent=1)


def _digest(content: object) -> str:
    """Return the digest of a document without one."""
    return "sha256:" + hashlib.sha256(_encoded(content)).hexdigest()
