"""Commands and flags that planning's sentences name: the one place of them. Pure."""

from __future__ import annotations

from automl_plan.model.address import Address, ResourceKind

WAIT = "`automl-plan wait`"
APPLY = "`automl-plan apply`"
OPERATIONS = "`automl-plan operations`"
STATE_LIST = "`automl-plan state list`"
STATE_NEW = "`automl-plan state new`"
STATE_PUSH = "`automl-plan state push FILE`"
STATE_REBUILD = "`automl-plan state rebuild`"
VERSIONS = "`automl-plan models versions NAME`"
ALLOW_LARGE_CHANGE = "--allow-large-change"
ALLOW_PARTIAL_IMPORT = "--allow-partial-import"
NO_LINT = "--no-lint"
TARGET = "--target"
EXCLUDE = "--exclude"
REPLACE = "--replace"


def replace(address: Address) -> str:
    """The command that replaces a dataset or trains a new version of a model."""
    return f"`automl-plan apply {REPLACE} {address}`"


def promote(address: Address, version: int | None) -> str:
    """The command that makes a version the current one; None: one that is not there yet."""
    number = "VERSION" if version is None else version
    return f"`automl-plan models promote {address.name} {number}`"


def lint(address: Address) -> str:
    """The command that lists all findings in a dataset's import data."""
    return f"`automl-plan datasets lint {address.name}`"


def adopt(address: object, object_id: str) -> str:
    """The command that imports a live object."""
    return f"`automl-plan import {address} {object_id}`"


def delete_model(object_id: str) -> str:
    """The command that deletes a live model."""
    return f"`automl-plan models delete {object_id}`"


def list_live(kind: ResourceKind) -> str:
    """The command that lists what the provider has."""
    return f"`automl-plan {kind}s list`"


def forget(subject: object) -> str:
    """The command that drops an address from the state, or our labels from an object."""
    return f"`automl-plan state rm {subject}`"


def wait_for(operation_id: str) -> str:
    """The command that waits for one operation."""
    return f"`automl-plan operations wait {operation_id}`"


def cancel(operation_id: str) -> str:
    """The command that cancels one operation."""
    return f"`automl-plan operations cancel {operation_id}`"
