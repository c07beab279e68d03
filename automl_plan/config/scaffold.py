"""The first configuration of a newcomer, for `automl-plan init`, and the step after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from automl_plan.config.configuration import Configuration
from automl_plan.config.files import is_configuration_name
from automl_plan.config.misnamed import misnamed
from automl_plan.config.schema import config_schema
from automl_plan.errors import UsageError

_CONFIGURATION = "automl-plan.yaml"
_KEPT = ".automl-plan"
_SCHEMA = f"{_KEPT}/config.schema.json"

_SOURCES = """\
      classification_type: MULTICLASS  # at most one label per image; MULTILABEL: any number
    # CSV files with one line per image: SET,PATH,LABEL, such as TRAIN,data/1.jpg,cat
    # PATH is relative to this directory; SET is TRAIN, VALIDATION, TEST or empty.
    # A folder with a folder of images for each label is a source, too: [data/images/]
    # sources: [data/images.csv]
"""
_FOLDER = """\
      classification_type: {kind}  # {meaning}
    # A folder for each label; train, val and test above the labels are sets. Without them, the
    # content of each image decides its set.
    sources: [{source}]
"""
_TEXT = f"""\
# yaml-language-server: $schema={_SCHEMA}
# Which datasets and models should exist. To see what would change: automl-plan plan

provider:
  local: {{}}  # the embedded service: no account, no cost
  # vertex: {{project: my-project, location: us-central1, staging_bucket: gs://my-bucket}}

variables:
  budget:
    type: integer
    default: 8000
    description: The most that one training may use, in milli node hours (8000 = 8 node hours).

datasets:
  @NAME@:
    image_classification:
@SOURCES@
models:
  @NAME@:
    dataset: @NAME@
    image_classification:
      model_type: cloud
      train_budget_milli_node_hours: ${{var.budget}}  # another value: --var budget=9000
    # deploy: {{node_count: 1}}  # for online predictions; each node is billed by the hour
    # require: {{au_prc: 0.95, not_worse_than_current: 0.01}}  # or keep the current version
    # retrain: {{before_expiry: 30d}}  # models expire after 18 months
    # lifecycle: {{prevent_destroy: true, keep_versions: 1}}
"""
_GITIGNORE = f"""\
# data of the embedded service
{_KEPT}/
"""


class Declared(NamedTuple):
    """What a first configuration declares."""

    name: str = "images"
    """Of the dataset, and of its model."""
    source: str = ""
    """A folder of images; empty where there is none yet."""
    multilabel: bool = False


def scaffold(directory: Path, declared: Declared | None = None) -> tuple[Path, ...]:
    """Write a small commented configuration, its schema for editors, and a `.gitignore`.

    Returns the files written. Makes the directory when it is missing; a `.gitignore` that is
    there keeps what it holds. Raises UsageError when the directory holds a configuration
    already, before anything is written, or when it can't be written.
    """
    try:
        return _written(directory, declared or Declared())
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UsageError(f"{directory} can't be written: {reason}") from problem


def _written(directory: Path, declared: Declared) -> tuple[Path, ...]:
    directory.mkdir(parents=True, exist_ok=True)
    there = [path.name for path in sorted(directory.iterdir()) if is_configuration_name(path.name)]
    for name in there or [found.file for found in misnamed(directory, ())]:
        raise UsageError(
            f"{name} already exists: the directory contains a configuration",
            where=str(directory / name),
            hint="use another directory with -C DIR",
        )
    (directory / _KEPT).mkdir(exist_ok=True)
    (directory / _SCHEMA).write_text(json.dumps(config_schema(), indent=2) + "\n", encoding="utf-8")
    (directory / _CONFIGURATION).write_text(_text(declared), encoding="utf-8")
    written = (directory / _CONFIGURATION, directory / _SCHEMA)
    gitignore = directory / ".gitignore"
    ignored = gitignore.read_bytes() if gitignore.exists() else b""
    if f"{_KEPT}/".encode() in ignored.splitlines():
        return written
    ending = b"" if ignored.endswith(b"\n") or not ignored else b"\n"
    gitignore.write_bytes(ignored + ending + _GITIGNORE.encode())
    return (*written, gitignore)


def _text(declared: Declared) -> str:
    sources = _SOURCES
    if declared.source:
        kind, meaning = "MULTICLASS", "at most one label per image; MULTILABEL: any number"
        if declared.multilabel:
            kind, meaning = "MULTILABEL", "some images are in the folders of several labels"
        source = json.dumps(declared.source.replace("${", "$${"), ensure_ascii=False)
        sources = _FOLDER.format(kind=kind, meaning=meaning, source=source)
    return _TEXT.replace("@NAME@", declared.name).replace("@SOURCES@\n", sources + "\n")


def first_step(configuration: Configuration) -> str | None:
    """Return what to do before the first plan; None once anything is recorded.

    An adopted dataset needs no sources.
    """
    desired = configuration.desired
    adopted = {adoption.address for adoption in desired.adoptions}
    without = sorted(
        address
        for address, dataset in desired.datasets.items()
        if not dataset.sources and address not in adopted
    )
    if not without or configuration.state_path.exists():
        return None
    address = without[0]
    place = configuration.position(address)
    where = f" ({place.file}:{place.line})" if place is not None else ""
    return (
        f"{address} has no images yet. Put them into data/, write data/{address.name}.csv (one "
        "line per image, such as TRAIN,data/1.jpg,cat), add "
        f"`sources: [data/{address.name}.csv]`{where}, then run `automl-plan plan`."
    )
