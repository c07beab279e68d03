"""A plan as Markdown, for a comment in a pull request.

First the verdict with the costs, then a row for each risky change, then the rest. The text never
exceeds the host's limit: the least important parts are omitted first, and counted. Text from
outside is made inert: it can't leave its place, mention anyone or become a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from automl_plan.output.actions import WORDS
from automl_plan.output.code_hosts.comments import Origin, marker
from automl_plan.output.code_hosts.dialects import FLAVOURS, Flavour, SourceLinks, inert
from automl_plan.output.data import data_sentences
from automl_plan.output.drift import drift_sentences, not_in_refusals, unrecorded_sentences
from automl_plan.output.evaluations import (
    Comparison,
    LabelMetrics,
    comparisons,
    counts,
    figure,
    images,
    signed,
    simulated,
    version_name,
)
from automl_plan.output.operations import expected
from automl_plan.output.review_summary import (
    Risk,
    advice,
    caveats,
    contact_sections,
    effects,
    headline,
    money,
    risks,
)
from automl_plan.output.style import clean, counted
from automl_plan.output.values import in_budget_unit, shown
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.policy import violation_text
from automl_plan.planning.scorecards import Role
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_file import digest_of

_RESERVED = 1_000
"""Bytes for saying what was left out."""
_LONGEST = 500
"""Letters of one sentence that are shown."""
_DIGEST = 19
"""Letters of a digest, a date or a version that are shown."""
_MOMENT = 20


def plan_markdown(
    planned: BoundPlan,
    origin: Origin,
    *,
    flavour: Flavour = FLAVOURS["github"],
    links: SourceLinks | None = None,
    limit: int | None = None,
) -> str:
    """The comment, at most `limit` bytes of UTF-8 (None: as many as the host takes)."""
    return _Comment(planned, flavour, links).text(origin, limit or flavour.limit)


def _usd(amount: float) -> str:
    """`31.19 USD`: two dollar signs on a line would be read as a formula on GitHub."""
    return f"{amount:,.2f} USD"


def _short(text: str) -> str:
    """Text from outside, as much of it as a reader wants."""
    return inert(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _size(text: str) -> int:
    """Of a part with the empty line before it."""
    return len(text.encode()) + 2


class _Comment:
    def __init__(self, planned: BoundPlan, flavour: Flavour, links: SourceLinks | None) -> None:
        self._planned = in_budget_unit(planned)
        self._plan = self._planned.plan
        self._flavour = flavour
        self._links = links
        self._left_out: list[str] = []

    def text(self, origin: Origin, limit: int) -> str:
        """Return the parts in the order of the page; they get room in the order of importance."""
        head = [marker(origin), self._verdict()]
        foot = [self._commands(), self._footer(origin)]
        room = limit - sum(map(_size, (*head, *foot))) - _RESERVED
        refused = self._list("Refused", [each.text for each in self._plan.refused], room // 3)
        room -= _size(refused)
        table, room = self._table(room)
        metrics, room = self._metrics(room)
        warnings = [violation_text(v) for v in self._plan.violations if v.warns]
        policy = self._list("Policy warnings", warnings, room // 3)
        room -= _size(policy)
        changed = drift_sentences(self._plan.drift)
        drift = self._list("Changed outside automl-plan", changed, room // 3)
        room -= _size(drift)
        strays = unrecorded_sentences(not_in_refusals(self._plan))
        unrecorded = self._list("Not recorded", strays, room // 3)
        room -= _size(unrecorded)
        texts = [f"{note.address}: {note.text}" for note in self._plan.notes]
        notes = self._list("Notes", texts, room // 3)
        room -= _size(notes)
        contacts = []
        for title, texts in contact_sections(self._planned.contacts):
            contacts.append(self._list(title, texts, room // 3))
            room -= _size(contacts[-1])
        data = self._list("Data", list(data_sentences(self._planned, all_verdicts=True)), room // 3)
        room -= _size(data)
        details, room = self._details(room)
        per_label = self._per_label(room)
        left = ", ".join(self._left_out)
        left_out = f"**Omitted for length:** {left}." if left else ""
        body = [
            refused,
            unrecorded,
            table,
            metrics,
            drift,
            notes,
            data,
            details,
            per_label,
            policy,
            *contacts,
            left_out,
        ]
        return "\n\n".join(filter(None, (*head, *body, *foot))) + "\n"

    # -- the fixed parts ---------------------------------------------------------------------

    def _verdict(self) -> str:
        first, *more = money(self._planned, _usd) or ("",)
        said = [f"**{first}**" if first else "", *more]
        if not self._planned.empty:
            said.append(effects(self._planned, self._flavour.code))
        said += caveats(self._planned)
        said.append(f"**{inert(advice(self._planned))}**")
        title = f"### automl-plan: {headline(self._planned)}"
        return f"{title}\n\n{' '.join(filter(None, said))}"

    def _commands(self) -> str:
        """What a reader may want to do next."""
        if self._planned.empty:
            return ""
        lines = ["**Next**\n"]
        if not self._plan.refused:
            lines.append("- apply this plan: `automl-plan apply PLANFILE`")
        if self._plan.changes:
            address = self._flavour.code(f"automl-plan why {self._plan.changes[0].address}")
            lines.append(f"- explain a change: {address}")
        lines.append("- plan again: `automl-plan plan --out PLANFILE`")
        return "\n".join(lines)

    def _footer(self, origin: Origin) -> str:
        told = []
        if origin.commit:
            told.append(f"commit {self._flavour.code(origin.commit[:40])}")
        told.append(f"plan {self._flavour.code(digest_of(self._planned)[:_DIGEST])}")
        if self._plan.costs is not None:
            told.append(f"prices of {inert(self._plan.costs.prices_of[:_DIGEST])}")
        if origin.made:
            told.append(f"created {inert(origin.made[:_MOMENT])}")
        told.append(f"automl-plan {inert(self._planned.tool_version[:_DIGEST])}")
        return self._flavour.small(" · ".join(told))

    # -- what is left out when there is no room ----------------------------------------------

    def _list(self, title: str, texts: Sequence[str], room: int) -> str:
        """A list below its title; "" when there is nothing in it."""
        lines: list[str] = []
        room -= _size(title)
        for text in texts:
            line = f"- {_short(text)}"
            room -= _size(line)
            if room < 0:
                lines.append(f"- and {len(texts) - len(lines)} more")
                break
            lines.append(line)
        return f"**{title}**\n\n" + "\n".join(lines) if lines else ""

    def _table(self, room: int) -> tuple[str, int]:
        """A row for each risky change; those without one are counted by their action."""
        found = risks(self._plan, self._planned.scores, _usd)
        if not found:
            return "", room
        lines = ["| action | resource | why | cost |", "|---|---|---|---|"]
        room -= _size("\n".join(lines))
        left: dict[Action, int] = {}
        for risk in found:
            row = self._row(risk)
            if left or len(row.encode()) + 1 > room:
                left[risk.change.action] = left.get(risk.change.action, 0) + 1
                continue
            room -= len(row.encode()) + 1
            lines.append(row)
        for action, count in left.items():
            self._left_out.append(counted(count, f"{action.value} row"))
        return "\n".join(lines), room

    def _row(self, risk: Risk) -> str:
        change = risk.change
        action = f"**{change.action}**" if risk.grave else str(change.action)
        subject = change.object_id if change.action is not Action.DEPLOY else None
        resource = self._flavour.code(str(change.address))
        resource += f" {self._flavour.code(subject[:64])}" if subject else ""
        for each in change.endpoints:
            resource += f" at {self._flavour.code(each[:64])}"
        return f"| {action} | {resource} | {self._why(risk)} | {risk.cost} |"

    def _why(self, risk: Risk) -> str:
        where = f" ({self._place(risk.change.where)})" if risk.change.where else ""
        return (
            f"{_short(risk.change.reason)}{where}{self._takes(risk.change)}{self._forecast(risk)}"
        )

    def _takes(self, change: Change) -> str:
        takes = expected(change, self._planned.forecasts)
        return f"; {inert(takes)}" if takes else ""

    def _place(self, where: str) -> str:
        url = None if self._links is None else self._links.url(where)
        return _short(where) if url is None else f"[{_short(where)}]({url})"

    def _forecast(self, risk: Risk) -> str:
        gate = None if risk.forecast is None else risk.forecast.gate
        if gate is None:
            return ""
        if gate.passed:
            return f"; {risk.evidence} passes"
        if gate.passed is None:
            needed = _short(", ".join(gate.undecided))
            return f"; **{risk.evidence} does not decide**, not reported: {needed}"
        missed = next(row for row in gate.rows if row.met is False)
        actual = f"{figure(missed.actual)}, {figure(missed.required)} required"
        return f"; **{risk.evidence} fails**: {_short(missed.requirement)} {actual}"

    def _metrics(self, room: int) -> tuple[str, int]:
        lines = [
            "| candidate | metric | current | candidate | change |",
            "|---|---|---:|---:|---:|",
        ]
        left = 0
        for comparison in comparisons(self._planned.scores):
            rows = "\n".join(self._overall(comparison))
            if rows and _size("\n".join((*lines, rows))) <= room:
                lines.append(rows)
            elif rows:
                left += 1
        if left:
            self._left_out.append(f"the metrics of {counted(left, 'candidate')}")
        if len(lines) == 2:
            return "", room
        text = "\n".join(lines)
        return text, room - _size(text)

    def _overall(self, comparison: Comparison) -> Iterator[str]:
        if comparison.overall is None:
            return
        card = comparison.candidate
        on = images(comparison.overall.examples)
        rejected = ", rejected earlier" if card.role is Role.REJECTED else ""
        version = f"{inert(version_name(card))}{rejected}, {on}{simulated(card)}"
        if card.guessing is not None:
            version += f", **{inert(card.guessing)}**"
        name = f"{self._flavour.code(str(card.address))} {version}"
        for metric in comparison.overall.metrics:
            current, candidate = figure(metric.current), figure(metric.candidate)
            yield f"| {name} | {metric.name} | {current} | {candidate} | {signed(metric.change)} |"
            name = ""

    def _details(self, room: int) -> tuple[str, int]:
        groups: dict[str, list[Change]] = {}
        for change in self._plan.changes:
            groups.setdefault(str(change.address), []).append(change)
        blocks = (
            self._flavour.folded(self._flavour.code(address), _fenced(_diff(changes)))
            for address, changes in groups.items()
        )
        text, left, room = _that_fit(blocks, room)
        if left:
            self._left_out.append(f"the details of {counted(left, 'resource')}")
        return text, room

    def _per_label(self, room: int) -> str:
        blocks = (
            self._flavour.folded(
                f"{self._flavour.code(str(each.address))} per label{simulated(each.candidate)}",
                _labels(each.labels),
            )
            for each in comparisons(self._planned.scores)
            if each.labels
        )
        text, left, _ = _that_fit(blocks, room)
        if left:
            self._left_out.append(f"the labels of {counted(left, 'candidate')}")
        return text


def _that_fit(blocks: Iterable[str], room: int) -> tuple[str, int, int]:
    """Return the blocks that fit, how many do not, and the room that is left, in bytes."""
    fitting, left = [], 0
    for block in blocks:
        if _size(block) > room:
            left += 1
            continue
        room -= _size(block)
        fitting.append(block)
    return "\n\n".join(fitting), left, room


def _labels(rows: Sequence[LabelMetrics]) -> str:
    names = [metric.name for metric in rows[0].metrics]
    lines = [
        f"| label | images | {' | '.join(names)} |",
        f"|---|---:|{'---:|' * len(names)}",
    ]
    for row in rows:
        found = {metric.name: metric for metric in row.metrics}
        cells = [
            f"{figure(found[n].current)} → {figure(found[n].candidate)}"
            if n in found
            else figure(None)
            for n in names
        ]
        label = inert((row.label or "")[:64])
        lines.append(f"| {label} | {counts(row.examples)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _fenced(lines: Iterable[str]) -> str:
    """Lines in a fence that none of them can end."""
    kept = list(lines)
    longest = max((len(run) for line in kept for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}diff", *kept, fence])


def _diff(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        subject = f" [{clean(change.object_id)}]" if change.object_id else ""
        if change.endpoints:
            subject += f" at {', '.join(map(clean, change.endpoints))}"
        yield f"{WORDS[change.action].effect} {change.action}: {clean(change.reason)}{subject}"
        for difference in change.differences:
            path = clean(difference.path)
            if difference.before is not None:
                yield f"-   {path}: {shown(difference.before)}"
            if difference.after is not None:
                yield f"+   {path}: {shown(difference.after)}"
