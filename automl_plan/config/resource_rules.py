"""Named rules on single resources and settings: names, labels, types, budgets, sources."""

from __future__ import annotations

import os.path
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from automl_plan.config.findings import Finding, Suggester, listed, quoted
from automl_plan.config.prices import most_usd
from automl_plan.config.rule import ResolvedConfig, Rule, problem_of, registrar
from automl_plan.model.address import NAME_PATTERN
from automl_plan.model.live import FOREIGN_LABEL_PREFIXES, OWN_LABEL_PREFIX
from automl_plan.model.model_types import DEFAULT_MODEL_TYPE, MODEL_TYPES, Problem

MAX_LENGTH = 63
"""Unicode characters, of keys and of values."""
MAX_BYTES = 127
"""Of their UTF-8."""

_ASCII = re.compile(r"[a-z0-9_-]*")
_LETTERS = ("Ll", "Lo")
"""Lowercase letters, and letters of scripts that have no case."""
_DIGITS = "Nd"


def key_problem(key: str, *, digit_first: bool) -> str | None:
    """Why this can't be a key; None when it can. `digit_first`: whether it may start with one."""
    if not key:
        return "it is empty"
    first = unicodedata.category(key[0])
    if first not in _LETTERS and not (digit_first and first == _DIGITS):
        return f"it does not start with a lowercase letter{' or a digit' * digit_first}"
    return value_problem(key)


def value_problem(value: str) -> str | None:
    """Why this can't be a value; None when it can."""
    if len(value) > MAX_LENGTH:
        return f"it has {len(value):,} characters, more than {MAX_LENGTH}"
    if _ASCII.fullmatch(value):
        return None
    for c in value:
        if c not in "_-" and unicodedata.category(c) not in (*_LETTERS, _DIGITS):
            if unicodedata.category(c) == "Lu":
                return f'"{c}" is not lowercase'
            return f"it holds {unicodedata.name(c, f'U+{ord(c):04X}').lower()}"
    size = len(value.encode())
    if size > MAX_BYTES:
        return f"it has {size:,} bytes in UTF-8, more than {MAX_BYTES}"
    return None


MAX_LABELS = 56
"""The service takes 64; the others tell whose an object is, and what it was made of."""
MAX_DESCRIPTION = 25_000
"""Characters (proto: Dataset.description)."""
MAX_NODE_COUNT = 100
"""proto: ImageClassificationModelDeploymentMetadata.node_count."""
MAX_URI = 2_000
"""Characters (proto: GcsSource.input_uris)."""
MAX_PREFIX = 500
"""Characters of a staging bucket and its prefix: names of objects have up to 1,024 bytes."""

RULES: dict[str, Rule] = {}
"""All rules of this module, by id."""
_rule = registrar(RULES)

_BUCKET = r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
"""Cloud Storage documentation, "About Cloud Storage buckets"."""
_FOLDER = r"[A-Za-z0-9._=+@-]+"
"""Narrower than what may name an object: nothing here means more than itself to anybody."""
_AT_VERTEX = (r"[^\x00-\x1f\x7f]{1,128}", "1 to 128 characters, none of them a control character")
"""proto of Vertex AI: Dataset.display_name, Model.display_name."""
_DISPLAY_NAME = {
    "datasets": (r"[A-Za-z0-9_]{1,32}", "1 to 32 of A-Z, a-z, 0-9 and _"),
    "models": (r"[A-Za-z][A-Za-z0-9_]{0,31}", "a letter, then up to 31 of A-Z, a-z, 0-9 and _"),
}


@_rule("display-name", "Display names are ones that the service accepts.")
def _display_name(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        if (section, name, "display_name") in config.broken:
            continue
        pattern, allowed = _AT_VERTEX if config.at_vertex else _DISPLAY_NAME[section]
        written = "display_name" in entry
        if re.fullmatch(pattern, entry.get("display_name", name)):
            continue
        if written:
            message = f"{quoted(entry['display_name'])} can't be a display name"
            yield Finding(
                (section, name, "display_name"), "display-name", message, f"write {allowed}"
            )
        elif re.fullmatch(NAME_PATTERN, name):  # else the name itself is wrong
            fitting = re.sub(r"[^A-Za-z0-9_]", "_", name)[:32]
            message = f"the name {quoted(name)} can't be the display name too"
            hint = f"write display_name: {fitting} ({allowed})"
            yield Finding((section, name), "display-name", message, hint, at_key=True)


@_rule("description-length", f"A description has at most {MAX_DESCRIPTION:,} characters.")
def _description_length(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.datasets.items():
        length = len(entry.get("description", ""))
        if length > MAX_DESCRIPTION:
            yield Finding(
                ("datasets", name, "description"),
                "description-length",
                f"the description has {length:,} characters",
                f"write at most {MAX_DESCRIPTION:,}",
            )


@_rule("label-key", "Keys of labels are ones that the service accepts.")
def _label_key(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        for key in entry.get("labels", ()):
            if problem := key_problem(key, digit_first=config.at_vertex):
                path = (section, name, "labels", key)
                message = f"{quoted(key)} can't be the key of a label: {problem}"
                more = MAX_LENGTH - 1
                hint = f"write a lowercase letter, then up to {more} of them, digits, _ or -"
                yield Finding(path, "label-key", message, hint, at_key=True)


@_rule("label-value", "Values of labels are ones that the service accepts.")
def _label_value(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        for key, value in entry.get("labels", {}).items():
            if problem := value_problem(value):
                path = (section, name, "labels", key)
                message = f"{quoted(value)} can't be the value of a label: {problem}"
                hint = f"write up to {MAX_LENGTH} lowercase letters, digits, _ or -, or nothing"
                yield Finding(path, "label-value", message, hint)


@_rule("label-count", f"A resource has at most {MAX_LABELS} labels.")
def _label_count(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        count = len(entry.get("labels", ()))
        if count > MAX_LABELS:
            message = f"there are {count} labels, and at most {MAX_LABELS} can be written"
            hint = "the service takes 64, and automl-plan sets up to 8 itself"
            path = (section, name, "labels")
            yield Finding(path, "label-count", message, hint, at_key=True)


@_rule("label-reserved", "Labels of automl-plan and of Google's services are not written.")
def _label_reserved(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        for key in entry.get("labels", ()):
            for prefix in (OWN_LABEL_PREFIX, *FOREIGN_LABEL_PREFIXES):
                if key.startswith(prefix):
                    path = (section, name, "labels", key)
                    message = f"keys of labels that start with {prefix} are reserved"
                    hint = "choose another key"
                    yield Finding(path, "label-reserved", message, hint, at_key=True)


@_rule("model-type", "A model's type is one that the service trains for its kind.")
def _model_type(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        problem = problem_of(entry)
        written = entry[problem].get("model_type") if problem else None
        if problem is None or written is None or written in MODEL_TYPES[problem]:
            continue
        other = next((p for p in Problem if written in MODEL_TYPES[p]), None)
        message = f"{quoted(written)} is no model type of {problem}"
        hint = f"write {listed(MODEL_TYPES[problem])}"
        if other is not None:
            message += f", only of {other}"
        elif near := Suggester(MODEL_TYPES[problem])(written):
            hint = f"did you mean {quoted(near)}? {hint}"
        yield Finding(("models", name, problem, "model_type"), "model-type", message, hint)


@_rule("budget-bounds", "A train budget lies within the bounds of the model's type.")
def _budget_bounds(config: ResolvedConfig) -> Iterator[Finding]:
    field = "train_budget_milli_node_hours"
    for name, entry in config.models.items():
        problem = problem_of(entry)
        if problem is None or ("models", name, problem, "model_type") in config.broken:
            continue
        budget = entry[problem].get(field)
        known = MODEL_TYPES[problem].get(
            entry[problem].get("model_type", DEFAULT_MODEL_TYPE[problem])
        )
        if budget is None or known is None or known.min_budget <= budget <= known.max_budget:
            continue
        yield Finding(
            ("models", name, problem, field),
            "budget-bounds",
            f"{budget:,} milli node hours are out of bounds for the model type {known.name}",
            f"write {known.min_budget} to {known.max_budget}"
            f" (up to {most_usd(problem, known.name, known.min_budget)}"
            f" to {most_usd(problem, known.name, known.max_budget)})",
        )


@_rule("dataset-reference", "A model's dataset is declared.")
def _dataset_reference(config: ResolvedConfig) -> Iterator[Finding]:
    if not config.complete:
        return
    suggest = Suggester(config.datasets)
    for name, entry in config.models.items():
        dataset = entry.get("dataset")
        if dataset is not None and dataset not in config.datasets:
            message = f"no dataset {quoted(dataset)} is declared"
            hint = suggest.hint(dataset, "declare it under datasets")
            yield Finding(("models", name, "dataset"), "dataset-reference", message, hint)


@_rule("kind-mismatch", "A model is of the same kind as its dataset.")
def _kind_mismatch(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        dataset = entry.get("dataset", "")
        mine, its = problem_of(entry), problem_of(config.datasets.get(dataset, {}))
        if mine is None or its is None or mine == its:
            continue
        message = f"the model is for {mine}, but its dataset {quoted(dataset)} is for {its}"
        path = ("models", name, str(mine))
        hint = f"write {its}, or another dataset"
        yield Finding(path, "kind-mismatch", message, hint, at_key=True)


@_rule("node-count", f"A model is deployed on 1 to {MAX_NODE_COUNT} nodes.")
def _node_count(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        nodes = entry.get("deploy", {}).get("node_count", 1)
        if not 1 <= nodes <= MAX_NODE_COUNT:
            hint = f"write 1 to {MAX_NODE_COUNT}"
            if nodes == 0:
                hint += "; without deploy: the model is not deployed"
            path = ("models", name, "deploy", "node_count")
            yield Finding(path, "node-count", f"a model can't have {nodes:,} nodes", hint)


@_rule("source-form", "Sources are CSV files that the provider can read.")
def _source_form(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.datasets.items():
        for i, source in enumerate(entry.get("sources", ())):
            if wrong := _wrong_with_source(source, config):
                path = ("datasets", name, "sources", str(i))
                yield Finding(path, "source-form", *wrong)


def _wrong_with_source(source: str, config: ResolvedConfig) -> tuple[str, str] | None:
    shown = quoted(source)
    if re.search(r"[\x00-\x1f\x7f]", source):
        return f"{shown} holds a control character", "write the file's name as it is"
    if not source.endswith(".csv"):
        return f"{shown} is no CSV file", "write a name that ends in .csv"
    if source.startswith("gs://"):
        if len(source) > MAX_URI:
            return f"{shown} is too long", f"at most {MAX_URI:,} characters"
        if not re.fullmatch(r"gs://[^/\s]+/\S(.*\S)?", source):
            return f"{shown} names no object", "write gs://BUCKET/OBJECT.csv"
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source):
        return f"{shown} can't be read", "write gs://BUCKET/OBJECT.csv or a relative path"
    provider = config.provider
    staged = ("provider", str(provider), "staging_bucket")
    uploads = "staging_bucket" in config.provider_settings or staged in config.broken
    if provider in ("automl", "vertex") and not uploads:
        hint = (
            "upload the file, and write gs://BUCKET/OBJECT.csv; or have it uploaded: write "
            "staging_bucket: gs://BUCKET beside the project"
        )
        return f"{shown} is a local path, which the provider {provider} can't read", hint
    if source.startswith("/"):
        hint = "write a path relative to the configuration's directory"
        return f"{shown} is an absolute path", hint
    if os.path.normpath(source).split("/")[0] == "..":
        hint = "move the data below the directory"
        return f"{shown} leads out of the configuration's directory", hint
    return None


@_rule("source-duplicates", "A dataset names a source once.")
def _source_duplicates(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.datasets.items():
        seen: set[str] = set()
        for i, source in enumerate(entry.get("sources", ())):
            plain = source if "://" in source else os.path.normpath(source)
            if plain in seen:
                path = ("datasets", name, "sources", str(i))
                message = f"{quoted(source)} is listed twice"
                yield Finding(path, "source-duplicates", message, "remove one of the two")
            seen.add(plain)


@_rule("path-form", "Paths are not empty and hold no control characters.")
def _path_form(config: ResolvedConfig) -> Iterator[Finding]:
    paths: dict[tuple[str, ...], Any] = {("state", "local", "path"): config.state_path}
    paths["prices", "file"] = config.prices_path
    for key in ("data_dir", "bucket_root"):
        if config.provider == "local" and key in config.provider_settings:
            paths["provider", "local", key] = config.provider_settings[key]
    for path, value in paths.items():
        if value is not None and not re.fullmatch(r"[^\x00-\x1f\x7f]+", value):
            message = f"{quoted(value)} can't be a path"
            yield Finding(
                path, "path-form", message, "a path is not empty and has no control characters"
            )


@_rule("project-id", "The project is one word.")
def _project_id(config: ResolvedConfig) -> Iterator[Finding]:
    project = config.provider_settings.get("project", "-")
    if not re.fullmatch(r"[^\s/]+", project):
        message = f"{quoted(project)} can't be the id of a project"
        path = ("provider", str(config.provider), "project")
        yield Finding(path, "project-id", message, "write the id alone, such as my-project")


@_rule("staging-bucket", "Local data is uploaded to a bucket, or below a folder of one.")
def _staging_bucket(config: ResolvedConfig) -> Iterator[Finding]:
    written = config.provider_settings.get("staging_bucket")
    if written is None:
        return
    bucket, *folders = written.removeprefix("gs://").removesuffix("/").split("/")
    path = ("provider", str(config.provider), "staging_bucket")
    if not written.startswith("gs://") or not re.fullmatch(_BUCKET, bucket):
        message = f"{quoted(written)} names no bucket"
        yield Finding(path, "staging-bucket", message, "write gs://BUCKET or gs://BUCKET/PREFIX")
        return
    wrong = [f for f in folders if not re.fullmatch(_FOLDER, f) or not f.strip(".")]
    if wrong or len(written) > MAX_PREFIX:
        message = f"nothing can be uploaded below {quoted(written)}"
        hint = (
            f"write at most {MAX_PREFIX} characters, and as names of folders letters, digits and "
            "any of . _ = + @ -"
        )
        yield Finding(path, "staging-bucket", message, hint)
