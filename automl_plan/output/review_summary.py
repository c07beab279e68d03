"""What a reviewer must know first: the money, what can't be undone, what is contacted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from automl_plan.model.contacts import Contact, ContactKind
from automl_plan.output.actions import WORDS
from automl_plan.output.drift import unrecorded_summary
from automl_plan.output.style import Style, clean, counted
from automl_plan.output.values import is_free
from automl_plan.planning.drift import acceptable
from automl_plan.planning.options import PlanMode
from automl_plan.planning.plan import TRAININGS, Action, Amounts, Change, HeldBy, NoteKind, Plan
from automl_plan.planning.scorecards import Scorecard
from automl_plan.workspace.bound_plan import BoundPlan

RUNS = "Runs"
CONTACTS = "Contacts"
"""Titles of the two sections."""
_AS = {
    ContactKind.EMAIL: "to ",
    ContactKind.SERVICE: "in place of the provider's own service: ",
    ContactKind.STORAGE: "in place of Cloud Storage: ",
    ContactKind.STAGING: "local data is uploaded to ",
}


def contact_sections(contacts: Sequence[Contact]) -> list[tuple[str, list[str]]]:
    """Each section that has something in it: its title and its sentences."""
    runs = [contact for contact in contacts if contact.kind is ContactKind.COMMAND]
    others = [contact for contact in contacts if contact.kind is not ContactKind.COMMAND]
    found = [(RUNS, runs), (CONTACTS, others)]
    return [(title, [*map(contact_sentence, each)]) for title, each in found if each]


def contact_sentence(contact: Contact) -> str:
    """`notify.ops.webhook: https://ops.example.com/… (sha256:d19e6e94ec39)`."""
    text = f"{contact.written}: {_AS.get(contact.kind, '')}{contact.target}"
    if contact.digest is not None:
        text += f" ({contact.digest})"
    if contact.events:
        text += f", only on {', '.join(contact.events)}"
    return clean(text)


def contacts_text(contacts: Sequence[Contact], style: Style) -> str:
    """Both sections; empty where there is nothing."""
    return "".join(
        f"\n{style.bold(title + ':')}\n" + "".join(f"  {line}\n" for line in lines)
        for title, lines in contact_sections(contacts)
    )


RISKY = (
    Action.DELETE,
    Action.RETRAIN,
    Action.TRAIN,
    Action.CANCEL,
    Action.GATE,
    Action.PROMOTE,
    Action.UNDEPLOY,
    Action.DEPLOY,
    Action.RESUME,
    Action.FORGET,
    Action.IMPORT,
    Action.MOVE,
)
"""Actions that a reviewer checks one by one, the gravest first."""
_GRAVE = TRAININGS | {Action.DELETE}
_SERVES = (Action.DEPLOY, Action.PROMOTE, Action.GATE)
"""Actions after which a version of their address serves."""
_MOST_NAMED = 4
"""Addresses that a sentence names."""
Usd = Callable[[float], str]
"""How an amount of US dollars is written."""


class Worry(StrEnum):
    """How closely a plan should be reviewed, by its gravest change."""

    REFUSED = "refused"
    FINAL = "final"
    """Something is deleted that is no longer declared."""
    STOPS = "stops"
    """A model stops serving predictions."""
    COSTS = "costs"
    """Something is trained, or deployments cost more."""
    CHANGES = "changes"
    """None of these."""
    NOTHING = "nothing"
    """There is nothing to do."""


class Risk(Struct, frozen=True):
    """A change that a reviewer should look at."""

    change: Change
    cost: str
    """What it costs or saves, in words; "" when neither."""
    forecast: Scorecard | None = None
    """Of a gate: what it would find, where that is known."""

    @property
    def grave(self) -> bool:
        """Whether it can't be undone."""
        return self.change.action in _GRAVE or self.would_be_rejected

    @property
    def evidence(self) -> str:
        """The evaluation that predicts what its gate decides."""
        gate = None if self.forecast is None else self.forecast.gate
        made_up = gate is not None and gate.simulated
        return "its simulated evaluation" if made_up else "its evaluation"

    @property
    def would_be_rejected(self) -> bool:
        """Whether the gate would reject the version."""
        gate = None if self.forecast is None else self.forecast.gate
        return gate is not None and gate.passed is False

    @property
    def would_be_undecided(self) -> bool:
        """Whether the gate could not decide."""
        gate = None if self.forecast is None else self.forecast.gate
        return gate is not None and gate.passed is None


def worry_of(planned: BoundPlan) -> Worry:
    """Return how closely to review a plan."""
    plan = planned.plan
    if plan.refused:
        return Worry.REFUSED
    if planned.empty:
        return Worry.NOTHING
    if any(
        change.action is Action.DELETE and not _declared(change, planned) for change in plan.changes
    ):
        return Worry.FINAL
    if _stopping(planned):
        return Worry.STOPS
    return Worry.COSTS if _trains(plan) or _grows(plan) else Worry.CHANGES


def advice(planned: BoundPlan) -> str:
    """One sentence on whether to worry."""
    match worry_of(planned):
        case Worry.REFUSED:
            reasons = counted(len(planned.plan.refused), "reason")
            return f"Refused, for {reasons} listed below."
        case Worry.FINAL:
            return "Look closely: deletions can't be undone."
        case Worry.STOPS:
            return f"Look closely: {_named(_stopping(planned), str)} will stop serving predictions."
        case Worry.COSTS if _trains(planned.plan):
            return "Check the cost: training is billed whether or not the model is used."
        case Worry.COSTS:
            return "Check the cost: deployments get more expensive."
        case Worry.CHANGES:
            return "Nothing declared is deleted, nothing is trained, and costs do not increase."
        case Worry.NOTHING if planned.plan.unrecorded and planned.mode is not PlanMode.DESTROY:
            return "No changes, but live objects of this state are not recorded in it."
        case Worry.NOTHING:
            return nothing_to_do(planned).removeprefix("No changes. ")


def caveats(planned: BoundPlan) -> tuple[str, ...]:
    """Return what a reader must know about how the plan was made, and about the state."""
    said = []
    if planned.mode is PlanMode.DESTROY:
        where = " in this part" if planned.plan.not_planned else ""
        said.append(f"Everything recorded{where} will be deleted.")
    part = only_a_part(planned)
    if part is not None:
        said.append(part)
    if not planned.options.refresh:
        said.append("Planned from the state alone, without querying the provider.")
    if planned.plan.unrecorded:
        said.append(unrecorded_summary(planned.plan.unrecorded))
    return tuple(said)


def only_a_part(planned: BoundPlan) -> str | None:
    """State that a plan is narrowed, and what was left out; None for a whole one."""
    left_out = planned.plan.not_planned
    if not left_out:
        narrowed = planned.options.targets or planned.options.excludes
        return "Only a part was planned (--target or --exclude)." if narrowed else None
    names = _and_more([str(address) for address in left_out])
    return (
        f"Only a part was planned (--target, --exclude). Left out, entirely or partly: {names}. "
        "The configuration may require more changes than these."
    )


def nothing_to_do(planned: BoundPlan, counts: str = "") -> str:
    """State that an empty plan changes nothing; `counts`: the resources that were compared."""
    plan = planned.plan
    held = Counter(note.by for note in plan.notes if note.kind is NoteKind.HELD)
    if held:
        said = []
        for by, why in _HELD_BY.items():
            count = held[by]
            if count:
                said.append(f"{counted(count, 'model')} {'is' if count == 1 else 'are'} {why}")
        return f"Nothing to do: {', '.join(said)}."
    if planned.mode is PlanMode.DESTROY:
        part = " in this part" if plan.not_planned else ""
        return f"No changes. Nothing{part} is recorded, so there is nothing to destroy."
    if plan.not_planned and not plan.unchanged:
        return "No changes: the selected part no longer exists."
    if plan.not_planned:
        return f"No changes to the planned part{f' ({counts})' if counts else ''}."
    verb = "matches" if counts in ("1 dataset", "1 model") else "match"
    subject = f"Your {counts}" if counts else "Live resources"
    return f"No changes. {subject} {verb} the configuration."


_HELD_BY: Mapping[HeldBy | None, str] = {
    HeldBy.GATE: "held back by its gate",
    HeldBy.UNDECIDED: "undecided by its gate",
    HeldBy.PERSON: "held back after a rollback",
    None: "held back",
}


def _trains(plan: Plan) -> bool:
    return any(change.action in TRAININGS for change in plan.changes)


def _grows(plan: Plan) -> bool:
    total = Amounts() if plan.costs is None else plan.costs.total
    return total.monthly_after > total.monthly_before


def _stopping(planned: BoundPlan) -> list[Change]:
    """Undeployments after which no version of their model serves, though it is declared."""
    changes = planned.plan.changes
    serving = {change.address for change in changes if change.action in _SERVES}
    found = [c for c in changes if c.action is Action.UNDEPLOY and c.address not in serving]
    return [
        change
        for change in found
        if (model := planned.desired.models.get(change.address)) is not None
        and model.node_count is None
    ]


def headline(planned: BoundPlan) -> str:
    """`1 deletion, 1 training, 3 other changes`; `no changes`."""
    plan = planned.plan
    if plan.empty:
        if not planned.empty:
            return f"accept {counted(acceptable(plan.drift), 'change')} made outside automl-plan"
        held = sum(note.kind is NoteKind.HELD for note in plan.notes)
        if held:
            return f"nothing to do, {counted(held, 'model')} held back"
        return "no changes to the planned part" if plan.not_planned else "no changes"
    parts, told = [], 0
    for action in RISKY:
        noun = WORDS[action].noun
        count = sum(change.action is action for change in plan.changes)
        if count and noun:
            parts.append(counted(count, noun))
            told += count
    rest = len(plan.changes) - told
    if rest:
        parts.append(counted(rest, "other change" if parts else "change"))
    return ", ".join(parts)


def money(planned: BoundPlan, usd: Usd) -> tuple[str, ...]:
    """Return sentences on costs, the most important first; () without prices."""
    costs = planned.plan.costs
    if costs is None:
        return ()
    total, said = costs.total, []
    trainings = sum(change.action in TRAININGS for change in planned.plan.changes)
    if trainings:
        said.append(
            f"One-time cost: at most {usd(total.training)} for {counted(trainings, 'training')}."
        )
    elif not planned.plan.empty:
        said.append("One-time cost: none.")
    before, after = total.monthly_before, total.monthly_after
    if after != before:
        said.append(f"Monthly: {usd(after)} for deployments (was {usd(before)}).")
    elif after:
        said.append(f"Monthly: {usd(after)} for deployments (unchanged).")
    else:
        said.append("Monthly: none.")
    sentences = [" ".join(said)]
    if total.running_most:
        most = usd(total.running_most)
        if total.running_spent is None:
            used = f"Running trainings: at most {most}; the amount spent so far is unknown."
        else:
            used = (
                f"Running trainings: up to {usd(total.running_spent)} so far, at most {most}. "
                "Cancelling them now costs the first amount."
            )
        sentences.append(used)
    if costs.idle:
        idle = counted(len(costs.idle), "deployed model")
        sentences.append(f"{idle} not managed: {usd(costs.idle_monthly)} per month.")
    if is_free(planned):
        sentences.append(f"These are cloud prices; the {planned.provider.name} provider is free.")
    return tuple(sentences)


def effects(planned: BoundPlan, code: Callable[[str], str]) -> str:
    """Return what is trained and deleted; `code` formats an address."""
    changes = planned.plan.changes
    trained = [change for change in changes if change.action in TRAININGS]
    deletions = [change for change in changes if change.action is Action.DELETE]
    lost = [change for change in deletions if not _declared(change, planned)]
    replaced = [change for change in deletions if _declared(change, planned)]
    ends = []
    if lost:
        why = "" if planned.mode is PlanMode.DESTROY else " (no longer declared)"
        ends.append(f"Deletes {_named(lost, code)}{why}.")
    if replaced:
        ends.append(f"Deletes the replaced objects of {_named(replaced, code)}.")
    trains = _named(trained, code) if trained else "nothing"
    return " ".join((f"Trains {trains}.", *(ends or ["Deletes nothing."])))


def _named(changes: Sequence[Change], code: Callable[[str], str]) -> str:
    """`model.a, model.b and 3 more`."""
    return _and_more([code(n) for n in dict.fromkeys(str(change.address) for change in changes)])


def _and_more(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more:,} more" if more > 0 else shown


def risks(plan: Plan, scores: Sequence[Scorecard], usd: Usd) -> tuple[Risk, ...]:
    """The risky changes, the gravest first, each with its money."""
    rank = {action: place for place, action in enumerate(RISKY)}
    risky = [change for change in plan.changes if change.action in rank]
    amounts = {} if plan.costs is None else {x.address: x.amounts for x in plan.costs.lines}
    forecasts = {card.address: card for card in scores if card.gate is not None}
    trained = {change.address for change in plan.changes if change.action in TRAININGS}
    told: set[object] = set()
    found = []
    for change in sorted(risky, key=lambda change: rank[change.action]):
        cost = _cost(change, amounts.get(change.address, Amounts()), usd, told)
        forecast = forecasts.get(change.address)
        # A gate that waits for a training of this plan has nothing to judge yet.
        known = forecast is not None and change.object_id in (None, forecast.object_id)
        asked = change.action is Action.GATE and known and change.address not in trained
        found.append(Risk(change, cost, forecast if asked else None))
    return tuple(found)


def _cost(change: Change, amounts: Amounts, usd: Usd, told: set[object]) -> str:
    """Return the cost of a change; monthly amounts are those of an address, given once."""
    match change.action:
        case Action.TRAIN | Action.RETRAIN if amounts.training:
            return f"at most {usd(amounts.training)}"
        case Action.RESUME | Action.CANCEL if amounts.running_most:
            if amounts.running_spent is None:
                return f"at most {usd(amounts.running_most)}"
            return f"up to {usd(amounts.running_spent)} so far"
        case Action.DEPLOY | Action.UNDEPLOY | Action.DELETE:
            gap = amounts.monthly_after - amounts.monthly_before
            grows = change.action is Action.DEPLOY
            if not gap or grows != (gap > 0) or change.address in told:
                return ""
            told.add(change.address)
            return f"{'+' if gap > 0 else '-'}{usd(abs(gap))} per month"
        case _:
            return ""


def _declared(change: Change, planned: BoundPlan) -> bool:
    if planned.mode is PlanMode.DESTROY:
        return False
    return change.address in planned.desired.datasets or change.address in planned.desired.models
