"""A plan as one HTML page, which makes no network requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.output.code_hosts.dialects import SourceLinks
from automl_plan.output.cost import usd
from automl_plan.output.drift import drift_sentences, not_in_refusals, unrecorded_sentences
from automl_plan.output.evaluations import (
    Comparison,
    comparisons,
    counts,
    figure,
    images,
    signed,
    simulated,
    version_name,
)
from automl_plan.output.html.charts import Matrix, Plot, drawing, matrix, plot
from automl_plan.output.html.template import rendered
from automl_plan.output.operations import expected
from automl_plan.output.review_summary import (
    RISKY,
    Risk,
    advice,
    caveats,
    contact_sections,
    effects,
    headline,
    money,
    risks,
    worry_of,
)
from automl_plan.output.style import clean, counted
from automl_plan.output.values import in_budget_unit, leaves, shown
from automl_plan.planning.adequacy import Advice
from automl_plan.planning.data_findings import DataFindings
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.policy import violation_text
from automl_plan.planning.scorecards import Role, Scorecard
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_file import digest_of

MOST_CHANGES = 2_000
"""Changes that are listed, the gravest first."""


class Line(Struct, frozen=True):
    """One line of a diff."""

    sign: str
    """`+`, `-` or a space."""
    text: str


class Entry(Struct, frozen=True):
    """One change of the list."""

    address: str
    action: str
    subject: str
    reason: str
    where: str
    link: str | None
    cost: str
    grave: bool
    verdict: str
    """Of a gate's forecast."""
    takes: str
    """How long it takes, by the history."""
    lines: tuple[Line, ...]


class Quality(Struct, frozen=True):
    """How good the versions of one model are."""

    address: str
    cards: tuple[Scorecard, ...]
    comparison: Comparison | None
    plot: Plot | None
    matrices: tuple[tuple[str, Matrix], ...]


class Data(Struct, frozen=True):
    """The data of one dataset."""

    address: str
    advice: Advice | None
    findings: DataFindings | None
    most: int
    """Examples of the label with most of them."""


def plan_html(planned: BoundPlan, links: SourceLinks | None = None) -> str:
    """The whole page."""
    planned = in_budget_unit(planned)
    filters: dict[str, Callable[..., str]] = {
        "figure": figure,
        "counts": counts,
        "images": images,
        "signed": signed,
        "usd": usd,
        "version": version_name,
        "simulated": simulated,
    }
    plan = planned.plan
    found = {id(risk.change): risk for risk in risks(plan, planned.scores, usd)}
    entries = list(_entries(planned, found, links))
    return rendered(
        "page.html.j2",
        styles=("page.css",),
        script="page.js",
        filters=filters,
        planned=planned,
        plan=plan,
        worry=worry_of(planned),
        headline=headline(planned),
        advice=advice(planned),
        money=money(planned, usd),
        effects=effects(planned, str),
        warnings=[violation_text(v) for v in plan.violations if v.warns],
        graph=drawing(planned),
        entries=entries[:MOST_CHANGES],
        more_changes=len(entries) - len(entries[:MOST_CHANGES]),
        actions=[str(a) for a in Action if any(a is change.action for change in plan.changes)],
        quality=list(_quality(planned)),
        data=list(_data(planned)),
        drift=drift_sentences(plan.drift),
        unrecorded=unrecorded_sentences(not_in_refusals(plan)),
        caveats=caveats(planned),
        contacts=contact_sections(planned.contacts),
        digest=digest_of(planned),
        counted=counted,
    )


def _data(planned: BoundPlan) -> Iterator[Data]:
    for address in sorted({*planned.adequacy, *planned.data_findings}):
        advice = planned.adequacy.get(address)
        most = max((each.examples for each in advice.labels), default=0) if advice else 0
        yield Data(str(address), advice, planned.data_findings.get(address), most or 1)


def _entries(
    planned: BoundPlan, found: dict[int, Risk], links: SourceLinks | None
) -> Iterator[Entry]:
    rank = {action: place for place, action in enumerate(RISKY)}
    ordered = sorted(planned.plan.changes, key=lambda change: rank.get(change.action, len(rank)))
    for change in ordered:
        risk = found.get(id(change))
        where = change.where or ""
        yield Entry(
            address=str(change.address),
            action=str(change.action),
            subject=clean(change.operation_id or change.object_id or ""),
            reason=clean(
                f"{change.reason} (at {', '.join(change.endpoints)})"
                if change.endpoints
                else change.reason
            ),
            where=clean(where),
            link=None if links is None else links.url(where),
            cost="" if risk is None else risk.cost,
            grave=risk is not None and risk.grave,
            verdict=_forecast(risk),
            takes=expected(change, planned.forecasts),
            lines=tuple(_lines(change)),
        )


def _forecast(risk: Risk | None) -> str:
    gate = None if risk is None or risk.forecast is None else risk.forecast.gate
    if risk is None or gate is None:
        return ""
    by_it = risk.evidence.capitalize()
    if gate.passed:
        return f"{by_it} passes."
    if gate.passed is None:
        return f"{by_it} does not decide, not reported: {clean(', '.join(gate.undecided))}."
    missed = ", ".join(
        f"{row.requirement} is {figure(row.actual)}, {figure(row.required)} required"
        for row in gate.rows
        if row.met is False
    )
    return f"{by_it} fails: {clean(missed)}."


def _lines(change: Change) -> Iterator[Line]:
    shown_paths = set()
    for difference in change.differences:
        shown_paths.add(difference.path)
        path = clean(difference.path)
        if difference.before is not None:
            yield Line("-", f"{path}: {shown(difference.before)}")
        if difference.after is not None:
            yield Line("+", f"{path}: {shown(difference.after)}")
    if change.action in (Action.CREATE, Action.TRAIN, Action.RETRAIN, Action.GATE):
        for path, value in leaves(change.after or {}):
            if path not in shown_paths:
                yield Line(" ", f"{clean(path)}: {shown(value)}")


def _quality(planned: BoundPlan) -> Iterator[Quality]:
    cards: dict[Address, list[Scorecard]] = {}
    for card in planned.scores:
        cards.setdefault(card.address, []).append(card)
    compared = {comparison.address: comparison for comparison in comparisons(planned.scores)}
    for address, own in cards.items():
        own.sort(key=lambda card: card.role is not Role.CURRENT)
        matrices = tuple(
            (f"{version_name(card)} ({card.role}){simulated(card)}", matrix(card.confusion))
            for card in own
            if card.confusion is not None
        )
        yield Quality(str(address), tuple(own), compared.get(address), plot(own), matrices)
