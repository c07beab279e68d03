"""The plan file: a plan document in canonical bytes with a digest over it, and back.

Its form is described by schemas/plan.schema.json, which also checks what is read: a plan file
comes from outside.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl_plan.config.schema import read_schema
from automl_plan.errors import PlanFileInvalid
from automl_plan.model.json import Json
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_document import (
    FORMAT_VERSION,
    OLDER_FORMATS,
    planned_document,
    planned_of,
    upgraded,
)

MAX_BYTES = 256 * 1024 * 1024


def write_plan(planned: BoundPlan, path: Path) -> None:
    """Write the plan file, readable by its owner only. Raises PlanFileInvalid."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_plan(planned))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise PlanFileInvalid(
            f"The plan can't be written: {error.strerror}.", where=str(path)
        ) from error


def encode_plan(planned: BoundPlan) -> bytes:
    """The bytes of the plan file: equal plans give equal bytes."""
    return sealed(planned_to_json(planned))


def sealed(document: Mapping[str, Any]) -> bytes:
    """The bytes of a plan document, with the digest that fits it."""
    return _encoded({**document, "digest": _digest(document)})


def _encoded(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def read_plan(path: Path, *, to_apply: bool = False) -> BoundPlan:
    """Read a plan file; one of an older format only to show it. Raises PlanFileInvalid."""
    import jsonschema

    try:
        if path.stat().st_size > MAX_BYTES:
            raise PlanFileInvalid("The file is too large for a plan.", where=str(path))
        data = path.read_bytes()
        document: Any = json.loads(data)
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
    sealed_as = document
    if isinstance(document, dict) and document.get("format_version") != FORMAT_VERSION:
        if to_apply or document.get("format_version") not in OLDER_FORMATS:
            raise PlanFileInvalid(
                f"The file is not a plan of format {FORMAT_VERSION}.",
                where=str(path),
                hint="Plan again with this version of automl-plan: automl-plan plan --out FILE",
            )
        document = upgraded(document)
    problem = jsonschema.exceptions.best_match(
        jsonschema.Draft7Validator(read_schema("plan")).iter_errors(document)
    )
    if problem is not None:
        raise PlanFileInvalid(
            f"The plan file is damaged at {problem.json_path}: {problem.message[:200]}",
            where=str(path),
            hint="Plan again.",
        )
    if not _is_sealed(sealed_as, data):
        raise PlanFileInvalid(
            "The plan file was changed after it was written: its digest does not fit.",
            where=str(path),
            hint="Plan again.",
        )
    if to_apply and document["moment"] is None:
        raise PlanFileInvalid(
            "The plan file does not say when it was made.", where=str(path), hint="Plan again."
        )
    found = document["found"]
    try:
        planned = planned_of(document)
        again = sealed({**planned_document(planned), "found": found}) if to_apply else data
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


def _is_sealed(document: Mapping[str, Any], data: bytes) -> bool:
    """Whether these are the bytes of the document, and its digest fits."""
    try:
        return bool(document["digest"] == _digest(document) and data == _encoded(document))
    except (ValueError, RecursionError):  # what was never written: no number, half a character
        return False


def planned_to_json(planned: BoundPlan) -> dict[str, Json]:
    """The whole plan as JSON (schemas/plan.schema.json), with a digest over all of it."""
    document = planned_document(planned)
    return {**document, "digest": _digest(document)}


def digest_of(planned: BoundPlan) -> str:
    """What tells a plan from every other: `sha256:` and 64 hex digits."""
    return _digest(planned_document(planned))


def _digest(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "digest"}
    return "sha256:" + hashlib.sha256(_encoded(content)).hexdigest()
