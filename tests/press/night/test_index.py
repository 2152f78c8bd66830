"""The page over all clients and months: right without a script, searched and sorted with one; no other script runs."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from builders.night_workspace import CLIENTS, PERIOD, night_workspace
from rcm_analysis.press.night.index import NOTHING, PARTLY, WHOLE, Link, Row, links_of, page, rows, write_index
from rcm_analysis.press.runs import manifest
from rcm_analysis.press.runs.batch import run_batch
from rcm_analysis.press.runs.packet import PacketRequest
from rcm_analysis.press.runs.run import RunRequest

NAMES = {"acme": "Acme & Sons <b>", "bay": "Bay"}


def batch(folder: Path, period: str = PERIOD) -> Path:
    runs, templates = folder / "runs", folder / "forms"
    wanted = [
        RunRequest(name, client, period, runs, templates=templates, workspace=folder)
        for client in CLIENTS for name in ("review", "notes")
    ]  # fmt: skip
    wanted.append(RunRequest("book", None, period, runs, templates=templates, workspace=folder))
    packets = [PacketRequest(client, period, runs, ("review", "notes"), templates) for client in CLIENTS]
    run_batch(wanted, packets=packets, workers=2)
    return runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A month in which bay's reports failed and cove's notes were deleted before it was bound."""
    workspace = night_workspace(tmp_path_factory.mktemp("index") / "workspace")
    (workspace.folder / "fail-bay").touch()
    return batch(workspace.folder)


def test_a_row_per_client_and_month_with_state_reasons_figures_and_files(runs: Path) -> None:
    found = {row.client: row for row in rows(runs, NAMES)}
    assert list(found) == ["portfolio", "acme", "bay", "cove"]
    assert {client: row.state for client, row in found.items()} == {
        "portfolio": WHOLE, "acme": WHOLE, "bay": NOTHING, "cove": WHOLE
    }  # fmt: skip
    acme, bay = found["acme"], found["bay"]
    assert (acme.name, acme.month, acme.title) == ("Acme & Sons <b>", PERIOD, "March 2026")
    assert (
        acme.figures == {"Claims billed": "18"} and acme.pages and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", acme.made)
    )
    assert bay.why == tuple(
        f"{name} stopped at cell 3: ValueError (its message stays in the notebook, as it may hold data)."
        for name in ("notes", "review")
    )
    for row in found.values():
        for link in (*row.packet, *row.manager):
            assert (runs / link.place).is_file(), link
    assert [link.text for link in acme.packet] == [link.text for link in acme.manager] == ["PDF", "HTML", "XLSX"]
    assert "manager" in acme.manager[0].place and [link.text for link in found["portfolio"].packet] == [
        "Book PDF", "Book HTML", "Book XLSX"
    ]  # fmt: skip


def test_a_packet_that_lacks_a_report_is_incomplete_and_says_which(runs: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(runs, tmp_path / "runs")
    manifest = copy / "acme" / PERIOD / "packet" / "manifest.json"
    made = json.loads(manifest.read_text())
    made["absent"] = [{"title": "Our notes", "reason": "it was not made", "reader": "manager"}]
    manifest.write_text(json.dumps(made))
    (copy / "cove" / PERIOD / "packet" / "manifest.json").write_text("broken")
    found = {row.client: row for row in rows(copy, NAMES)}
    assert (found["acme"].state, found["acme"].why) == (PARTLY, ("Our notes: it was not made",))
    assert (found["cove"].state, found["cove"].why) == (NOTHING, ("no packet was made",))


def test_the_page_is_put_in_place_whole_for_its_owner_alone(runs: Path) -> None:
    first = write_index(runs, NAMES).read_bytes()
    path = write_index(runs, NAMES)
    assert path == runs / "index.html" and path.read_bytes() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and not list(runs.glob("*.new"))


def test_the_page_escapes_what_it_shows_and_names_no_other_address() -> None:
    hostile = Row(
        "acme", "<script>alert(1)</script>", PERIOD, PARTLY, ("</style><img src=x onerror=y>",), figures={"<i>": '"'}
    )
    text = page([hostile])
    assert "<script>alert" not in text and "<img" not in text and "<i>" not in text
    assert not re.search(r"(?:https?:)?//[a-z]", text)
    assert text.count("<script>") == 1 and "unsafe" not in text


def test_an_empty_runs_folder_is_an_empty_page(tmp_path: Path) -> None:
    assert "No packet has been made yet." in write_index(tmp_path, {}).read_text()


ROWS = [
    Row("tx-docs", "Tx Docs", "2026-10", WHOLE, figures={"Cash": "$1,200"}, packet=(Link("PDF", "tx.pdf"),)),
    Row("acme", "Acme", "2026-10", PARTLY, ("Our notes: it was not made",), figures={"Cash": "$90"}),
    Row("acme", "Acme", "2026-09", WHOLE, figures={"Cash": "-$5"}),
    Row("bay", "Bay", "2026-10", NOTHING, ("review stopped at cell 3",)),
]


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest):
    """The page in a browser without a network; with `False`, without scripts."""
    api = pytest.importorskip("playwright.sync_api")
    (tmp_path / "index.html").write_text(page(ROWS))
    with api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(java_script_enabled=getattr(request, "param", True), offline=True)
        shown = context.new_page()
        shown.told = []
        shown.on("console", lambda message: shown.told.append(message.text))
        shown.on("pageerror", lambda error: shown.told.append(str(error)))
        shown.goto((tmp_path / "index.html").as_uri())
        yield shown
        browser.close()


def clients(shown) -> list[str]:
    return [
        row.inner_text().split("\t")[0].split(" ")[0] for row in shown.locator("tbody tr").all() if row.is_visible()
    ]


@pytest.mark.browser
def test_the_page_is_searched_by_keyboard(opened) -> None:
    assert clients(opened) == ["Tx", "Acme", "Bay", "Acme"]
    opened.keyboard.press("Tab")
    opened.keyboard.type("acme notes")
    assert clients(opened) == ["Acme"]
    assert opened.get_by_role("status").inner_text() == "1 of 4 shown"
    opened.keyboard.press("Control+a")
    opened.keyboard.press("Delete")
    opened.keyboard.press("Tab")
    opened.keyboard.type("fail")
    assert clients(opened) == ["Bay"] and opened.told == []


@pytest.mark.browser
def test_the_page_is_sorted_by_keyboard(opened) -> None:
    for _ in ("the search", "the state", "the table, which scrolls where it is wide"):
        opened.keyboard.press("Tab")
    for name in ("Client", "Month", "Status", "Cash"):
        opened.keyboard.press("Tab")
        assert opened.evaluate("document.activeElement.textContent") == name
    cash = opened.get_by_role("columnheader", name="Cash")
    opened.keyboard.press("Enter")
    assert clients(opened) == ["Acme", "Acme", "Tx", "Bay"] and cash.get_attribute("aria-sort") == "ascending"
    opened.keyboard.press("Space")
    assert clients(opened) == ["Tx", "Acme", "Acme", "Bay"] and cash.get_attribute("aria-sort") == "descending"
    assert opened.locator("[aria-sort]").count() == 1 and opened.told == []


@pytest.mark.browser
@pytest.mark.parametrize("opened", [False], indirect=True, ids=["no script"])
def test_without_a_script_it_is_a_plain_table(opened) -> None:
    assert clients(opened) == ["Tx", "Acme", "Bay", "Acme"]
    assert not opened.locator("#tools").is_visible() and opened.locator("button").count() == 0
    assert opened.get_by_role("link", name="PDF").get_attribute("href") == "tx.pdf"


@pytest.mark.browser
def test_a_script_that_is_not_ours_does_not_run(tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "index.html"
    path.write_text(page(ROWS).replace("</main>", "<script>document.title = 'owned'</script></main>"))
    with api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(path.as_uri())
        assert shown.title() == "Packets" and shown.locator("#count").inner_text() == "4 of 4 shown"
        browser.close()


def test_copies_under_a_password_are_linked_where_they_were_made(tmp_path: Path) -> None:
    folder = tmp_path / "acme" / PERIOD / "packet"
    folder.mkdir(parents=True)
    stem = f"acme_{PERIOD}_packet"
    for end in (".pdf", "_locked.pdf", "_locked.xlsx"):
        (folder / f"{stem}{end}").write_bytes(b"x")
    manifest.write(folder, {"kind": "packet", "status": "done"})
    assert [(one.text, one.place.rpartition("packet")[2]) for one in links_of(folder.parent)] == [
        ("PDF", ".pdf"), ("locked PDF", "_locked.pdf"), ("locked XLSX", "_locked.xlsx"),
    ]  # fmt: skip
