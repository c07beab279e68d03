"""The data lint of what a plan imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl_plan.applying.planned import Planned
    from automl_plan.applying.workspace import Workspace
    from automl_plan.linting.lint import Linted
    from automl_plan.planning.data_findings import DataFindings


def with_lint(planned: Planned, opened: Workspace) -> Planned:
    """The plan with what is wrong with the data that it imports, which may refuse it.

    Data that several datasets share is looked at once.
    """
    from automl_plan.planning.plan import Action

    configuration = opened.configuration
    imports = sorted({c.address for c in planned.plan.changes if c.action is Action.IMPORT_DATA})
    datasets = [configuration.desired.datasets.get(address) for address in imports]
    sourced = [dataset for dataset in datasets if dataset is not None and dataset.sources]
    if not sourced:
        return planned
    from msgspec.structs import replace

    from automl_plan.linting.kinds import kind_of
    from automl_plan.linting.lint import Linter
    from automl_plan.linting.opening import Opener
    from automl_plan.linting.rules import Severity

    known: dict[tuple[str, ...], DataFindings] = {}
    found = {}
    with Opener(configuration.directory, opened.provider.storage, anywhere=False) as opener:
        linter = Linter(
            opener,
            {rule: Severity(told) for rule, told in configuration.lint.items()},
            directory=configuration.directory,
            storage=opened.provider.storage,
        )
        for dataset in sourced:
            kind = kind_of(dataset.problem, dataset.classification_type)
            key = (str(kind), *dataset.sources)
            if key not in known:
                known[key] = _carried(linter.lint(str(dataset.address), dataset.sources, kind))
            found[dataset.address] = known[key]
    refusals = (each.refusal(address) for address, each in found.items())
    refused = tuple(refusal for refusal in refusals if refusal is not None)
    plan = replace(planned.plan, refused=(*planned.plan.refused, *refused))
    return replace(planned, plan=plan, data_findings=found)


def _carried(linted: Linted) -> DataFindings:
    from automl_plan.linting.rules import Severity
    from automl_plan.planning.data_findings import MOST, DataFinding, DataFindings

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
    )
