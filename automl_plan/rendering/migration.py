"""A migration to another provider, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import asdict

from automl_plan.applying.migrating.events import (
    Abandoned,
    MigrationEvent,
    MigrationResult,
    MigrationStep,
)
from automl_plan.applying.migrating.preparing import Prepared
from automl_plan.planning.migration import MigrationPlan, Moving, Staying
from automl_plan.rendering.cost import usd
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, clean, columns, counted
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.json import Json

DELETES_THEM = "`automl-plan migrate --to vertex --delete-originals` deletes them."
"""What follows on originals that stay."""


def migration_text(prepared: Prepared, style: Style, *, delete: bool) -> str:
    """What moves, what can't, and what it costs."""
    target = clean(prepared.target.provider.identity)
    if prepared.plan is None:
        done = "is bound to" if prepared.switched else "holds nothing that could be moved to"
        return f"The state {done} {target}; what is left is the configuration.\n"
    source = clean(prepared.source.provider.identity)
    text = f"automl-plan will move what is recorded\n  from  {source}\n  to    {target}\n\n"
    if prepared.begun:
        text += "A migration is under way: this goes on where it ended.\n\n"
    text += plan_text(prepared.plan, style, delete=delete)
    if not prepared.plan.monthly.during:
        return text
    configuration = prepared.source.configuration
    free = configuration.provider.name == "local"
    note = "; the local provider itself costs nothing" if free else ""
    return text + style.dim(f"(prices of {configuration.prices.date}{note})") + "\n"


def plan_text(plan: MigrationPlan, style: Style, *, delete: bool) -> str:
    """What moves and what stays, object by object, and the sum."""
    text = ""
    if plan.moving:
        headers = ("ADDRESS", "WHAT", "ID", "NAME", "DEPLOYED ON")
        text += columns(headers, [_row(moving) for moving in plan.moving], style) + "\n"
    text += "".join(f"{style.red('Stays:')} {_staying_text(each)}\n" for each in plan.staying)
    text += "".join(f"{style.yellow('Note:')} {clean(note)}.\n" for note in plan.notes)
    if plan.staying or plan.notes:
        text += "\n"
    return text + _sum(plan, style, delete=delete)


def event_text(event: MigrationEvent, style: Style) -> str:
    """One thing that was done, as a line."""
    about = " ".join(filter(None, (str(event.address or ""), clean(event.object_id or ""))))
    copy, said = clean(event.copy_id or ""), clean(event.message or "")
    texts = {
        MigrationStep.COPIED: f"{about}: copied to {copy}",
        MigrationStep.FAILED: f"{about}: {style.red('refused')}: {said}",
        MigrationStep.WAITING: f"{said} Was it received?",
        MigrationStep.MARKED: "the copies have their names and labels",
        MigrationStep.DEPLOYED: f"{about}: {copy} is deployed",
        MigrationStep.SWITCHED: f"the state is that of the copies; the former one is {said}",
        MigrationStep.DELETED: f"{about}: deleted",
        MigrationStep.KEPT: f"{about}: {style.yellow('not deleted')}: {said}",
        MigrationStep.CONFIGURED: "the configuration says where everything lives now",
    }
    return texts[event.step] + "\n"


def result_text(result: MigrationResult, prepared: Prepared, section: str, style: Style) -> str:
    """How it ended, and what is left to do."""
    text = f"\n{style.green('Migration complete.')} "
    if result.next_plan is None:
        text += f"{style.yellow('The next plan could not be made:')} automl-plan plan says why.\n"
    elif result.next_plan:
        count = counted(len(result.next_plan), "change")
        text += f"The next plan has {count}: look at it (automl-plan plan).\n"
    else:
        text += "The next plan is empty.\n"
    plan = prepared.plan
    if result.originals:
        text += f"{originals_text(result.originals)} {prepared.source.provider.identity}"
        stay = {original for _, original in result.originals}
        moving = () if plan is None else plan.moving
        monthly = sum(each.monthly_usd for each in moving if each.object.id in stay)
        text += f", and cost {usd(monthly)} a month" if monthly else ""
        text += f". {DELETES_THEM}\n"
    if result.configured:
        return text
    text += "\nThe configuration does not say it yet. "
    if result.why_not:
        text += f"It can't be written: {clean(result.why_not).rstrip('.')}. "
    text += f"Write this into it in the place of its provider:\n\n{section}\n"
    warning = "Until then plan and apply refuse to work on this state."
    return f"{text}{style.yellow('Left to do:')} that section. {warning}\n"


def originals_text(originals: Sequence[tuple[Address, str]]) -> str:
    """`1 dataset and 2 models stay at` for what was copied and lives on."""
    return f"{_counts([address.kind for address, _ in originals])} stay at"


def abandoned_text(abandoned: Abandoned, identity: str) -> str:
    """What a migration that was given up has left behind at a provider."""
    identity = clean(identity)
    text = "The migration is given up; the state is as it was."
    if abandoned.copies:
        rows = [(str(address), clean(copy)) for address, copy in abandoned.copies]
        text += f" It has left copies at {identity}:\n\n{columns(('COPY OF', 'ID'), rows)}\n"
    elif not abandoned.untold:
        return f"The migration is given up. It has left nothing at {identity}.\n"
    if abandoned.untold:
        told = [(str(u.address), clean(u.object_id), u.display_name) for u in abandoned.untold]
        text += "" if abandoned.copies else "\n"
        text += (
            f"Of some calls {identity} does not tell what came. A copy that one of them has made "
            "bears this name:\n\n"
            f"{columns(('COPY OF', 'ORIGINAL', 'NAME'), told)}\n"
        )
    return text + (
        "Nothing was deleted. Undeploy and delete copies in the console (Vertex AI: Model "
        "Registry, Online prediction, Datasets): what is deployed costs money, and a later "
        "migration makes copies of its own.\n"
    )


def plan_json(prepared: Prepared, *, delete: bool) -> dict[str, Json]:
    """What is about to be done, for programs: the first line."""
    plan = prepared.plan
    told: dict[str, Json] = {
        "from": prepared.source.provider.identity,
        "to": prepared.target.provider.identity,
        "begun": prepared.begun,
        "switched": prepared.switched,
        "delete_originals": delete,
        "retrainings": 0,
        "moving": [],
        "staying": [],
        "notes": [],
        "monthly_usd": None,
    }
    if plan is not None:
        told["moving"] = [_moving_json(moving) for moving in plan.moving]
        told["staying"] = [{**asdict(each), "address": str(each.address)} for each in plan.staying]
        told["notes"] = list(plan.notes)
        told["monthly_usd"] = dict(asdict(plan.monthly))
    return document(type="plan", plan=told)


def event_json(event: MigrationEvent) -> dict[str, Json]:
    """One thing that was done, for programs."""
    return document(
        type="step",
        step=str(event.step),
        address=None if event.address is None else str(event.address),
        object_id=event.object_id,
        copy_id=event.copy_id,
        count=event.count,
        message=event.message,
    )


def result_json(result: MigrationResult, section: str) -> dict[str, Json]:
    """How it ended, for programs: the last line."""
    return document(
        type="result",
        former_state=result.former,
        configured=result.configured,
        why_not_configured=result.why_not,
        provider=section,
        originals=_objects_json(result.originals),
        next_plan=None if result.next_plan is None else list(result.next_plan),
    )


def nothing_json(originals: Sequence[tuple[Address, str]] | None) -> dict[str, Json]:
    """That there was nothing to do, or only what an earlier run had left."""
    return document(type="nothing-to-do", originals=_objects_json(originals or ()))


def abandoned_json(abandoned: Abandoned) -> dict[str, Json]:
    """What a migration that was given up has left behind."""
    untold: list[Json] = [
        {"address": str(u.address), "object_id": u.object_id, "display_name": u.display_name}
        for u in abandoned.untold
    ]
    return document(type="abandoned", copies=_objects_json(abandoned.copies), untold=untold)


def staying_text(plan: MigrationPlan) -> str:
    """What can't be moved, for a refusal."""
    return "\n".join(f"{_staying_text(each)}" for each in plan.staying)


def _row(moving: Moving) -> tuple[str, ...]:
    obj = moving.object
    what = "dataset"
    if moving.address.kind is ResourceKind.MODEL:
        what = "model" if obj.version is None else f"version {obj.version}"
    told = [what, str(obj.status or ("current" if what != "dataset" else ""))]
    if moving.copied:
        told.append("copied already")
    nodes = "-" if moving.node_count is None else counted(moving.node_count, "node")
    text = ", ".join(filter(None, told))
    return str(moving.address), text, clean(obj.id), clean(moving.display_name), nodes


def _staying_text(staying: Staying) -> str:
    about = " ".join(filter(None, (str(staying.address), clean(staying.object_id or ""))))
    cost = f" (trained anew: up to {usd(staying.training_usd)})" if staying.training_usd else ""
    return f"{about}: {clean(staying.why)}{cost}"


def _sum(plan: MigrationPlan, style: Style, *, delete: bool) -> str:
    left = [moving.address.kind for moving in plan.moving if not moving.copied]
    deployed = sum(moving.node_count is not None for moving in plan.moving)
    already = len(plan.moving) - len(left)
    text = f"{style.bold('Migration:')} {_counts(left)} to copy"
    text += f" ({already} copied already)" if already else ""
    text += f", {deployed} to deploy, 0 retrainings.\n"
    if plan.staying:
        text += "What stays is not in the new state"
        if any(each.object_id is None for each in plan.staying):
            text += ": the next plan makes it anew"
            text += f", which costs up to {usd(plan.training_usd)}" if plan.training_usd else ""
        text += ".\n"
    monthly = plan.monthly
    if monthly.during:
        text += f"Deployments a month: {usd(monthly.before)} before, {usd(monthly.during)} "
        if delete:
            text += f"while originals and copies serve, {usd(monthly.after)} after.\n"
        else:
            text += (
                "after, while originals and copies serve; "
                f"{usd(monthly.before)} once the originals are undeployed.\n"
            )
    if delete:
        return text + "The originals are undeployed and deleted in the end.\n"
    return text + "The originals stay as they are.\n"


def _counts(kinds: Sequence[ResourceKind]) -> str:
    counts = [
        counted(kinds.count(kind), noun)
        for kind, noun in ((ResourceKind.DATASET, "dataset"), (ResourceKind.MODEL, "model"))
        if kind in kinds
    ]
    return " and ".join(counts) or "nothing"


def _moving_json(moving: Moving) -> dict[str, Json]:
    return {
        "address": str(moving.address),
        "object_id": moving.object.id,
        "display_name": moving.display_name,
        "version": moving.object.version,
        "status": None if moving.object.status is None else str(moving.object.status),
        "node_count": moving.node_count,
        "copied": moving.copied,
    }


def _objects_json(objects: Sequence[tuple[Address, str]]) -> list[Json]:
    return [{"address": str(address), "id": object_id} for address, object_id in objects]
