"""The page of a plan in a real browser: it works, it asks for nothing, names stay text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.evaluation import ConfusionMatrix, ImageResult, Resembled
from automl_plan.model.live import LiveModel
from automl_plan.model.model_types import Problem
from automl_plan.model.predictions import Prediction
from automl_plan.output.code_hosts.dialects import SourceLinks
from automl_plan.output.html.contact_sheet import contact_sheet
from automl_plan.output.html.page import plan_html
from automl_plan.planning.gate import GateReport, GateRow
from automl_plan.planning.plan import (
    Action,
    Amounts,
    Change,
    CostLine,
    Costs,
    Difference,
    Idle,
    Note,
    NoteKind,
    Plan,
    Refusal,
    Violation,
)
from automl_plan.planning.scorecards import Figures, Point, Role, Scorecard
from automl_plan.workspace.misread import Misread
from tests.browser.conftest import Site, complaints
from tests.output import scenes
from tests.project import png

Open = Callable[[str], Chrome]
ATTACK = (
    "\"'></script></style><script>window.hit=1</script><img src=/x onerror='window.hit=1'>{{7*7}}"
)


def hostile() -> str:
    """A page where every text from outside attacks."""
    plan = Plan(
        (
            Change(
                dataset_address("digits"),
                Action.CREATE,
                ATTACK,
                object_id=ATTACK,
                differences=(Difference(ATTACK, ATTACK, ATTACK),),
                after={ATTACK: ATTACK},
                where=f"{ATTACK}:12",
            ),
            Change(model_address("digits"), Action.GATE, ATTACK, object_id=ATTACK),
        ),
        notes=(Note(model_address("digits"), NoteKind.HELD, ATTACK),),
        costs=Costs(
            ATTACK,
            (CostLine(model_address("digits"), Amounts(training=3.0)),),
            (Idle(ATTACK, ATTACK, 4.0),),
        ),
        violations=(Violation("deny", ATTACK, warns=True, where=ATTACK),),
        refused=(Refusal(ATTACK, ATTACK, where=ATTACK),),
    )
    confusion = ConfusionMatrix((ATTACK, "b"), ((3, 1), (0, 4)))
    gate = GateReport((GateRow(ATTACK, 0.9, met=False, actual=0.5, note=ATTACK),), None, ATTACK)
    cards = tuple(
        Scorecard(
            model_address("digits"),
            ATTACK,
            role,
            0.5,
            (Figures(None, 8, 0.9, None, 0.9, 0.8, 0.85), Figures(ATTACK, 8, 0.9)),
            version=None,
            curve=(Point(0.0, 0.5, 1.0), Point(0.5, 0.9, 0.8)),
            confusion=confusion,
            gate=gate if role is Role.CANDIDATE else None,
        )
        for role in (Role.CURRENT, Role.CANDIDATE)
    )
    planned = replace(
        scenes.create(), plan=plan, scores=cards, commit=ATTACK, made=ATTACK, identity=ATTACK
    )
    return plan_html(planned, SourceLinks("https://code.example/blob/1/", "#L"))


def hostile_sheet() -> str:
    """A page of what a model misreads where every text from outside attacks."""
    near = Resembled(ATTACK, "1", (ATTACK,), 0.9)
    scores = (Prediction(ATTACK, 0.9), Prediction("b" * 200, 0.1))
    image = ImageResult(ATTACK, "0", ("b" * 200,), (ATTACK,), (ATTACK,), scores, (near,) * 3)
    model = LiveModel(ATTACK, ATTACK, ATTACK, Problem.IMAGE_CLASSIFICATION)
    return contact_sheet(model, ATTACK, Misread(9, ATTACK, (image,) * 4), {"1": png("1")})


def test_nothing_is_asked_for_and_nothing_complained_about(opened: Open, site: Site) -> None:
    opened(plan_html(scenes.replace_dataset()))
    opened(hostile_sheet())
    browser = opened(hostile())
    assert complaints(browser) == []
    assert site.asked == ["/"] * 3


def test_a_name_stays_text(opened: Open) -> None:
    browser = opened(hostile())
    assert browser.execute_script("return window.hit") is None
    assert browser.find_elements(By.CSS_SELECTOR, "img, iframe, object, embed") == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    text = browser.execute_script("return document.body.textContent")
    assert text.count(ATTACK) >= 20
    (link,) = browser.find_elements(By.CSS_SELECTOR, "article a")
    href = link.get_attribute("href")
    assert href is not None
    assert href.startswith("https://code.example/blob/1/")


def test_a_name_stays_text_beside_pictures(opened: Open) -> None:
    browser = opened(hostile_sheet())
    assert browser.execute_script("return window.hit") is None
    assert browser.find_elements(By.CSS_SELECTOR, "script, iframe, object, embed") == []
    shown = "return [...document.images].map((each) => each.naturalWidth)"
    assert browser.execute_script(shown) == [8] * 12, "the pictures are allowed"
    assert browser.execute_script("return document.body.textContent").count(ATTACK) >= 20


def test_what_the_policy_of_the_page_forbids(opened: Open) -> None:
    """The second wall: even a script that came in would not run, nor ask anybody for anything."""
    page = plan_html(scenes.create()).replace("<h1>", "<script>window.hit=1</script><h1>", 1)
    browser = opened(page)
    assert browser.execute_script("return window.hit") is None
    assert any("Content Security Policy" in said for said in complaints(browser))
    blocked = browser.execute_async_script(
        "const done = arguments[0];fetch('/secret').then(() => done('sent'), () => done('blocked'))"
    )
    assert blocked == "blocked"
    assert complaints(browser)


def test_the_filter(opened: Open) -> None:
    browser = opened(plan_html(scenes.replace_dataset()))

    def visible() -> list[str]:
        found = browser.find_elements(By.CSS_SELECTOR, ".change")
        return [f.get_attribute("data-action") or "" for f in found if f.is_displayed()]

    everything = visible()
    assert len(everything) == len(scenes.replace_dataset().plan.changes)
    assert everything[0] == "delete", "the gravest come first"
    words = browser.find_element(By.ID, "words")
    words.send_keys("MODEL.digits deployed")
    assert visible() == ["undeploy", "deploy"]
    Select(browser.find_element(By.ID, "action")).select_by_visible_text("deploy")
    assert visible() == ["deploy"]
    assert browser.find_element(By.ID, "shown").text == f"1 of {len(everything)} shown"
    words.clear()
    words.send_keys("nothing like it\n")
    assert visible() == []


def test_without_a_script_everything_is_there(opened: Open) -> None:
    page = plan_html(scenes.replace_dataset())
    browser = opened(page[: page.index("<script>")])
    changes = browser.find_elements(By.CSS_SELECTOR, ".change")
    assert all(change.is_displayed() for change in changes)
    assert not browser.find_element(By.CSS_SELECTOR, "form.filter").is_displayed()


@pytest.mark.parametrize(
    "page", [hostile, hostile_sheet, lambda: plan_html(scenes.replace_dataset())]
)
def test_on_a_phone_nothing_hangs_over(opened: Open, page: Callable[[], str]) -> None:
    browser = opened(page())
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_light_and_dark(opened: Open) -> None:
    browser = opened(plan_html(scenes.replace_dataset()))
    seen = {}
    for scheme in ("light", "dark"):
        wish = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
        seen[scheme] = browser.execute_script(
            "const style = getComputedStyle(document.body);"
            "return [style.backgroundColor, style.color].map("
            "(c) => c.match(/[0-9]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0))"
        )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    paper, ink = seen["light"]
    assert paper > ink
    paper, ink = seen["dark"]
    assert paper < ink
