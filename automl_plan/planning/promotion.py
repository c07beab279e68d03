"""Bringing one version of a model to what is declared, and making it the current one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.model.address import ResourceKind
from automl_plan.model.desired import DesiredModel
from automl_plan.model.fields import Mutability
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import LiveModel
from automl_plan.model.ownership_labels import STATUS
from automl_plan.model.recorded import RecordedObject
from automl_plan.planning import reasons
from automl_plan.planning.compare import differences, observed, of
from automl_plan.planning.drift import TRAFFIC, label_differences, label_of
from automl_plan.planning.plan import Action, Change, Difference
from automl_plan.planning.projection import NOT_YET_CREATED
from automl_plan.planning.versions import VersionAction, expired

_UNKNOWN = "unknown"
"""For the nodes of a deployment whose number the service does not report."""


class Promoter(Struct, frozen=True):
    """Brings versions of one declared model to what is declared."""

    desired: DesiredModel
    after: Attributes
    lineage: str
    live: Mapping[str, LiveModel]
    now: datetime | None
    """By the service's clock; None where it is unknown."""
    outdated_labels: tuple[Difference, ...] = ()
    """Labels that will be outdated on a version that is still being trained."""

    def promote(
        self,
        version: RecordedObject,
        action: VersionAction,
        reason: str,
        needs: tuple[str, ...],
        field: str | None = None,
    ) -> list[Change]:
        """Make a version that is trained the current one: gate or promote, patch, deploy."""
        require = self.desired.require
        gated = action is VersionAction.GATE and require is not None
        begin = Change(
            self.desired.address,
            Action.GATE if gated else Action.PROMOTE,
            reason,
            field=field,
            object_id=None if version.id == NOT_YET_CREATED else version.id,
            after={"require": require.to_json()} if gated and require is not None else None,
            needs=needs,
        )
        chosen = replace(version, status=None)
        return [begin, *self.bring_up_to_date(chosen, (begin.key,), current=None)]

    def bring_up_to_date(
        self,
        version: RecordedObject,
        needs: tuple[str, ...],
        *,
        current: RecordedObject | None,
    ) -> list[Change]:
        """Patch, deploy and undeploy a version that is current, or will be.

        An expired version is not deployed: the service would refuse it. Its labels are checked only
        when it is `current` already: promoting it sets them.
        """
        object_id = None if version.id == NOT_YET_CREATED else version.id
        before: Attributes = version.attributes
        marked: tuple[Difference, ...] = ()
        traffic = due = None
        if object_id is not None:
            there = self.live[object_id]
            before = observed(ResourceKind.MODEL, before, there.attributes())
            traffic, due = there.traffic_percent, there.expected_traffic_percent
            if current is not None:
                marked = self._marks(version, current)
        else:
            marked = self.outdated_labels
        found = differences(before, self.after)
        mutable = of(ResourceKind.MODEL, found, Mutability.MUTABLE)
        changes: list[Change] = []
        if mutable or marked:
            changes.append(self._update(object_id, mutable, marked, needs))
        was, wanted = _node_count(before), _node_count(self.after)
        if wanted is not None and expired(version, self.live, self.now):
            return changes
        if was != wanted and not (was == _UNKNOWN and wanted is not None):
            action, reason = self._deployment(version, was, wanted)
            difference = Difference("deploy.node_count", was, wanted)
        elif wanted is not None and traffic != due:
            action, reason = Action.DEPLOY, reasons.NO_TRAFFIC
            difference = Difference(TRAFFIC, traffic, due)
        else:
            return changes
        changes.append(
            Change(
                self.desired.address,
                action,
                reason,
                field="deploy",
                object_id=object_id,
                differences=(difference,),
                after=self.after,
                needs=needs,
            )
        )
        return changes

    def restore_labels(
        self,
        others: Iterable[RecordedObject],
        current: RecordedObject | None,
        *,
        chosen: RecordedObject | None = None,
    ) -> list[Change]:
        """Restore the ownership labels of versions beside the current one.

        The status of the one that is `chosen` to take its place is set when it does.
        """
        changes = []
        for obj in others:
            found = self._marks(obj, current)
            if obj == chosen:
                found = tuple(d for d in found if label_of(d.path) != STATUS)
            if found:
                changes.append(self._update(obj.id, (), found, ()))
        return changes

    def _update(
        self,
        object_id: str | None,
        mutable: tuple[Difference, ...],
        marked: tuple[Difference, ...],
        needs: tuple[str, ...],
    ) -> Change:
        return Change(
            self.desired.address,
            Action.UPDATE,
            reasons.updated(mutable) if mutable else reasons.OUTDATED_LABELS,
            field=(mutable or marked)[0].path,
            object_id=object_id,
            differences=(*mutable, *marked),
            after=self.after,
            needs=needs,
        )

    def _deployment(self, version: RecordedObject, was: Json, wanted: Json) -> tuple[Action, str]:
        if wanted is None:
            declared = "deploy" in version.attributes
            reason = reasons.DEPLOY_REMOVED if declared else reasons.DEPLOYED_OUTSIDE
            return Action.UNDEPLOY, reason
        if was is None:
            return Action.DEPLOY, reasons.DEPLOY_DECLARED
        again = self.desired.redeploys
        return Action.DEPLOY, reasons.REDEPLOYED if again else reasons.NODES_CHANGED

    def _marks(self, obj: RecordedObject, current: RecordedObject | None) -> tuple[Difference, ...]:
        return label_differences(
            self.lineage,
            self.desired.address,
            obj,
            self.live[obj.id].labels,
            protected=self.desired.lifecycle.prevent_destroy,
            current=current,
        )


def _node_count(attributes: Attributes) -> Json:
    """Return the nodes; None when it is not deployed, a word when their number is unknown."""
    deploy = attributes.get("deploy")
    if not isinstance(deploy, dict):
        return None
    count = deploy.get("node_count")
    return _UNKNOWN if count is None else count
