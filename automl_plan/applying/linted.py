"""The data lint of what changes import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from automl_plan.applying.workspace import Workspace
from automl_plan.planning.data_findings import MOST, DataFinding, DataFindings
from automl_plan.planning.judgement import Grounds
from automl_plan.planning.plan import Action, Change

if TYPE_CHECKING:
    from automl_plan.linting.lint import Linted


def with_lint(grounds: Grounds, changes: Sequence[Change], workspace: Workspace) -> Grounds:
    """The grounds with what is wrong with the data that the changes import, unless it is there.

    Data that several datasets share is looked at once. Raises SourceError and ProviderError.
    """
    if not grounds.options.lint:
        return grounds
    imports = sorted({c.address for c in changes if c.action is Action.IMPORT_DATA})
    datasets = [grounds.desired.datasets.get(address) for address in imports]
    sourced = [
        dataset
        for dataset in datasets
        if dataset is not None and dataset.sources and dataset.address not in grounds.data_findings
    ]
    if not sourced:
        return grounds
    from automl_plan.linting.kinds import kind_of
    from automl_plan.linting.lint import Linter
    from automl_plan.linting.opening import Opener
    from automl_plan.linting.rules import Severity

    configuration = workspace.configuration
    known: dict[tuple[str, ...], DataFindings] = {}
    found = dict(grounds.data_findings)
    with Opener(configuration.directory, workspace.provider.storage, anywhere=False) as opener:
        linter = Linter(
            opener,
            {rule: Severity(told) for rule, told in configuration.lint.items()},
            directory=configuration.directory,
            storage=workspace.provider.storage,
            image_pixels=workspace.provider.capabilities.image_pixels,
        )
        for dataset in sourced:
            kind = kind_of(dataset.problem, dataset.classification_type)
            key = (str(kind), *dataset.sources)
            if key not in known:
                known[key] = _carried(linter.lint(str(dataset.address), dataset.sources, kind))
            found[dataset.address] = known[key]
    return replace(grounds, data_findings=found)


def _carried(linted: Linted) -> DataFindings:
    from automl_plan.linting.rules import Severity

    rank = {severity: place for place, severity in enumerate(Severity)}
    graded = sorted(linted.findings, key=lambda finding: rank[finding.severity])
    carried = [
        DataFinding(str(f.severity), f.rule, f.file, f.line, f.message, f.hint).shortened()
        for f in graded
    ]
    # What refuses a plan must be among what it carries.
    carried.sort(key=lambda finding: not finding.refuses)
    counts = linted.by_severity
    return DataFindings(
        counts[Severity.ERROR],
        counts[Severity.WARNING],
        counts[Severity.NOTICE],
        tuple(carried[:MOST]),
        linted.rows_unchecked,
    )
