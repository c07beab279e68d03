"""What a message says: what happened, where, how long it took, what it cost, and what to do next.

Texts are lines of plain text; channels escape what a receiver would interpret.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import ProviderError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.history import EndedOperation, work_of
from automl_plan.model.live import Operation
from automl_plan.model.notices import Details, Notice, NoticeKind
from automl_plan.model.prices import PriceBook, cents_up
from automl_plan.model.recorded import RecordedObject, RecordedOperation, Step
from automl_plan.planning.cost import Meter, seconds_of, spent_of
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.statistics import no_better_than_guessing
from automl_plan.providers.protocol import Provider
from automl_plan.workspace.evaluations import evaluations_of
from automl_plan.workspace.versions import training_usd

_DONE = {
    Step.CREATE: "was created",
    Step.IMPORT_DATA: "its data is imported",
    Step.TRAIN: "was trained",
    Step.DEPLOY: "is deployed",
    Step.UNDEPLOY: "was undeployed",
    Step.DELETE: "was deleted",
}
_INTERVAL = "80%"


class OperationEnd(Struct, frozen=True):
    """The end of an operation, and what is known of it."""

    address: Address
    operation: RecordedOperation
    answer: Operation | None
    """None: its call was interrupted, and its result was found."""
    made: str | None
    entry: EndedOperation | None = None
    """Its entry in the history."""
    expected: Forecast | None = None
    former: RecordedObject | None = None
    """The version that was current before."""

    @property
    def object_id(self) -> str | None:
        """The object that was made, or worked on."""
        return self.made or self.operation.object_id

    @property
    def seconds(self) -> float | None:
        """How long it took, if known."""
        if self.entry is not None:
            return self.entry.seconds
        if self.answer is None or not self.answer.create_time:
            return None
        return round(seconds_of(self.operation, Meter(datetime.now(UTC)), self.answer), 3)


def end_text(
    ended: OperationEnd, where: str, prices: PriceBook, meter: Meter | None
) -> tuple[str, Details]:
    """Return the text of a message on an end, and its details (schemas/notice.schema.json)."""
    operation, answer = ended.operation, ended.answer
    details: Details = {"where": where, "step": str(operation.step)}
    lines = [f"{ended.address}: {_what(ended)}", f"Where: {where}"]
    if operation.version is not None:
        details["version"] = operation.version
    took = _took(ended, details)
    if took:
        lines.append(took)
    if operation.step is Step.TRAIN:
        lines += _cost(ended, prices, meter, details)
        if ended.former is not None:
            details["former_object_id"] = ended.former.id
    failed = answer is not None and answer.error is not None
    details["next"] = next_ = _next(ended, failed=failed)
    lines.append(f"Next: {next_}")
    return "\n".join(lines), details


def with_model_results(notice: Notice, provider: Provider, prices: PriceBook) -> Notice:
    """Add the cost and the quality of a model to the message on its training.

    Adds to the message of a gate whether the evaluation was simulated. Adds nothing where the
    service can't be asked. Called when the message is sent, so that no apply waits for it.
    """
    if notice.object_id is None:
        return notice
    details = dict(notice.details)
    if notice.kind in (NoticeKind.GATE_REJECTED, NoticeKind.GATE_UNDECIDED):
        judged = _overall(provider, notice.object_id)
        if judged is not None and judged.simulated:
            details["simulated"] = True
        return replace(notice, details=details)
    if details.get("step") != Step.TRAIN or notice.kind is not NoticeKind.ENDED:
        return notice
    lines = []
    if "cost_milli_node_hours" not in details:
        lines += _billed(notice.object_id, provider, prices, details)
    found = _overall(provider, notice.object_id)
    area = None if found is None else _area(found)
    if found is not None and area is not None:
        details["au_prc"] = area
        said = f"auPRC: {area:.4f}"
        former = details.get("former_object_id")
        former_found = None if former is None else _overall(provider, str(former))
        before = None if former_found is None else _area(former_found)
        if before is not None:
            details["former_au_prc"] = before
            said += f", former version {before:.4f} ({area - before:+.4f})"
        if found.simulated:
            details["simulated"] = True
            said += " (simulated)"
        lines.append(said)
        guessing = no_better_than_guessing(found)
        if guessing is not None:
            lines.append(f"It is {guessing}")
    *head, next_ = notice.text.split("\n")
    if lines and any(line.startswith("Billed:") for line in lines):
        head = [line for line in head if not line.startswith("Cost:")]
    return replace(notice, text="\n".join([*head, *lines, next_]), details=details)


def _what(ended: OperationEnd) -> str:
    operation, answer = ended.operation, ended.answer
    step = str(operation.step)
    if answer is not None and answer.error is not None:
        if answer.error.cancelled:
            return f"{step} was cancelled"
        return f"{step} failed: {answer.error.message or 'the service gives no reason'}"
    version = "" if operation.version is None else f"version {operation.version} "
    object_id = "" if ended.object_id is None else f" ({ended.object_id})"
    what = f"{version}{_DONE.get(operation.step, f'{step} ended')}{object_id}"
    if operation.gated:
        what += "; the gate decides whether it replaces the current version"
    return what


def _took(ended: OperationEnd, details: Details) -> str:
    seconds, expected = ended.seconds, ended.expected
    if seconds is None:
        return ""
    said = f"Took: {_duration(seconds)}"
    if expected is not None:
        details["expected_seconds"] = expected.median
        said += f", expected about {_duration(expected.median)}"
        if expected.low is not None and expected.high is not None:
            details |= {
                "expected_low_seconds": expected.low,
                "expected_high_seconds": expected.high,
            }
            said += f" ({_INTERVAL}: {_duration(expected.low)} to {_duration(expected.high)})"
    return said


def _cost(
    ended: OperationEnd,
    prices: PriceBook,
    meter: Meter | None,
    details: Details,
) -> list[str]:
    operation, answer = ended.operation, ended.answer
    billed = None if answer is None else answer.cost_milli_node_hours
    if billed is not None:
        return [_bill(billed, operation, prices, details)]
    spent = None if answer is None else spent_of(operation, meter, prices, answer)
    if spent is None:
        return []
    details["cost_at_most_usd"] = spent.most
    return [f"Cost: at most ${spent.most:,.2f}, at list price"]


def _bill(
    billed: int,
    operation: RecordedOperation,
    prices: PriceBook,
    details: Details,
) -> str:
    work = work_of(operation.step, operation.attributes)
    details["cost_milli_node_hours"] = billed
    usd = None
    if work.problem is not None and work.model_type is not None:
        usd = prices.training_usd(work.problem, work.model_type, billed)
    return _billed_text(billed, usd, prices, details)


def _billed(model_id: str, provider: Provider, prices: PriceBook, details: Details) -> list[str]:
    """Return the line on the bill of a model, whose operation does not have it."""
    try:
        model = provider.model(model_id)
    except ProviderError:
        return []
    billed = model.train_cost_milli_node_hours
    if billed is None:
        return []
    details["cost_milli_node_hours"] = billed
    details.pop("cost_at_most_usd", None)
    return [_billed_text(billed, training_usd(model, prices), prices, details)]


def _billed_text(billed: int, usd: float | None, prices: PriceBook, details: Details) -> str:
    said = f"Billed: {prices.unit.text(billed)}"
    if usd is not None:
        details["cost_usd"] = cents_up(usd)
        said += f", ${cents_up(usd):,.2f} at list price"
    return said


def _overall(provider: Provider, model_id: str) -> Evaluation | None:
    return next((e for e in evaluations_of(provider, model_id) if e.label is None), None)


def _area(overall: Evaluation) -> float | None:
    """Return auPRC; for object detection, mean average precision."""
    return overall.au_prc if overall.au_prc is not None else overall.mean_average_precision


def _next(ended: OperationEnd, *, failed: bool) -> str:
    if failed or ended.address.kind is ResourceKind.DATASET:
        return "automl-plan plan"
    if ended.operation.step is Step.TRAIN:
        return f"automl-plan models versions {ended.address.name}"
    return "automl-plan models list"


def _duration(seconds: float) -> str:
    """Format seconds as `45 s`, `12 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:,.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
