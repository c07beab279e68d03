"""`automl-plan datasets lint --selftest`."""

from __future__ import annotations

import typer

from automl_plan.cli.output import stdout_style, write, write_json

FAILED = 1
"""Exit code when a rule misses a defect, or tells of one that is none."""


def selftest(*, seeds: int, rows: int, as_json: bool) -> None:
    """Prove the rules on generated data, and measure how fast they are."""
    from automl_plan.linting.kinds import Kind
    from automl_plan.linting.pictures import has_decoder
    from automl_plan.linting.selftest.image_defects import IMAGE_DEFECTS
    from automl_plan.linting.selftest.run import scores
    from automl_plan.linting.selftest.speed import speed
    from automl_plan.rendering.lint_selftest import selftest_json, selftest_text

    proved = scores(range(1, seeds + 1)) if seeds else []
    images = dict.fromkeys(defect.rule for defect in IMAGE_DEFECTS)
    unproved = [] if has_decoder() or not proved else list(images)
    measured = [speed(kind, rows, seed=1) for kind in Kind] if rows else []
    if as_json:
        write_json(selftest_json(proved, measured, unproved))
    else:
        write(selftest_text(proved, measured, unproved, stdout_style()))
    if any(not score.holds for score in proved if score.rule not in unproved):
        raise typer.Exit(FAILED)
