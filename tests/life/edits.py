"""Edits of the configuration and of the data: each is a kind of step.

An edit takes the world, the checkout that is worked in, and chance; False: there is nothing here
that it could be made on.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.life.world import BUDGET, WRONG_LABEL, Checkout, World, sources_of

Edit = Callable[[World, Checkout, Random], bool]
BUDGETS = (8000, 9000, 10_000)
GATES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"au_prc": 0.1},
    {"au_prc": 0.95, "confidence": 0.95},  # nothing meets it with so few examples
    {"not_worse_than_current": 0.0},
    {"precision": 0.5},
)
IGNORED = {
    "models": (
        *("labels", "labels.team", "deploy", "deploy.node_count", "image_classification"),
        *("dataset", f"image_classification.{BUDGET}", "display_name"),
    ),
    "datasets": ("labels", "labels.team", "description", "sources", "image_classification"),
}
_LEAST_ROWS = 12


def declare_dataset(world: World, here: Checkout, chance: Random) -> bool:
    """Another dataset."""
    if len(here.datasets) >= 3:
        return False
    name = world.new_name("d")
    world.put_rows(name, world.new_rows(16))
    here.datasets[name] = {
        "image_classification": {"classification_type": "MULTICLASS"},
        "sources": [f"gs://data/{name}.csv"],
    }
    if chance.random() < 0.3:
        here.datasets[name]["on_source_change"] = "append"
    return True


def declare_model(world: World, here: Checkout, chance: Random) -> bool:
    """Another model."""
    if len(here.models) >= 4 or not here.datasets:
        return False
    declared: dict[str, Any] = {
        "dataset": chance.choice(list(here.datasets)),
        "image_classification": {BUDGET: chance.choice(BUDGETS)},
    }
    if chance.random() < 0.7:
        declared["deploy"] = {"node_count": 1}
    here.models[world.new_name("m")] = declared
    return True


def _model(here: Checkout, chance: Random) -> dict[str, Any] | None:
    return here.models[chance.choice(list(here.models))] if here.models else None


def _dataset(here: Checkout, chance: Random) -> str | None:
    return chance.choice(list(here.datasets)) if here.datasets else None


def _resource(here: Checkout, chance: Random) -> tuple[str, dict[str, Any]] | None:
    found = [("models", m) for m in here.models.values()]
    found += [("datasets", d) for d in here.datasets.values()]
    return chance.choice(found) if found else None


def _put(home: dict[str, Any], key: str, value: object) -> bool:
    """Set a key, or remove it for None; whether that changed anything."""
    if home.get(key) == value:
        return False
    if value is None:
        del home[key]
    else:
        home[key] = value
    return True


def _lifecycle(declared: dict[str, Any], key: str, value: object) -> bool:
    changed = _put(declared.setdefault("lifecycle", {}), key, value)
    if not declared["lifecycle"]:
        del declared["lifecycle"]
    return changed


def budget(world: World, here: Checkout, chance: Random) -> bool:
    """Another train budget."""
    model = _model(here, chance)
    return model is not None and _put(model["image_classification"], BUDGET, chance.choice(BUDGETS))


def labels(world: World, here: Checkout, chance: Random) -> bool:
    """Another label, or none."""
    found = _resource(here, chance)
    value = chance.choice((None, {"team": "x"}, {"team": "y"}, {"team": "x", "env": "z"}))
    return found is not None and _put(found[1], "labels", value)


def description(world: World, here: Checkout, chance: Random) -> bool:
    """Another description of a dataset."""
    name = _dataset(here, chance)
    value = chance.choice((None, "one", "two"))
    return name is not None and _put(here.datasets[name], "description", value)


def _file(world: World, here: Checkout, chance: Random) -> str | None:
    name = _dataset(here, chance)
    files = [] if name is None else sources_of(here, name)
    return files[0] if files else None


def rows_added(world: World, here: Checkout, chance: Random) -> bool:
    """Rows of new images."""
    file = _file(world, here, chance)
    if file is None:
        return False
    world.put_rows(file, (*world.rows[file], *world.new_rows(2)))
    return True


def rows_removed(world: World, here: Checkout, chance: Random) -> bool:
    """Two rows less."""
    file = _file(world, here, chance)
    if file is None or len(world.rows[file]) <= _LEAST_ROWS:
        return False
    at = chance.randrange(len(world.rows[file]) - 2)
    world.put_rows(file, world.rows[file][:at] + world.rows[file][at + 2 :])
    return True


def row_relabelled(world: World, here: Checkout, chance: Random) -> bool:
    """Another label of an image; now and then one that the lint refuses."""
    file = _file(world, here, chance)
    if file is None:
        return False
    rows = list(world.rows[file])
    at = chance.randrange(len(rows))
    use, image, label = rows[at]
    others = [each for each in ("cat", "dog", WRONG_LABEL) if each != label]
    rows[at] = (use, image, chance.choices(others, [3] * (len(others) - 1) + [1])[0])
    world.put_rows(file, tuple(rows))
    return True


def rows_back(world: World, here: Checkout, chance: Random) -> bool:
    """Rows as they once were."""
    file = _file(world, here, chance)
    if file is None or not world.former_rows.get(file):
        return False
    world.put_rows(file, chance.choice(world.former_rows[file][-3:]))
    return True


def rows_mended(world: World, here: Checkout, chance: Random) -> bool:
    """What the lint refuses is written right."""
    for file, rows in world.rows.items():
        if any(label == WRONG_LABEL for _, _, label in rows):
            mended = [(u, i, "cat" if label == WRONG_LABEL else label) for u, i, label in rows]
            world.put_rows(file, tuple(mended))
            return True
    return False


def nodes(world: World, here: Checkout, chance: Random) -> bool:
    """Another number of nodes."""
    model = _model(here, chance)
    if model is None or "deploy" not in model:
        return False
    return _put(model["deploy"], "node_count", chance.choice((1, 2, 3)))


def deploy(world: World, here: Checkout, chance: Random) -> bool:
    """Deployed, or not any more."""
    model = _model(here, chance)
    if model is None:
        return False
    return _put(model, "deploy", None if "deploy" in model else {"node_count": 1})


def gate(world: World, here: Checkout, chance: Random) -> bool:
    """Another gate."""
    model = _model(here, chance)
    return model is not None and _put(model, "require", chance.choice(GATES))


def rename(world: World, here: Checkout, chance: Random) -> bool:
    """Another name of a resource, with `moved` or without."""
    section = chance.choice(("models", "models", "datasets"))
    homes: dict[str, Any] = here.document[section]
    if not homes:
        return False
    old, kind = chance.choice(list(homes)), section[:-1]
    new = world.new_name(kind[0])
    here.document[section] = {(new if k == old else k): v for k, v in homes.items()}
    if kind == "dataset":
        for model in here.models.values():
            if model["dataset"] == old:
                model["dataset"] = new
    for block in here.blocks("imports"):
        if block["to"] == f"{kind}.{old}":
            block["to"] = f"{kind}.{new}"
    moves = here.document.setdefault("moved", [])
    if chance.random() < 0.6:
        moves.append({"from": f"{kind}.{old}", "to": f"{kind}.{new}"})
    _sound(here)
    return True


def remove(world: World, here: Checkout, chance: Random) -> bool:
    """A resource less, with `removed` or without."""
    section = chance.choice(("models", "models", "datasets"))
    homes: dict[str, Any] = here.document[section]
    used = {m["dataset"] for m in here.models.values()} if section == "datasets" else set()
    free = [name for name in homes if name not in used]
    if not free:
        return False
    name, kind = chance.choice(free), section[:-1]
    del homes[name]
    said = chance.choice((None, "forget", "delete"))
    if said is not None:
        block = {"from": f"{kind}.{name}", "action": said}
        here.document.setdefault("removed", []).append(block)
    _sound(here)
    return True


def swap(world: World, here: Checkout, chance: Random) -> bool:
    """A recorded model is forgotten under its name and adopted under another, in one edit."""
    recorded = here.recorded()
    known = [n for n in here.models if (recorded.get(f"model.{n}") or {}).get("current")]
    if not known:
        return False
    old, new = chance.choice(known), world.new_name("m")
    here.models[new] = here.models.pop(old)
    block = {"from": f"model.{old}", "action": "forget"}
    here.document.setdefault("removed", []).append(block)
    adopted = {"to": f"model.{new}", "id": recorded[f"model.{old}"]["current"]["id"]}
    here.document.setdefault("imports", []).append(adopted)
    _sound(here)
    return True


def adopt(world: World, here: Checkout, chance: Random) -> bool:
    """`imports` of a model that lives, whosever it is."""
    live = world.look()
    models = sorted(live.models.values(), key=lambda m: (m.created[:19], m.name))
    if not models or not here.datasets or len(here.models) >= 5:
        return False
    chosen = chance.choice(models)
    there = [n for n, m in here.models.items() if chosen.name == n]
    new = world.new_name("m")
    like = here.models[there[0]] if there else None
    here.models[new] = {
        "dataset": like["dataset"] if like else chance.choice(list(here.datasets)),
        "image_classification": dict(like["image_classification"] if like else {BUDGET: 8000}),
    }
    here.document.setdefault("imports", []).append({"to": f"model.{new}", "id": chosen.id})
    _sound(here)
    return True


def clean(world: World, here: Checkout, chance: Random) -> bool:
    """Blocks that did their work are taken out."""
    there = [s for s in ("moved", "removed", "imports") if here.blocks(s)]
    for section in there:
        del here.document[section]
    return bool(there)


def ignore(world: World, here: Checkout, chance: Random) -> bool:
    """Changes of a field are ignored, or not any more."""
    found = _resource(here, chance)
    if found is None:
        return False
    section, declared = found
    fields = chance.choice((None, [chance.choice(IGNORED[section])]))
    return _lifecycle(declared, "ignore_changes", fields)


def retrain(world: World, here: Checkout, chance: Random) -> bool:
    """A model is trained again by its age."""
    model = _model(here, chance)
    choices = (None, {"before_expiry": "30d"}, {"max_age": "90d"}, {"max_age": "540d"})
    return model is not None and _put(model, "retrain", chance.choice(choices))


def keep(world: World, here: Checkout, chance: Random) -> bool:
    """Another number of versions is kept."""
    model = _model(here, chance)
    value = chance.choice((None, 0, 1, 2))
    return model is not None and _lifecycle(model, "keep_versions", value)


def protect(world: World, here: Checkout, chance: Random) -> bool:
    """Protected, or not any more."""
    found = _resource(here, chance)
    value = chance.choice((None, True, True))
    return found is not None and _lifecycle(found[1], "prevent_destroy", value)


def source_change(world: World, here: Checkout, chance: Random) -> bool:
    """What a change of the sources means."""
    name = _dataset(here, chance)
    value = chance.choice((None, "append"))
    return name is not None and _put(here.datasets[name], "on_source_change", value)


def policy(world: World, here: Checkout, chance: Random) -> bool:
    """Another policy, or none."""
    name = chance.choice(list(here.models) or ["x"])
    choices: tuple[dict[str, Any] | None, ...] = (
        None,
        None,
        {"max_training_cost": 30},
        {"max_training_cost": 1},
        {"max_monthly_cost": 1100},
        {"max_monthly_cost": 500},
        {"deny": {"model.*": ["delete"]}},
        {"deny": {f"model.{name}": ["train", "retrain", "deploy", "promote"]}},
        {"deny": {"dataset.*": ["delete", "import-data"]}},
        {"deny": {"*": ["undeploy"]}},
    )
    return _put(here.document, "policy", chance.choice(choices))


def budget_and_back(world: World, here: Checkout, chance: Random) -> bool:
    """The budget that an earlier version was trained with."""
    recorded = here.recorded()
    for name, model in here.models.items():
        for other in (recorded.get(f"model.{name}") or {}).get("others", ()):
            kind = other["attributes"].get("image_classification", {})
            was = kind.get(BUDGET)
            if was and _put(model["image_classification"], BUDGET, was):
                return True
    return False


def _sound(here: Checkout) -> None:
    """Blocks that contradict the rest are left out, as whoever writes by hand would."""
    declared = {f"dataset.{n}" for n in here.datasets} | {f"model.{n}" for n in here.models}
    removed = {b["from"]: b for b in here.blocks("removed") if b["from"] not in declared}
    moved = [b for b in here.blocks("moved") if b["from"] not in declared | set(removed)]
    onwards = {b["from"] for b in moved}
    moved = [b for b in moved if b["to"] in declared | onwards]
    imports = {b["id"]: b for b in here.blocks("imports") if b["to"] in declared}
    blocks: dict[str, list[dict[str, str]]] = {
        "removed": list(removed.values()),
        "moved": moved,
        "imports": list({b["to"]: b for b in imports.values()}.values()),
    }
    for section, found in blocks.items():
        if found:
            here.document[section] = found
        else:
            here.document.pop(section, None)


EDITS: dict[str, tuple[int, Edit]] = {
    "declare dataset": (2, declare_dataset),
    "declare model": (3, declare_model),
    "budget": (5, budget),
    "budget back": (3, budget_and_back),
    "labels": (3, labels),
    "description": (1, description),
    "rows added": (3, rows_added),
    "rows removed": (2, rows_removed),
    "row relabelled": (2, row_relabelled),
    "rows back": (2, rows_back),
    "rows mended": (3, rows_mended),
    "nodes": (2, nodes),
    "deploy": (3, deploy),
    "gate": (3, gate),
    "rename": (2, rename),
    "remove": (2, remove),
    "forget and adopt": (1, swap),
    "adopt": (1, adopt),
    "clean": (3, clean),
    "ignore changes": (2, ignore),
    "retrain": (2, retrain),
    "keep versions": (2, keep),
    "protect": (2, protect),
    "source change": (1, source_change),
    "policy": (3, policy),
}
"""By name: how often, and what."""
