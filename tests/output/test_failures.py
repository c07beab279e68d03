"""Errors and diagnostics as people and programs read them."""

from __future__ import annotations

from automl_plan.errors import (
    ApiError,
    AutomlPlanError,
    ConfigurationError,
    Diagnostic,
    OperationFailed,
    PermissionDenied,
    PlanRefused,
)
from automl_plan.execution.events import ApplyResult, Failure
from automl_plan.model.address import dataset_address, model_address
from automl_plan.output.documents.commands import Error
from automl_plan.output.failures import error_text, failures_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.plan import Action, Change
from tests.output.golden import matches_golden
from tests.output.scenes import HOSTILE
from tests.output.schema import is_valid

DIAGNOSTICS = ConfigurationError(
    [
        Diagnostic(
            "automl-plan.yaml",
            4,
            3,
            "unknown-key",
            "datasets has no key 'lables'",
            hint="write labels",
            source_line="  lables: {team: vision}",
        ),
        Diagnostic("models.yaml", 12, 1, "tab", "a tab", source_line="\tdataset: digits"),
        Diagnostic("wide.yaml", 1, 4, "name", "not a name", source_line="\u200b\x1b[31m: 1"),
        Diagnostic("wide.yaml", 2, 5, "name", "not a name", source_line="数字: 数"),
        Diagnostic("--var", 0, 0, "undefined-variable", "budgte is not declared"),
        Diagnostic(HOSTILE, 1, 1, "yaml-syntax", HOSTILE, hint=HOSTILE, source_line=HOSTILE),
    ]
)
ERRORS: tuple[AutomlPlanError, ...] = (
    DIAGNOSTICS,
    PlanRefused("Not approved; nothing was done."),
    PermissionDenied(
        "The caller lacks a permission.",
        where="POST /v1/projects/p/locations/us-central1/models",
        hint="Ask for roles/automl.editor.",
    ),
    AutomlPlanError(
        "It may be one of two:\n  ICN1\n  ICN2", hint="Look at both:\n  operations get"
    ),
    ApiError(HOSTILE, where=HOSTILE, hint=HOSTILE),
)


def test_errors() -> None:
    assert matches_golden("errors", "\n".join(error_text(error, PLAIN) for error in ERRORS))


def test_the_caret_stands_under_what_is_seen() -> None:
    shown = error_text(DIAGNOSTICS, PLAIN).splitlines()
    at = next(i for i, line in enumerate(shown) if line.startswith("wide.yaml"))
    source, caret = shown[at + 1], shown[at + 2]
    assert source[caret.index("^") :].startswith("31m")


def test_errors_as_json() -> None:
    for error in ERRORS:
        assert is_valid("error", Error.of(error))


def test_failures() -> None:
    train = Change(model_address("digits"), Action.RETRAIN, "why")
    deploy = Change(model_address("digits"), Action.DEPLOY, "why")
    empty = Change(dataset_address("cats"), Action.IMPORT_DATA, "why")
    failed = OperationFailed(
        "train failed: 2 labels have fewer than 10 images",
        where="operation ICN7",
        hint="Fix the cause and apply again; what else was done is recorded.",
    )
    result = ApplyResult(
        failed=(Failure(train, failed), Failure(empty, ApiError(HOSTILE))), skipped=(deploy,)
    )
    assert matches_golden("failures", failures_text(result, PLAIN))
    assert failures_text(ApplyResult(skipped=(deploy,)), PLAIN) == ""
