"""The page in a real browser: light and dark, wide and narrow, with no outside request and nothing axe objects to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from builders import press_samples as samples
from rcm_analysis.blocks.vocabulary import Figure, Headline, Meta, Piece, Split
from rcm_analysis.press.document.document import Cell, Document, Drawing, Grid
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers import html

pytestmark = pytest.mark.browser

SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    path = Path("/usr/bin/chromium")
    if not path.exists():
        pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as program:
        chromium = program.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """A page opened from disk; `said` holds every message and `asked` every request that is not the file itself."""
    contexts = []

    def open_page(
        text: str, *, size: str = "desk", scheme: str = "light", script: bool = True, axe: bool = False
    ) -> Any:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport=SIZES[size], color_scheme=scheme, java_script_enabled=script, bypass_csp=axe
        )
        contexts.append(context)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda one: page.asked.append(one.url) if not one.url.startswith(("file:", "data:")) else 0)
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def objections(page: Any) -> list[tuple[str, str]]:
    """What axe objects to: the rule, and the first element."""
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def wide_grid() -> Grid:
    bar = Drawing("bar", (0.5,))
    row = tuple(Cell(f"a long cell of column {place}", drawing=bar if place == 3 else None) for place in range(14))
    return Grid(14, (tuple(Cell(f"Column {n}", head=True) for n in range(14)),), (row,) * 40, "A wide table", number=1)


@pytest.fixture(scope="module")
def review() -> str:
    document = extract(samples.review())
    pieces = tuple(Piece(tone, "$1", 0.2, tone) for tone in ("strong", "medium", "light", "pale", "neutral", "alert"))
    painted = Grid(2, (), ((Cell("light", fill="#ffeeaa"), Cell("blue", color="#0000aa")),))
    more = (Headline("$5 came in."), Split("Of $5 that fell due", pieces, "As known."), wide_grid(), painted)
    return html.render(replace(document, blocks=(*more, *document.blocks)))


@pytest.fixture(scope="module")
def bare() -> str:
    chart = Figure(data=samples.CHART.encode(), title="Cash", alt="Cash by month", number=1)
    return html.render(Document(Meta(title="Weekly review", layout="brief"), (wide_grid(), chart)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["review", "bare"])
def test_the_page_is_accessible_asks_for_nothing_and_keeps_its_policy(opened, request, which, scheme, size):
    text = request.getfixturevalue(which)
    page = opened(text, size=size, scheme=scheme)
    assert page.said == [] and page.asked == []
    assert objections(opened(text, size=size, scheme=scheme, axe=True)) == []


def test_dark_and_light_differ_and_a_figure_keeps_its_light_card(opened, bare):
    light, dark = (opened(bare, scheme=scheme) for scheme in ("light", "dark"))
    assert light.screenshot() != dark.screenshot()
    ground = "selector => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert [page.evaluate(ground, "body") for page in (light, dark)] == ["rgb(255, 255, 255)", "rgb(18, 24, 30)"]
    assert dark.evaluate(ground, "figure img") == "rgb(255, 255, 255)"


def test_paper_is_light_whatever_the_screen_is(opened, bare):
    page = opened(bare, scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav.contents").is_hidden()


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("which", ["review", "bare"])
def test_nothing_is_wider_than_the_phone_but_tables_which_scroll_inside(opened, request, which, width):
    page = opened(request.getfixturevalue(which), size="phone")
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("(box => box.scrollWidth > box.clientWidth)(document.querySelector('.table'))")


def test_the_first_number_is_within_the_first_screen_of_a_phone(opened, review):
    page = opened(review, size="phone")
    for selector in (".headline", ".split .bar"):
        box = page.locator(selector).bounding_box()
        assert box["y"] + box["height"] < SIZES["phone"]["height"], selector


def test_the_contents_fold_on_a_phone_and_stay_in_view(opened, review):
    page = opened(review, size="phone")
    links = page.locator("nav.contents a")
    assert links.first.is_hidden()
    page.keyboard.press("Tab"), page.keyboard.press("Tab"), page.keyboard.press("Enter")
    assert links.first.is_visible()
    links.last.click()
    target = page.locator(links.last.get_attribute("href"))
    page.wait_for_timeout(100)
    top, bar = target.bounding_box()["y"], page.locator("nav.contents").bounding_box()
    assert bar["y"] == 0 and top >= bar["height"] - 1, "the heading stands below the contents, which stay in view"


def test_the_contents_stand_open_beside_a_wide_page(opened, review):
    page = opened(review)
    box, main = page.locator("nav.contents ol").bounding_box(), page.locator("main").bounding_box()
    assert page.locator("nav.contents a").first.is_visible() and box["x"] + box["width"] <= main["x"]
    page.mouse.wheel(0, 2000)
    page.wait_for_timeout(100)
    assert page.locator("nav.contents").bounding_box()["y"] == 0
