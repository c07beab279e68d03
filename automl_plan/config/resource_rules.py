"""Named rules on single resources and settings: names, labels, types, budgets, sources."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from typing import Any

from automl_plan.config.findings import Finding, KeyPath, Suggester, listed, quoted
from automl_plan.config.prices import most_usd
from automl_plan.config.rule import ResolvedConfig, Rule, problem_of, registrar
from automl_plan.model.address import NAME_PATTERN
from automl_plan.model.capabilities import Providers, SettingProblem
from automl_plan.model.live import OWN_LABEL_PREFIX
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import is_folder

_FIELDS = frozenset((*Problem, "labels", "deploy", "require", "retrain", "lifecycle"))
"""Mappings that every model may have; another one is the training block of a provider."""

RULES: dict[str, Rule] = {}
"""All rules of this module, by id."""
_rule = registrar(RULES)


@_rule("display-name", "Display names are valid at the service.")
def _display_name(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        if (section, name, "display_name") in config.broken:
            continue
        can = config.capabilities
        grammar = can.dataset_name if section == "datasets" else can.model_name
        written = "display_name" in entry
        if re.fullmatch(grammar.pattern, entry.get("display_name", name)):
            continue
        if written:
            message = f"{quoted(entry['display_name'])} is not a valid display name"
            yield Finding(
                (section, name, "display_name"), "display-name", message, f"write {grammar.allowed}"
            )
        elif re.fullmatch(NAME_PATTERN, name):  # else the name itself is wrong
            fitting = re.sub(r"[^A-Za-z0-9_]", "_", name)[:32]
            message = f"the name {quoted(name)} is not a valid display name"
            hint = f"write display_name: {fitting} ({grammar.allowed})"
            yield Finding((section, name), "display-name", message, hint, at_key=True)


@_rule("description-length", "A description is no longer than the service accepts.")
def _description_length(config: ResolvedConfig) -> Iterator[Finding]:
    most = config.capabilities.max_description
    for name, entry in config.datasets.items():
        length = len(entry.get("description", ""))
        if length > most:
            path = ("datasets", name, "description")
            message = f"the description has {length:,} characters"
            yield Finding(path, "description-length", message, f"write at most {most:,}")


@_rule("label-key", "Label keys are valid at the service.")
def _label_key(config: ResolvedConfig) -> Iterator[Finding]:
    grammar = config.capabilities.labels
    for section, name, entry in config.resources():
        for key in entry.get("labels", ()):
            if key.startswith(grammar.reserved):
                continue  # another rule
            if problem := grammar.key_problem(key):
                path = (section, name, "labels", key)
                message = f"{quoted(key)} is not a valid label key: {problem}"
                yield Finding(path, "label-key", message, grammar.key_hint, at_key=True)


@_rule("label-value", "Label values are valid at the service.")
def _label_value(config: ResolvedConfig) -> Iterator[Finding]:
    grammar = config.capabilities.labels
    for section, name, entry in config.resources():
        for key, value in entry.get("labels", {}).items():
            if key.startswith(grammar.reserved):
                continue  # another rule
            if problem := grammar.value_problem(value):
                path = (section, name, "labels", key)
                message = f"{quoted(value)} is not a valid label value: {problem}"
                yield Finding(path, "label-value", message, grammar.value_hint)


@_rule("label-count", "A resource has no more labels than the service accepts beside ours.")
def _label_count(config: ResolvedConfig) -> Iterator[Finding]:
    grammar = config.capabilities.labels
    for section, name, entry in config.resources():
        count = len(entry.get("labels", ()))
        if count > grammar.most:
            message = f"there are {count} labels; at most {grammar.most} are allowed"
            path = (section, name, "labels")
            yield Finding(path, "label-count", message, grammar.most_hint, at_key=True)


@_rule("label-reserved", "Labels reserved for automl-plan and the service are not declared.")
def _label_reserved(config: ResolvedConfig) -> Iterator[Finding]:
    for section, name, entry in config.resources():
        for key in entry.get("labels", ()):
            for prefix in (OWN_LABEL_PREFIX, *config.capabilities.labels.reserved):
                if key.startswith(prefix):
                    path = (section, name, "labels", key)
                    message = f"label keys that start with {prefix} are reserved"
                    hint = "choose another key"
                    yield Finding(path, "label-reserved", message, hint, at_key=True)


@_rule("model-type", "A model's type exists for its kind of model.")
def _model_type(config: ResolvedConfig) -> Iterator[Finding]:
    known = config.capabilities.model_types
    for name, entry in config.models.items():
        problem = problem_of(entry)
        if problem is not None and problem not in known:
            message = f"the provider {config.provider} trains no models for {problem}"
            path = ("models", name, str(problem))
            yield Finding(path, "model-type", message, f"write {listed(known)}", at_key=True)
            continue
        written = entry[problem].get("model_type") if problem else None
        if problem is None or written is None or written in known[problem]:
            continue
        if written in config.capabilities.unavailable_types:
            continue  # the next rule says what to write in its place
        other = next((p for p, types in known.items() if written in types), None)
        message = f"{quoted(written)} is not a model type of {problem}"
        hint = f"write {listed(known[problem])}"
        if other is not None:
            message += f", only of {other}"
        elif near := Suggester(known[problem])(written):
            hint = f"did you mean {quoted(near)}? {hint}"
        yield Finding(("models", name, problem, "model_type"), "model-type", message, hint)


@_rule("vertex-model-type", "A model's type is one that the provider trains.")
def _unavailable_type(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        problem = problem_of(entry)
        written = entry[problem].get("model_type", "") if problem else ""
        unavailable = config.capabilities.unavailable_types.get(written)
        if problem is not None and unavailable is not None:
            path = ("models", name, problem, "model_type")
            hint = f"write {unavailable.instead}"
            yield Finding(path, "vertex-model-type", unavailable.reason, hint)


@_rule("budget-bounds", "A train budget is within the range of its model type.")
def _budget_bounds(config: ResolvedConfig) -> Iterator[Finding]:
    can = config.capabilities
    unit = can.budget_unit
    for name, entry in config.models.items():
        problem = problem_of(entry)
        if problem is None or ("models", name, problem, "model_type") in config.broken:
            continue
        if problem not in can.model_types:
            continue  # reported already
        written = entry[problem].get(unit.field)
        model_type = entry[problem].get("model_type", can.default_model_types[problem])
        known = can.model_types[problem].get(model_type)
        if written is None or known is None:
            continue
        budget = written * unit.milli_node_hours
        if known.min_budget <= budget <= known.max_budget:
            continue
        yield Finding(
            ("models", name, problem, unit.field),
            "budget-bounds",
            f"{written:,} {unit.name} are out of range for the model type {known.name}",
            f"write {unit.written(known.min_budget)} to {unit.written(known.max_budget)}"
            f" (up to {most_usd(can, problem, known.name, known.min_budget)}"
            f" to {most_usd(can, problem, known.name, known.max_budget)})",
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


@_rule("node-count", "The number of nodes is within the range of the service.")
def _node_count(config: ResolvedConfig) -> Iterator[Finding]:
    most = config.capabilities.max_nodes
    for name, entry in config.models.items():
        nodes = entry.get("deploy", {}).get("node_count", 1)
        if not 1 <= nodes <= most:
            hint = f"write 1 to {most}"
            if nodes == 0:
                hint += "; to keep it undeployed, remove deploy"
            path = ("models", name, "deploy", "node_count")
            yield Finding(path, "node-count", f"a model can't be deployed on {nodes:,} nodes", hint)


@_rule("source-form", "Sources are CSV or JSON Lines files that the provider can read, or folders.")
def _source_form(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.datasets.items():
        for i, source in enumerate(entry.get("sources", ())):
            if wrong := _wrong_with_source(source, config, problem_of(entry)):
                path = ("datasets", name, "sources", str(i))
                yield Finding(path, "source-form", *wrong)


_FORMATS = (".csv", ".jsonl")


def _form_hint(source: str) -> str:
    """Return what to do about a source that has not the name of an import file, or of a folder."""
    if source.lower().rstrip().endswith(_FORMATS):
        return "rename the file: its name ends in .csv or .jsonl, in small letters"
    if source.lower().endswith((".json", ".ndjson")):
        return "a JSON Lines file has an object on each line, and a name that ends in .jsonl"
    last = source.rpartition("/")[2]
    if "." not in last:
        folder = source.rstrip("/*") or "data"
        return f"write a CSV file with a line for each image, such as TRAIN,{folder}/1.jpg,cat"
    return "write a name that ends in .csv or .jsonl, or a folder, with a slash at its end"


def _wrong_with_source(
    source: str, config: ResolvedConfig, problem: Problem | None
) -> tuple[str, str] | None:
    shown = quoted(source)
    if re.search(r"[\x00-\x1f\x7f]", source):
        return f"{shown} contains a control character", "write the file name without it"
    if not source.endswith(_FORMATS) and not is_folder(source):
        return f"{shown} is no CSV or JSON Lines file", _form_hint(source)
    if is_folder(source) and problem is Problem.IMAGE_OBJECT_DETECTION:
        hint = "write a CSV with a line for each box: TRAIN,photos/1.jpg,cat,0.1,0.2,,,0.5,0.6,,"
        return f"{shown} is a folder, which has labels of images, but no boxes", hint
    form = config.capabilities.sources
    setting = form.upload_setting
    uploads = setting is not None and (
        setting in config.provider_settings or (*config.place, setting) in config.broken
    )
    converts = form.reads_local or uploads
    if source.startswith(form.scheme):
        if len(source) > form.longest:
            return f"{shown} is too long", f"at most {form.longest:,} characters"
        if not re.fullmatch(form.pattern, source):
            return f"{shown} is not the URI of an object", f"write {form.example}"
        if not source.endswith(form.formats) and not converts:
            hint = "write a CSV" + (
                f", or add {form.upload_hint} to have it made" if setting else ""
            )
            return f"{shown} has a format that the provider {config.provider} can't import", hint
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source):
        return f"{shown} can't be read", f"write {form.example} or a relative path"
    if not converts:
        what = "images, and a CSV that lists them," if is_folder(source) else "file"
        hint = f"upload the {what} and write {form.example}"
        if setting is not None:
            hint += f", or add {form.upload_hint} to have it uploaded"
        return f"{shown} is a local path, which the provider {config.provider} can't read", hint
    if source.startswith("/"):
        hint = "write a path relative to the configuration's directory"
        return f"{shown} is an absolute path", hint
    if os.path.normpath(source).split("/")[0] == "..":
        hint = "move the data into the directory"
        return f"{shown} is outside the configuration's directory", hint
    return None


@_rule("source-duplicates", "A dataset lists a source once.")
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


@_rule("path-form", "Paths are not empty and contain no control characters.")
def _path_form(config: ResolvedConfig) -> Iterator[Finding]:
    paths = {("state", "local", "path"): config.state_path, ("prices", "file"): config.prices_path}
    for path, value in paths.items():
        if value is not None and not re.fullmatch(r"[^\x00-\x1f\x7f]+", value):
            message = f"{quoted(value)} is not a valid path"
            yield Finding(path, "path-form", message, "write a path without control characters")


def _of_provider(found: SettingProblem, rule: str, base: KeyPath, block: Any) -> Finding:
    value = block
    for key in found.path:
        value = value[key] if isinstance(value, dict) else None
    message = found.message.replace("{}", quoted(value))
    return Finding((*base, *found.path), rule, message, found.hint)


def provider_findings(config: ResolvedConfig, providers: Providers) -> Iterator[Finding]:
    """Apply the rules of providers: on the chosen one's settings, and on all training blocks."""
    if config.provider is not None:
        for rule in config.definition.rules:
            for found in rule.check(config.provider_settings):
                yield _of_provider(found, rule.id, config.place, config.provider_settings)
    for name, entry in config.models.items():
        for key in entry:
            if key not in _FIELDS and isinstance(entry[key], dict) and key in providers:
                for rule in providers[key].training_rules:
                    for found in rule.check(entry[key]):
                        yield _of_provider(found, rule.id, ("models", name, key), entry[key])
