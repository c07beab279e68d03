"""A plan as Markdown, for a comment in a pull request: read in a minute by who did not write it.

First the verdict with the money in it, then what is risky, one row each, then the rest. The text
never passes the host's limit: what matters least is left out first, and counted. Whatever comes
from outside is made inert: it can't break out of its place, mention anybody or become a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from automl_plan.applying.planned import Planned
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.policy import violation_text
from automl_plan.rendering.marker import Origin, marker
from automl_plan.rendering.style import clean, counted
from automl_plan.rendering.values import shown

GITHUB_LIMIT = 65_536
"""Bytes that a comment on GitHub may have (its documented limit is in characters)."""
_RISK = (
    Action.DELETE,
    Action.RETRAIN,
    Action.TRAIN,
    Action.CANCEL,
    Action.GATE,
    Action.PROMOTE,
    Action.UNDEPLOY,
    Action.DEPLOY,
    Action.FORGET,
    Action.IMPORT,
    Action.MOVE,
)
"""Actions that have a row in the table, the gravest first."""
_TRAININGS = (Action.TRAIN, Action.RETRAIN)
_SIGNS = {Action.DELETE: "-", Action.CANCEL: "-", Action.FORGET: "-", Action.UNDEPLOY: "-"}
_PLAIN = re.compile(r"[A-Za-z0-9 .,/()-]")
_RESERVED = 600
"""Bytes for saying what was left out."""
_MOST_LINES = 20
"""Refusals and warnings that are shown."""
_LONGEST = 300
"""Letters of one sentence that are shown."""


def plan_markdown(planned: Planned, origin: Origin, *, limit: int = GITHUB_LIMIT) -> str:
    """The comment, at most `limit` bytes of UTF-8."""
    plan = planned.plan
    head = "\n\n".join(filter(None, (marker(origin), _verdict(planned), _refusals(plan))))
    foot = _footer(planned, origin)
    room = limit - len(f"{head}\n\n\n\n{foot}\n".encode()) - _RESERVED
    body, left_out = _filled(plan, room)
    parts = [head, body, left_out, foot]
    return "\n\n".join(part for part in parts if part) + "\n"


def _usd(amount: float) -> str:
    """`31.19 USD`: two dollar signs on a line would be read as a formula on GitHub."""
    return f"{amount:,.2f} USD"


def inert(text: str) -> str:
    """Text from outside in a place of its own: nothing in it is Markdown, HTML or a mention."""
    letters = (c if _PLAIN.match(c) else f"&#{ord(c)};" for c in clean(text))
    return "".join(letters).replace("&#64;", "&#64;&#8203;")


def _code(text: str) -> str:
    return f"<code>{inert(text)}</code>"


# -- the fixed parts -------------------------------------------------------------------------


def _verdict(planned: Planned) -> str:
    plan = planned.plan
    if plan.empty:
        return "### automl-plan: no changes"
    trainings = sum(change.action in _TRAININGS for change in plan.changes)
    deletions = sum(change.action is Action.DELETE for change in plan.changes)
    told = []
    if plan.costs is not None:
        total = plan.costs.total
        if trainings:
            told.append(f"{counted(trainings, 'training')} for at most {_usd(total.training)}")
        if total.monthly_after != total.monthly_before:
            told.append(f"{_usd(total.monthly_after)} a month, {_usd(total.monthly_before)} before")
    told.append(f"**{counted(deletions, 'deletion')}**" if deletions else "nothing is deleted")
    return f"### automl-plan: {counted(len(plan.changes), 'change')}\n\n{'; '.join(told)}."


def _refusals(plan: Plan) -> str:
    lines = [f"- **refused**: {_short(reason)}" for reason in plan.refused]
    lines += [f"- warning: {_short(violation_text(v))}" for v in plan.violations if v.warns]
    more = len(lines) - _MOST_LINES
    return "\n".join([*lines[:_MOST_LINES], *([f"- and {more} more"] if more > 0 else [])])


def _short(text: str) -> str:
    """Text from outside, as much of it as a reader wants."""
    return inert(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _footer(planned: Planned, origin: Origin) -> str:
    told = []
    if origin.commit:
        told.append(f"commit {_code(origin.commit[:40])}")
    if planned.plan.costs is not None:
        told.append(f"prices of {inert(planned.plan.costs.prices_of)}")
    told.append(f"automl-plan {inert(planned.tool_version)}")
    return f"<sub>{' · '.join(told)}</sub>"


# -- what is left out when there is no room --------------------------------------------------


def _filled(plan: Plan, room: int) -> tuple[str, str]:
    """As much of the rows, notes and details as there is room for, and what was left out."""
    table, table_left, room = _table(plan, room)
    notes = "\n".join(f"- {_code(str(n.address))} {inert(n.text)}" for n in plan.notes)
    if len(notes.encode()) + 2 > room:
        notes = f"- {counted(len(plan.notes), 'note')} left out" if plan.notes else ""
    room -= len(notes.encode()) + 2
    details, details_left = _details(plan, room)
    said = []
    for action, count in table_left.items():
        said.append(f"{counted(count, action.value)} without a row")
    if details_left:
        said.append(f"the details of {counted(details_left, 'resource')}")
    left_out = f"**Left out for want of room:** {', '.join(said)}." if said else ""
    return "\n\n".join(filter(None, (table, notes, details))), left_out


def _table(plan: Plan, room: int) -> tuple[str, dict[Action, int], int]:
    rank = {action: place for place, action in enumerate(_RISK)}
    risky = sorted((c for c in plan.changes if c.action in rank), key=lambda c: rank[c.action])
    if not risky:
        return "", {}, room
    costs = {} if plan.costs is None else {x.address: x.amounts for x in plan.costs.lines}
    lines = ["| action | resource | why | at most |", "|---|---|---|---|"]
    room -= len("\n".join(lines).encode()) + 2
    left: dict[Action, int] = {}
    for change in risky:
        amounts = costs.get(change.address)
        most = _usd(amounts.training) if amounts and change.action in _TRAININGS else ""
        row = f"| {_action(change)} | {_resource(change)} | {_why(change)} | {most} |"
        size = len(row.encode()) + 1
        if left or size > room:
            left[change.action] = left.get(change.action, 0) + 1
            continue
        room -= size
        lines.append(row)
    return "\n".join(lines), left, room


def _action(change: Change) -> str:
    grave = change.action in (Action.DELETE, *_TRAININGS)
    return f"**{change.action}**" if grave else str(change.action)


def _resource(change: Change) -> str:
    subject = change.object_id if change.action is not Action.DEPLOY else None
    return _code(str(change.address)) + (f" {_code(subject)}" if subject else "")


def _why(change: Change) -> str:
    where = f" ({inert(change.where)})" if change.where else ""
    return _short(change.reason) + where


def _details(plan: Plan, room: int) -> tuple[str, int]:
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(str(change.address), []).append(change)
    blocks, left = [], 0
    for address, changes in groups.items():
        block = _block(address, changes)
        size = len(block.encode()) + 2
        if size > room:
            left += 1
            continue
        room -= size
        blocks.append(block)
    return "\n\n".join(blocks), left


def _block(address: str, changes: Sequence[Change]) -> str:
    lines = list(_diff(changes))
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    body = "\n".join([f"{fence}diff", *lines, fence])
    return f"<details><summary>{_code(address)}</summary>\n\n{body}\n\n</details>"


def _diff(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        subject = f" [{clean(change.object_id)}]" if change.object_id else ""
        yield f"{_SIGNS.get(change.action, '+')} {change.action}: {clean(change.reason)}{subject}"
        for difference in change.differences:
            path = clean(difference.path)
            if difference.before is not None:
                yield f"-   {path}: {shown(difference.before)}"
            if difference.after is not None:
                yield f"+   {path}: {shown(difference.after)}"
