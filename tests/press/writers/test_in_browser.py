"""The page in a real browser: light and dark, wide and narrow, with no outside request and nothing axe objects to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from builders import press_samples as samples
from rcm_analysis.blocks.vocabulary import Behind, Column, Figure, Headline, Meta, Piece, Split, Table
from rcm_analysis.press.document.document import Cell, Document, Drawing, Grid, Heading, Run, grid_of
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers import claims, html

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


# The claims behind a number ----------------------------------------------------------------------------------

SITES = ("Site 01", "Site 02", "Site 03")
ROWS = tuple((f"00{n:05d}", f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}", SITES[n % 3], 101 * n, 55 * (n % 2))
             for n in range(900))  # fmt: skip
LIST = Table(
    name="due",
    title="Claims that fell due",
    columns=(
        Column("claim_id", "Claim"),
        Column("service_on", "Service", "date"),
        Column("site", "=Site"),
        Column("late_cents", "Late", "usd"),
        Column("short_cents", "Short", "usd"),
    ),
    rows=ROWS,
    text=tuple((a, b, c, f"${d / 100:,.2f}", f"${e / 100:.2f}") for a, b, c, d, e in ROWS),
    definition="One row per claim.",
    print=False,
)
LATE, SHORT = sum(row[3] for row in ROWS), sum(row[4] for row in ROWS)
SITE_3 = sum(row[3] for row in ROWS if row[2] == "Site 03")


@pytest.fixture(scope="module")
def packet() -> str:
    late, short = Behind("due", "late_cents", LATE, "Late"), Behind("due", "short_cents", SHORT, "Paid short")
    pieces = (Piece("late", f"${LATE // 100:,}", 0.9, "pale", late), Piece("short", "$247", 0.1, "alert", short))
    site = Behind("due", "late_cents", SITE_3, "Late at Site 03", ("site=Site 03",), 0, "cents")
    table = Table(
        name="sites", title="By site", columns=(Column("site", "Site"), Column("cents", "Late", "usd")),
        rows=(("Site 03", SITE_3),), text=(("Site 03", f"${SITE_3 // 100:,}"),), behind=(site,),
    )  # fmt: skip
    parts = (Heading(1, (Run("Page one"),), "one"), Split("Of all that fell due", pieces, "Known."), grid_of(table))
    document = Document(Meta(title="Packet"), (*parts, Heading(1, (Run("More"),), "more")), lists=(LIST,))
    return html.render(document, lists=claims.lists_of(document))


def dollars(text: str) -> int:
    return round(float(text.replace("$", "").replace(",", "")) * 100)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_and_claims_are_accessible_and_ask_for_nothing(opened, packet, scheme, size):
    page = opened(packet, size=size, scheme=scheme)
    page.locator(".split li a").first.click()
    page.locator("#claims").wait_for(state="visible")
    assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size]["width"]
    assert page.said == [] and page.asked == []
    loose = opened(packet, size=size, scheme=scheme, axe=True)
    assert objections(loose) == []
    loose.locator(".split li a").first.click()
    loose.locator(".claims-choose summary").click()
    assert objections(loose) == []


@pytest.mark.parametrize(
    ("clicked", "count", "cents"),
    [
        pytest.param(".split li.pale a", 899, LATE, id="a piece's number"),
        pytest.param(".split rect.alert", 450, SHORT, id="a piece of the bar"),
        pytest.param("td a", 300, SITE_3, id="a number of a table"),
    ],
)
def test_a_click_shows_the_rows_whose_sum_is_the_number(opened, packet, clicked, count, cents):
    page = opened(packet)
    page.locator(clicked).click()
    page.locator("#claims").wait_for(state="visible")
    said = page.locator("#claims-sum").inner_text()
    assert said.startswith(f"{count} claims, $") and dollars(said.split(", ", 1)[1]) == cents
    while page.locator("#claims-more").is_visible():
        page.locator("#claims-more").click()
    shown = page.locator("#claims-rows tr td:nth-child(2)").all_inner_texts()
    assert len(shown) == count and sum(map(dollars, shown)) == cents


def test_rows_are_filtered_and_sorted_and_the_sum_follows(opened, packet):
    page = opened(packet)
    page.locator(".split li.pale a").click()
    page.locator(".claims-choose summary").click()
    page.get_by_label("=Site").select_option("=Site 03")
    page.wait_for_timeout(300)
    said = page.locator("#claims-sum").inner_text()
    assert "300 claims" in said and "filtered from 899 rows" in said
    assert dollars(said.split(", ", 1)[1].split(" ")[0]) == SITE_3
    first = page.locator("#claims-rows th").first
    assert first.inner_text() == "0000899"
    page.get_by_role("button", name="Claim", exact=True).click()
    assert first.inner_text() == "0000002"
    assert page.locator("#claims-head th").first.get_attribute("aria-sort") == "ascending"
    page.locator("#claims-words").fill("0000899")
    assert page.locator("#claims-rows tr").count() == 1
    page.locator("#claims-words").fill("nowhere")
    assert page.locator("#claims-shown").inner_text() == "No claim is left by these filters."
    page.locator("#claims-clear").click()
    assert page.locator("#claims-shown").inner_text() == "Rows 1 to 100 of 899"


def test_everything_works_by_keyboard_and_focus_comes_back(opened, packet):
    page = opened(packet)
    link = page.locator(".split li.alert a")
    link.focus()
    page.keyboard.press("Enter")
    page.locator("#claims").wait_for(state="visible")
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.getElementById('claims').contains(document.activeElement)")  # fmt: skip # noqa: E501
    head = page.locator("#claims-head button").nth(2)
    head.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent").startswith("Service")
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert page.locator("#claims").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "$247"
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    page.go_back()
    page.wait_for_timeout(200)
    assert page.locator("#claims").is_hidden(), "the browser's own way back closes it too"


def test_rows_go_to_excel_with_their_types(opened, packet):
    page = opened(packet)
    page.locator(".split li.alert a").click()
    page.evaluate(
        "document.addEventListener('copy', e => setTimeout(() => 0) || (window.taken = e.clipboardData), true)"
    )
    page.evaluate("""() => { const set = DataTransfer.prototype.setData; window.put = {};
        DataTransfer.prototype.setData = function (kind, text) { window.put[kind] = text; return set.call(this, kind, text) } }""")  # fmt: skip # noqa: E501
    page.locator("#claims-copy").click()
    assert "450 rows copied" in page.locator("#claims-copied").inner_text()
    lines = page.evaluate("put['text/plain']").split("\r\n")
    assert lines[0].split("\t") == ["Claim", "Short", "Service", "'=Site", "Late"], "no head becomes a formula"
    assert len(lines) == 451 and lines[1].split("\t") == ["0000001", "0.55", "2026-02-02", "Site 02", "1.01"]
    rich = page.evaluate("put['text/html']")
    assert "mso-number-format" in rich and rich.count("<tr>") == 451


def test_a_link_to_a_list_opens_it_and_an_unknown_one_opens_nothing(opened, packet, tmp_path):
    page = opened(packet)
    page.goto(page.url.split("#")[0] + "#claims-1")
    assert page.locator("#claims-title").inner_text() == "Paid short"
    page.goto(page.url.split("#")[0] + "#claims-99")
    assert page.locator("#claims").is_hidden() and page.said == []


def test_without_script_a_number_leads_to_its_largest_rows(opened, packet):
    page = opened(packet, script=False)
    assert page.locator(".largest").is_visible() and page.locator("#claims").is_hidden()
    page.locator(".split li.pale a").click()
    rows = page.locator("#behind-0 tbody tr")
    assert rows.first.is_visible() and rows.count() == claims.SHOWN
    assert objections(opened(packet, axe=True)) == []


def test_a_changed_script_does_not_run_and_the_page_is_as_without_one(opened, packet):
    page = opened(packet.replace('"use strict";', '"use strict";document.title="owned";'))
    assert page.title() == "Packet" and page.locator(".largest").is_visible()
    assert any("Content Security Policy" in said for said in page.said)


def test_claims_are_not_printed(opened, packet):
    page = opened(packet)
    page.emulate_media(media="print")
    assert page.locator(".largest").is_hidden() and page.locator("#claims").is_hidden()
