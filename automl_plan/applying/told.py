"""Records what was found and lasts, with the message of it: once for as long as it lasts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from automl_plan.applying.moments import now
from automl_plan.planning.findings import Found, address_of
from automl_plan.resources.address import Address
from automl_plan.resources.notices import Notice, Noticed, NoticeKind, Receiver
from automl_plan.state.store import StateSession


def news_of(
    found: Iterable[Found], noticed: Noticed, receivers: Sequence[Receiver]
) -> tuple[Found, ...]:
    """What somebody wants to know of and was not told yet."""
    wanted = {kind for receiver in receivers for kind in receiver.kinds}
    return tuple(each for each in found if each.kind in wanted and each.key not in noticed)


def over(
    found: Iterable[Found],
    noticed: Noticed,
    kinds: Collection[NoticeKind],
    but: Collection[Address] = (),
) -> tuple[str, ...]:
    """The keys of what was told and lasts no more, of these kinds and but for those addresses."""
    there = {each.key for each in found}
    passed_over = {str(address) for address in but}
    return tuple(
        key
        for key in noticed
        if key not in there
        and key.partition(" ")[0] in kinds
        and address_of(key) not in passed_over
    )


def tell(
    session: StateSession, found: Sequence[Found], receivers: Sequence[Receiver]
) -> list[tuple[str, Notice]]:
    """Record what is new with its messages, which are returned. Raises StateUnwritable."""
    told = []
    for each in news_of(found, session.state.noticed, receivers):
        to = tuple(sorted(r.name for r in receivers if each.kind in r.kinds))
        when = now()
        # With its moment: when it comes back, that is another event.
        key = f"{each.kind}-{each.object_id}-{each.what}-{when}"
        notice = Notice(
            each.kind, when, str(each.address), str(each.kind), each.text, to, None, each.object_id
        )
        session.record_noticed(each.key, (key, notice))
        told.append((key, notice))
    return told


def clear(session: StateSession, keys: Iterable[str]) -> None:
    """Forget what lasts no more. Raises StateUnwritable."""
    for key in keys:
        session.record_cleared(key)
