"""Random states."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.endpoints import Home
from automl_plan.model.fields import FIELDS, Form, Mutability
from automl_plan.model.history import EndedOperation, Work, remember
from automl_plan.model.model_types import Problem
from automl_plan.model.notices import Notice, NoticeKind
from automl_plan.model.recorded import RecordedObject, RecordedOperation, RecordedResource, Step
from automl_plan.state.document import State

T = TypeVar("T")

text = st.text(max_size=12)
maybe_text = st.none() | text
counts = st.none() | st.integers(0, 10**7)
names = st.sampled_from(("a", "B", "digits", "x-1_Z"))
addresses = st.builds(Address, st.sampled_from(ResourceKind), names)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text
nested = st.lists(leaves, max_size=2) | st.dictionaries(text, leaves, max_size=2)
texts = st.dictionaries(text, text, max_size=2)
moments = st.integers(0, 4 * 10**9).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()
)
FORMS: dict[Form, st.SearchStrategy[Any]] = {
    Form.TEXT: text,
    Form.TEXTS: texts,
    Form.MAPPING: st.dictionaries(text, leaves | nested, max_size=2),
    Form.TRAINING: st.fixed_dictionaries(
        {}, optional={"model_type": text, "train_budget_milli_node_hours": st.integers(0, 10**6)}
    ),
    Form.DEPLOYMENT: st.fixed_dictionaries({"node_count": st.none() | st.integers(0, 100)}),
}


def attributes(kind: ResourceKind) -> st.SearchStrategy[dict[str, Any]]:
    kept = [field for field in FIELDS[kind] if field.mutability is not Mutability.COMPUTED]
    return st.fixed_dictionaries({}, optional={field.path: FORMS[field.form] for field in kept})


def made(kind: type[T], /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """As `st.builds`, which can't resolve the type of attributes: JSON holds JSON."""
    return st.fixed_dictionaries(fields).map(lambda chosen: kind(**chosen))


def objects(kind: ResourceKind) -> st.SearchStrategy[RecordedObject]:
    return made(
        RecordedObject,
        id=text,
        attributes=attributes(kind),
        created=maybe_text,
        examples=counts,
        labelled_examples=counts,
        dataset_id=maybe_text,
    )


def operations(kind: ResourceKind) -> st.SearchStrategy[RecordedOperation]:
    return made(
        RecordedOperation,
        step=st.sampled_from(Step),
        token=text,
        started=moments,
        id=maybe_text,
        object_id=maybe_text,
        attributes=attributes(kind),
        dataset_id=maybe_text,
        examples=counts,
        labelled_examples=counts,
        endpoints=st.lists(text, max_size=2).map(tuple),
    )


homes = made(Home, id=text, adopted=st.booleans())


def resources(address: Address) -> st.SearchStrategy[RecordedResource]:
    return made(
        RecordedResource,
        address=st.just(address),
        current=st.none() | objects(address.kind),
        others=st.lists(objects(address.kind), max_size=2).map(tuple),
        operations=st.lists(operations(address.kind), max_size=2).map(tuple),
        endpoint=st.none() | homes,
    )


recorded = addresses.flatmap(resources)
works = st.builds(
    Work,
    step=st.sampled_from(Step),
    problem=st.none() | st.sampled_from(Problem),
    model_type=maybe_text,
    budget=counts,
    examples=counts,
)
ended = st.builds(
    EndedOperation.of_work, works, ended=moments, seconds=st.floats(0, 10**9), cost=counts
)


def by_step(entries: dict[str, EndedOperation]) -> dict[Step, dict[str, EndedOperation]]:
    history: dict[Step, dict[str, EndedOperation]] = {}
    for key, entry in entries.items():
        remember(history, key, entry)
    return history


histories = st.dictionaries(text, ended, max_size=4).map(by_step)
notices = made(
    Notice,
    kind=st.sampled_from(NoticeKind),
    when=moments,
    address=text,
    action=text,
    text=text,
    to=st.lists(text, min_size=1, max_size=2).map(tuple),
    operation_id=maybe_text,
    object_id=maybe_text,
    seconds=st.none() | st.floats(0, 10**9),
    details=st.dictionaries(text, text | st.integers(0, 10**9), max_size=2),
)
states = made(
    State,
    lineage=text,
    serial=st.integers(0, 10**6),
    provider=maybe_text,
    resources=st.lists(recorded, max_size=4).map(lambda rs: {r.address: r for r in rs}),
    history=histories,
    outbox=st.dictionaries(text, notices, max_size=2),
)
