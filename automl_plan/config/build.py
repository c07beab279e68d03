"""Builds the desired resources, the policy and the digest of a resolved configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from automl_plan import __version__
from automl_plan.config.rule import ResolvedConfig
from automl_plan.config.scalars import parse_duration
from automl_plan.config.schema import config_schema
from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.capabilities import BUDGET, Capabilities, training_options
from automl_plan.model.desired import (
    DEFAULT_KEEP_VERSIONS,
    Adoption,
    Check,
    Desired,
    DesiredDataset,
    DesiredModel,
    Lifecycle,
    Move,
    OnSourceChange,
    Policy,
    PolicyRule,
    Removal,
    RemovalAction,
)
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.notices import PORTS, Mailing, NoticeKind, Receiver, Tls, Way
from automl_plan.model.requirements import Requirements

DEFAULT_STATE_PATH = "state/default.json"


def desired(config: ResolvedConfig) -> Desired:
    """Return everything declared, sorted by name: the order in the files has no meaning."""
    datasets = (_dataset(name, config.datasets[name]) for name in sorted(config.datasets))
    models = (
        _model(name, config.models[name], config.capabilities) for name in sorted(config.models)
    )
    blocks = {section: list(found.values()) for section, found in config.blocks.items()}
    return Desired(
        {d.address: d for d in datasets},
        {m.address: m for m in models},
        # In the order of the files, so that the number of a block leads to its place.
        moves=tuple(
            Move(Address.parse(b["from"]), Address.parse(b["to"])) for b in blocks["moved"]
        ),
        removals=tuple(
            Removal(Address.parse(b["from"]), RemovalAction(b["action"])) for b in blocks["removed"]
        ),
        adoptions=tuple(
            Adoption(Address.parse(b["to"]), config.adopted_id(b)) for b in blocks["imports"]
        ),
    )


def policy(written: Mapping[str, Any]) -> Policy:
    """Return the policy: the rules of the schema that are declared."""
    if not written:
        return ()
    schema: Any = config_schema()
    declared = schema["definitions"]["policy"]["properties"]
    warn = written.get("warn", ())
    return tuple(
        PolicyRule(
            key,
            Check(schema["x-rule"]["check"]),
            written[key],
            schema["x-rule"]["message"],
            schema["x-rule"].get("of", ""),
            schema["x-rule"].get("grows_from"),
            key in warn,
        )
        for key, schema in declared.items()
        if key in written and "x-rule" in schema
    )


def receivers(written: Mapping[str, Any]) -> tuple[Receiver, ...]:
    """Return the receivers of messages; of all events by default."""
    found = []
    for name, entry in sorted(written.items()):
        (way,) = (each for each in Way if each in entry)
        values = entry[way]
        if way is Way.COMMAND:
            values = {"command": tuple(values)}
        elif way is Way.EMAIL:
            values = {"mailing": _mailing(values)}
        kinds = frozenset(map(NoticeKind, entry.get("events", NoticeKind)))
        if NoticeKind.GATE_REJECTED in kinds:
            kinds |= {NoticeKind.GATE_UNDECIDED}
        found.append(Receiver(name, way, kinds, **values))
    return tuple(found)


def _mailing(written: Mapping[str, Any]) -> Mailing:
    tls = Tls(written.get("tls", Tls.STARTTLS))
    return Mailing(
        written["host"],
        written.get("port", PORTS[tls]),
        tls,
        written["from"],
        tuple(written["to"]),
        written.get("username_env"),
        written.get("password_env"),
        written.get("ca_file"),
    )


def digest(config: ResolvedConfig, wanted: Desired) -> str:
    """`sha256:` and the hex digest of the canonical JSON of all that the configuration says.

    And of who reads it: no plan of another version fits, whatever its file claims to be.
    """
    content = {
        "version": __version__,
        "provider": {str(config.provider): config.provider_settings},
        "state": config.state_path,
        "datasets": {
            d.address.name: {
                **d.attributes(),
                "sources": d.sources,
                "on_source_change": d.on_source_change,
                **_lifecycle_json(d.lifecycle),
            }
            for d in wanted.datasets.values()
        },
        "models": {
            m.address.name: {
                "display_name": m.display_name,
                "dataset": m.dataset.name,
                m.problem: {
                    "model_type": m.model_type,
                    "train_budget_milli_node_hours": m.train_budget_milli_node_hours,
                    "base_model_id": m.base_model_id,
                    **m.training_options,
                },
                "deploy": m.node_count,
                "labels": m.labels,
                **_life_json(m),
                **_lifecycle_json(m.lifecycle),
            }
            for m in wanted.models.values()
        },
        **_blocks_json(wanted),
        **({"policy": dict(config.policy)} if config.policy else {}),
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _life_json(model: DesiredModel) -> dict[str, Any]:
    """What is said beyond the defaults; the rest leaves the digest as it is."""
    content: dict[str, Any] = {}
    if model.require is not None:
        content["require"] = model.require.to_json()
    if model.keep_versions != DEFAULT_KEEP_VERSIONS:
        content["keep_versions"] = model.keep_versions
    for key in ("retrain_before_expiry", "retrain_max_age"):
        duration: timedelta | None = getattr(model, key)
        if duration is not None:
            content[key] = duration.total_seconds()
    return content


def _lifecycle_json(lifecycle: Lifecycle) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if lifecycle.prevent_destroy:
        content["prevent_destroy"] = True
    if lifecycle.ignore_changes:
        content["ignore_changes"] = lifecycle.ignore_changes
    return content


def _blocks_json(wanted: Desired) -> dict[str, Any]:
    content = {
        "moved": sorted((str(m.source), str(m.target)) for m in wanted.moves),
        "removed": sorted((str(r.address), str(r.action)) for r in wanted.removals),
        "imports": sorted((str(a.address), a.object_id) for a in wanted.adoptions),
    }
    return {section: blocks for section, blocks in content.items() if blocks}


def _lifecycle(entry: Mapping[str, Any], budget: str = BUDGET) -> Lifecycle:
    lifecycle = entry.get("lifecycle", {})
    ignored = {field.replace(budget, BUDGET) for field in lifecycle.get("ignore_changes", ())}
    return Lifecycle(
        prevent_destroy=lifecycle.get("prevent_destroy", False),
        ignore_changes=tuple(sorted(ignored)),
    )


def _requirements(require: Mapping[str, Any] | None) -> Requirements | None:
    return None if require is None else Requirements.from_json(require)


def _dataset(name: str, entry: Mapping[str, Any]) -> DesiredDataset:
    problem = next(problem for problem in Problem if problem in entry)
    classification_type = None
    if problem is Problem.IMAGE_CLASSIFICATION:
        classification_type = ClassificationType(entry[problem]["classification_type"])
    return DesiredDataset(
        address=dataset_address(name),
        display_name=entry.get("display_name", name),
        problem=problem,
        classification_type=classification_type,
        description=entry.get("description", ""),
        labels=entry.get("labels", {}),
        sources=tuple(entry.get("sources", ())),
        on_source_change=OnSourceChange(entry.get("on_source_change", OnSourceChange.REPLACE)),
        lifecycle=_lifecycle(entry),
    )


def _model(name: str, entry: Mapping[str, Any], can: Capabilities) -> DesiredModel:
    problem = next(problem for problem in Problem if problem in entry)
    kind = entry[problem]
    deploy, retrain = entry.get("deploy"), entry.get("retrain", {})
    unit = can.budget_unit
    keep = entry.get("lifecycle", {}).get("keep_versions", DEFAULT_KEEP_VERSIONS)
    return DesiredModel(
        address=model_address(name),
        display_name=entry.get("display_name", name),
        dataset=dataset_address(entry["dataset"]),
        problem=problem,
        model_type=kind.get("model_type", can.default_model_types[problem]),
        # 8e3 is an integer for JSON Schema, and a float for Python.
        train_budget_milli_node_hours=int(kind[unit.field] * unit.milli_node_hours),
        base_model_id=kind.get("base_model_id"),
        training_options=training_options(entry.get(can.training_block or "", {})),
        labels=entry.get("labels", {}),
        node_count=None if deploy is None else int(deploy.get("node_count", 1)),
        redeploys=can.redeploys,
        sets_all_or_none=can.sets_all_or_none,
        require=_requirements(entry.get("require")),
        keep_versions=int(keep),
        retrain_before_expiry=parse_duration(retrain.get("before_expiry", "")),
        retrain_max_age=parse_duration(retrain.get("max_age", "")),
        lifecycle=_lifecycle(entry, unit.field),
    )
