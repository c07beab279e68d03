"""Forecasts: what always holds of them, and how often their intervals do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.history import KEPT, EndedOperation, Work
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import Step
from automl_plan.planning import forecast as forecasts
from automl_plan.planning.forecast import FEWEST, Backtest, Outlook
from automl_plan.providers.google.capabilities import MODEL_TYPES

START = datetime(2026, 1, 1, tzinfo=UTC)
CLASSIFICATION = Problem.IMAGE_CLASSIFICATION
BUDGETS = st.integers(1_000, 800_000)


def training(budget: int = 8_000, model_type: str = "cloud", examples: int | None = None) -> Work:
    return Work(Step.TRAIN, CLASSIFICATION, model_type, budget, examples)


def ended(work: Work, seconds: float, after: float = 0.0) -> EndedOperation:
    return EndedOperation.of_work(work, (START + timedelta(seconds=after)).isoformat(), seconds)


def outlook(work: Work, history: Iterable[EndedOperation]) -> Outlook | None:
    return forecasts.outlook(work, history, MODEL_TYPES)


def backtest(history: Iterable[EndedOperation]) -> tuple[Backtest, ...]:
    return forecasts.backtest(history, MODEL_TYPES)


trainings = st.builds(
    training,
    BUDGETS,
    st.sampled_from(sorted(MODEL_TYPES[CLASSIFICATION])),
    st.none() | st.integers(0, 10**6),
)
imports = st.builds(Work, st.just(Step.IMPORT_DATA), examples=st.none() | st.integers(0, 10**6))
deployments = st.just(Work(Step.DEPLOY))
works = trainings | imports | deployments
histories = st.lists(st.builds(ended, works, st.floats(0, 10**7)), max_size=40)


@given(works, histories, st.floats(0, 10**7))
def test_an_interval_holds_its_median(
    work: Work, history: list[EndedOperation], elapsed: float
) -> None:
    expected = outlook(work, history)
    if expected is None:
        return
    for forecast in (expected.forecast(), expected.forecast(elapsed)):
        if forecast is None:
            assert elapsed >= expected.seconds[-1]
            continue
        assert forecast.median >= 0
        assert forecast.operations <= len(history)
        assert (forecast.low is None) == (forecast.high is None)
        if forecast.low is not None and forecast.high is not None:
            assert 0 <= forecast.low <= forecast.median <= forecast.high
            assert forecast.operations >= FEWEST


@given(trainings, histories, BUDGETS)
def test_a_larger_budget_never_takes_less(
    work: Work, history: list[EndedOperation], budget: int
) -> None:
    assert work.budget is not None
    smaller, larger = sorted([work.budget, budget])
    few, many = (
        outlook(Work(work.step, work.problem, work.model_type, b, work.examples), history)
        for b in (smaller, larger)
    )
    if few is None or many is None:
        assert few is many
        return
    assert all(a <= b for a, b in zip(few.seconds, many.seconds, strict=True))


@given(st.integers(0, 10**6), st.integers(0, 10**6), histories)
def test_more_images_never_take_less(few: int, many: int, history: list[EndedOperation]) -> None:
    few, many = sorted((few, many))
    less, more = (outlook(Work(Step.IMPORT_DATA, examples=n), history) for n in (few, many))
    if less is None or more is None:
        assert less is more
        return
    assert all(a <= b for a, b in zip(less.seconds, more.seconds, strict=True))


@given(works, histories, st.randoms())
def test_the_order_of_the_history_changes_nothing(
    work: Work, history: list[EndedOperation], chance: random.Random
) -> None:
    turned = history[:]
    chance.shuffle(turned)
    assert outlook(work, turned) == outlook(work, history)


def test_without_anything_alike_there_is_no_forecast() -> None:
    assert outlook(training(), []) is None
    assert outlook(training(), [ended(Work(Step.DEPLOY), 60)]) is None
    assert outlook(Work(Step.IMPORT_DATA), [ended(Work(Step.IMPORT_DATA, examples=9), 60)]) is None


def test_few_operations_give_a_median_only() -> None:
    expected = outlook(training(), [ended(training(), s) for s in range(100, 900, 100)])
    assert expected is not None
    forecast = expected.forecast()
    assert forecast is not None
    assert (forecast.median, forecast.low, forecast.operations) == (450, None, 8)


def test_nine_span_from_the_shortest_to_the_longest() -> None:
    expected = outlook(training(), [ended(training(), s) for s in range(100, 1000, 100)])
    assert expected is not None
    forecast = expected.forecast()
    assert forecast is not None
    assert (forecast.low, forecast.median, forecast.high) == (100, 500, 900)


def test_other_model_types_give_a_median_by_their_nodes() -> None:
    history = [ended(training(8_000, "mobile-versatile-1"), 8 * 3600.0) for _ in range(20)]
    expected = outlook(training(8_000, "cloud"), history)  # eight nodes work at once
    assert expected is not None
    forecast = expected.forecast()
    assert forecast is not None
    assert (forecast.median, forecast.low, forecast.alike) == (3600.0, None, False)


def test_trainings_on_as_many_images_come_first() -> None:
    near = [ended(training(examples=1000), 100.0) for _ in range(FEWEST)]
    far = [ended(training(examples=100_000), 900.0) for _ in range(50)]
    expected = outlook(training(examples=1500), near + far)
    assert expected is not None
    assert set(expected.seconds) == {100.0}
    expected = outlook(training(examples=1500), near[1:] + far)  # too few of them
    assert expected is not None
    assert len(expected.seconds) == 58


def test_what_took_less_so_far_counts_no_more() -> None:
    expected = Outlook(Step.TRAIN, tuple(float(s) for s in range(1, 101)), alike=True)
    forecast = expected.forecast(50.0)
    assert forecast is not None
    assert (forecast.median, forecast.operations) == (25.5, 50)
    assert expected.forecast(100.0) is None


@pytest.mark.parametrize("distribution", ["expovariate", "lognormvariate", "uniform"])
@pytest.mark.parametrize("operations", [9, 15, 40])
def test_coverage_is_within_its_bound_whatever_the_distribution(
    distribution: str, operations: int
) -> None:
    """The bound of the module's own text, with six standard errors of 1,000 draws."""
    chance = random.Random(f"{distribution} {operations}")
    draws: dict[str, Callable[[], float]] = {
        "expovariate": lambda: chance.expovariate(1 / 3600),
        "lognormvariate": lambda: chance.lognormvariate(8, 1.5),
        "uniform": lambda: chance.uniform(1800, 3600),
    }
    draw = draws[distribution]
    held = 0
    for _ in range(1_000):
        former = sorted(draw() for _ in range(operations))
        expected = Outlook(Step.TRAIN, tuple(former), alike=True)
        forecast = expected.forecast()
        assert forecast is not None
        assert forecast.low is not None
        assert forecast.high is not None
        held += forecast.low <= draw() <= forecast.high
    assert abs(held / 1_000 - 0.8) <= 2 / (operations + 1) + 0.076


def simulated(count: int, seed: str, at_once: int = 5) -> list[EndedOperation]:
    """Trainings as the emulator simulates them: half to all of the budget's time, five at once."""
    chance = random.Random(seed)
    history, began = [], 0.0
    for _ in range(0, count, at_once):
        longest = 0.0
        for _ in range(at_once):
            budget = chance.randrange(8_000, 80_001, 1_000)
            seconds = budget * 3.6 / 8 * chance.uniform(0.5, 1.0)
            history.append(ended(training(budget), seconds, began + seconds))
            longest = max(longest, seconds)
        began += longest
    return history


def test_a_backtest_of_simulated_trainings_holds() -> None:
    trained, everything = backtest(simulated(2_000, "backtest"))
    assert trained.operations == everything.operations == 2_000
    assert trained.intervals == 2_000 - 10  # those that began before nine had ended
    assert trained.coverage is not None
    assert 0.78 <= trained.coverage <= 0.82
    assert trained.median_error_share is not None
    assert trained.median_error_share < 0.25


def test_nothing_is_forecast_by_what_had_not_ended() -> None:
    """Twenty that begin together can't tell of each other, though most end before the last."""
    together = [ended(training(), float(s), float(s)) for s in range(100, 2100, 100)]
    assert backtest(together)[0].forecasts == 0
    after = ended(training(), 50.0, 5000.0)
    assert (backtest([*together, after])[0].forecasts, backtest([])) == (
        1,
        backtest(()),
    )


def test_a_backtest_looks_back_as_far_as_a_state_does() -> None:
    """The last one's own type is forgotten by then: it is forecast without an interval."""
    types = ["mobile-versatile-1"] * 20 + ["cloud"] * KEPT + ["mobile-versatile-1"]
    works = [training(8_000, each) for each in types]
    result = backtest([ended(work, 10.0, 20.0 * i) for i, work in enumerate(works, 1)])[0]
    assert result.forecasts == len(types) - 1
    assert result.intervals == (20 - FEWEST) + (KEPT - FEWEST)
