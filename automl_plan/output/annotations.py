"""What a reviewer should see at a line of the configuration: one list for every format of CI.

It is made of an error or of a plan. `formats.py` names the formats that it is written in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from enum import StrEnum

from msgspec import Struct

from automl_plan.config.configuration import Configuration
from automl_plan.config.findings import READING_RULES
from automl_plan.config.load import RULES
from automl_plan.data.lint_rules import RULES as LINT_RULES
from automl_plan.errors import AutomlPlanError, ConfigurationError
from automl_plan.model.address import Address
from automl_plan.output.review_summary import Risk, only_a_part, risks
from automl_plan.output.style import clean
from automl_plan.planning.plan import DATA_LINT, POLICY, REFUSAL_RULES, NoteKind, Violation
from automl_plan.providers.registry import setting_rules
from automl_plan.workspace.bound_plan import BoundPlan

Places = Callable[[Address], str | None]
"""Where an address is declared (`file:line`); None when it is not."""

_PART = "plan/part"
_MEANINGS = {
    _PART: "A plan covers the whole configuration.",
    **{f"refused/{rule}": kept for rule, kept in REFUSAL_RULES.items()},
    f"note/{NoteKind.EXPIRY}": "A model expires soon.",
    f"note/{NoteKind.HELD}": "A trained version is held back.",
    f"note/{NoteKind.ELSEWHERE}": "A model is also deployed at an endpoint of someone else.",
    f"note/{NoteKind.RENAME}": "A deleted and a new resource look like the same one.",
    f"note/{NoteKind.SHARED}": "An object belongs to two addresses.",
    f"note/{NoteKind.SOURCES}": "A dataset may differ from its sources.",
    f"note/{NoteKind.TRAINED}": "A version was trained on fewer images than were declared.",
    f"note/{NoteKind.GATE}": "A gate may be undecided once its model is trained.",
}
_FAMILIES = {
    "policy": "Plans comply with the team's policy: {}.",
    "change": "A change that a reviewer should check: {}.",
    "error": "automl-plan runs without errors: {}.",
}


class Level(StrEnum):
    """How grave it is, the gravest first."""

    ERROR = "error"
    """It stops the run, or refuses the plan."""
    WARNING = "warning"
    NOTICE = "notice"


class Annotation(Struct, frozen=True):
    """One thing to see, at one place. Texts are from outside: each format makes them harmless."""

    level: Level
    rule: str
    """Stable: what kind of thing it is."""
    message: str
    address: str = ""
    """The resource that it is about; "" when it is about none, or about a file."""
    file: str = ""
    """As the configuration's messages name it; "" when there is no place."""
    line: int = 0
    """Lines and columns count from 1; 0: there is none."""
    column: int = 0
    hint: str | None = None

    @property
    def text(self) -> str:
        """The message, and what to do next."""
        return cleaned(self.message if not self.hint else f"{self.message}\n{self.hint}")


class Home(Struct, frozen=True):
    """Where a configuration lies in its repository."""

    directory: str
    """Absolute."""
    prefix: str = ""
    """The same from the repository's root: `models/`, "" for the root itself."""
    file: str = "automl-plan.yaml"
    """What a finding without a place is shown at, where a format wants one."""

    def path(self, file: str) -> str:
        """A file from the repository's root; absolute when it lies outside of it."""
        relative = posixpath.relpath(file, self.directory) if file.startswith("/") else file
        path = posixpath.normpath(posixpath.join(self.prefix, relative))
        outside = path.startswith("../")
        return posixpath.normpath(posixpath.join(self.directory, file)) if outside else path


class Report(Struct, frozen=True):
    """Everything that a format reports of one run."""

    command: str
    """`plan`, `validate` or `datasets lint`."""
    home: Home
    annotations: tuple[Annotation, ...] = ()
    """The gravest first."""
    subjects: tuple[str, ...] = ()
    """The resources that were looked at, whether or not anything is said of them."""


def error_report(error: AutomlPlanError, command: str, home: Home) -> Report:
    """Return the report of a failed run."""
    return Report(command, home, tuple(_of_error(error)))


def validation_report(configuration: Configuration, home: Home) -> Report:
    """Return the report of a valid configuration."""
    desired = configuration.desired
    addresses = [*sorted(desired.datasets), *sorted(desired.models)]
    return Report("validate", home, subjects=tuple(map(str, addresses)))


def plan_report(planned: BoundPlan, places: Places, home: Home) -> Report:
    """What refuses a plan, what is only warned of, and what is risky in it."""
    rank = {level: place for place, level in enumerate(Level)}
    found = sorted(_of_plan(planned, places), key=lambda annotation: rank[annotation.level])
    plan = planned.plan
    addresses = [*(change.address for change in plan.changes), *plan.unchanged]
    subjects = dict.fromkeys(map(str, addresses))
    return Report("plan", home, tuple(dict.fromkeys(found)), tuple(subjects))


def meaning(rule: str) -> str:
    """What a rule is about, in one sentence that holds whatever was found."""
    if rule in RULES:
        return RULES[rule].meaning
    if rule in (of_providers := setting_rules()):
        return of_providers[rule].meaning
    if rule in LINT_RULES:
        return LINT_RULES[rule].meaning
    family, _, name = rule.partition("/")
    return (
        READING_RULES.get(rule)
        or _MEANINGS.get(rule)
        or _FAMILIES.get(family, "The configuration is valid: {}.").format(name or rule)
    )


def cleaned(text: str) -> str:
    """Text from outside, line by line, with everything escaped that does not print."""
    return "\n".join(map(clean, text.splitlines()))


def _of_error(error: AutomlPlanError) -> Iterator[Annotation]:
    if not isinstance(error, ConfigurationError):
        message = error.message if not error.where else f"{error.message} ({error.where})"
        rule = f"error/{type(error).__name__}"
        yield Annotation(Level.ERROR, rule, message, hint=error.hint)
        return
    for found in error.diagnostics:
        yield Annotation(
            Level.ERROR,
            found.rule,
            found.message,
            file=found.file,
            line=found.line,
            column=found.column,
            hint=found.hint,
        )


def _of_plan(planned: BoundPlan, places: Places) -> Iterator[Annotation]:
    plan = planned.plan
    for refusal in plan.refused:
        if refusal.rule == DATA_LINT or refusal.rule.startswith(POLICY):
            continue  # the findings and violations that it is made of follow
        address = refusal.address
        where = refusal.where or (None if address is None else places(address))
        yield _placed(Level.ERROR, f"refused/{refusal.rule}", refusal.text, address, where)
    for violation in plan.violations:
        yield _of_violation(violation)
    for found in planned.data_findings.values():
        for finding in found.findings:
            softer = finding.severity == "error" and not finding.refuses
            yield Annotation(
                Level.WARNING if softer else Level(finding.severity),
                finding.rule,
                finding.message,
                file=finding.file,
                line=finding.line,
                hint=finding.hint,
            )
    for risk in risks(plan, planned.scores, _usd):
        yield _of_risk(risk, places)
    part = only_a_part(planned)
    if part is not None:
        yield Annotation(Level.WARNING, _PART, part)
    for note in plan.notes:
        rule, text = f"note/{note.kind}", f"{note.address}: {note.text}"
        yield _placed(Level.NOTICE, rule, text, note.address, places(note.address))


def _of_violation(violation: Violation) -> Annotation:
    level = Level.WARNING if violation.warns else Level.ERROR
    subject = "" if violation.address is None else f"{violation.address}: "
    message, rule = f"{subject}{violation.message}", f"policy/{violation.rule}"
    return _placed(level, rule, message, violation.address, violation.where)


def _of_risk(risk: Risk, places: Places) -> Annotation:
    change = risk.change
    # A version that its gate would not let through deserves a warning.
    held = risk.would_be_rejected or risk.would_be_undecided
    level = Level.WARNING if held else Level.NOTICE
    message = f"{change.address}: {change.action}: {change.reason}"
    message += f" ({risk.cost})" if risk.cost else ""
    if held:
        message += f"; {risk.evidence} " + (
            "fails its gate" if risk.would_be_rejected else "does not decide its gate"
        )
    where = change.where or places(change.address)
    return _placed(level, f"change/{change.action}", message, change.address, where)


def _placed(
    level: Level, rule: str, message: str, address: Address | None, where: str | None
) -> Annotation:
    file, _, line = (where or "").rpartition(":")
    known = line.isascii() and line.isdecimal() and len(line) < 10
    return Annotation(
        level,
        rule,
        message,
        address="" if address is None else str(address),
        file=file if known else "",
        line=int(line) if known else 0,
    )


def _usd(amount: float) -> str:
    return f"${amount:,.2f}"
