"""The bench in a real JupyterLab: launcher, starter, run all, figure and table, dollars as text, PDF from the menu.

Notebook 7 stands at the same server. VS Code typesets no HTML, only Markdown and LaTeX (microsoft/vscode#144628): that
none is emitted is asserted of the saved notebook. The installation's own metadata name the exporters: after a change of
pyproject.toml it is to be installed again.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.reader import NotJSONError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from builders.bench_workspace import CLIENTS, bench_workspace, last_month

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
TOKEN = "bench"
PATIENCE = 240_000
"""Milliseconds for a page that a busy machine makes."""

EVERY_KIND = """
from rcm_analysis.exhibits import blocks
from rcm_analysis.blocks.vocabulary import Piece, Split
blocks.emit([
    blocks.note("Paid $5 and $6 of $11."), blocks.headline("$5 came in, $6 did not."),
    Split("Of $11", (Piece("$5 came", "$5", 0.5), Piece("$6 did not", "$6", 0.5)), "Of $11, $5 came."),
    blocks.cards([("What of $11?", "$5", "and $6 later")]),
    blocks.kpis([blocks.kpi("Cash of $11", 500, "usd", note="$5 or $6", target="$6")]),
    blocks.findings("Of $11", [blocks.finding("Ask for $6", "of $11", amount_cents=600)]),
    blocks.facts("Of $11", [("$5", "$6")]),
    blocks.glossary([{"name": "a", "title": "$5", "formula": "$6", "unit": "$"}]),
])
"""
SLIDERS = """
from rcm_analysis.exhibits.care_coordination_plan.figures import show_sliders
from rcm_analysis.models.plan.assumptions import example_assumptions
show_sliders(example_assumptions(), always=True)
"""
PLAIN = "import pandas as pd\npd.DataFrame({'a': ['$5', '$6'], 'b': ['$7', '$8']})"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """JupyterLab as `rcm lab` starts it, in a workspace with a notebook of dollars; its address and its folder."""
    for needed in ("jupyterlab", "jupyter_app_launcher", "ipywidgets"):
        pytest.importorskip(needed)
    workspace = bench_workspace(tmp_path_factory.mktemp("lab"))
    opening = f'import rcm_analysis as rcm\nreport = rcm.open_report("..", "{CLIENTS[0]}", "{last_month(workspace)}")'
    book = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    answer = 'report.measure("open_balances", by="payer")'
    book.cells = [
        new_markdown_cell("# Dollars\n\nThat is $x^2$."),
        *map(new_code_cell, (opening, EVERY_KIND, answer, PLAIN, SLIDERS)),
    ]
    (workspace.folder / "notebooks").mkdir()
    for name in ("dollars", "not_opened"):
        nbformat.write(book, workspace.folder / "notebooks" / f"{name}.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", f"--ServerApp.token={TOKEN}"]
    command = [
        sys.executable,
        "-m",
        "rcm_analysis",
        "lab",
        "-w",
        str(workspace.folder),
        "-c",
        CLIENTS[0],
        "--",
        *options,
    ]
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "IPYTHONDIR": str(home)}
    server = subprocess.Popen(command, env=environment, cwd=home, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        yield _answering(f"http://127.0.0.1:{port}", server), workspace.folder
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _answering(address: str, server: subprocess.Popen) -> str:
    for _ in range(240):
        assert server.poll() is None, "JupyterLab ended"
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5)
            return address
        except OSError:
            time.sleep(0.5)
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as program:
        chromium = program.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        opened = chromium.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
        opened.set_default_timeout(PATIENCE)
        yield opened
        chromium.close()


def run_all(page: Any) -> None:
    """Run > Run All Cells, and wait until no cell runs any more; asked again while no cell has begun.

    On a busy machine the menu is there before the kernel is.
    """
    for _ in range(10):
        _answer_dialog(page)
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
        page.wait_for_timeout(5000)
        _answer_dialog(page)
        if page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]")).count():
            break
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.innerText);"
        " return all.length && all.every(text => /\\[\\d+\\]/.test(text)); }"
    )


def _answer_dialog(page: Any) -> None:
    """Say yes where JupyterLab asks something."""
    if page.locator(".jp-Dialog .jp-mod-accept").count():
        page.locator(".jp-Dialog .jp-mod-accept").click()


def test_launcher_to_starter_to_figure_and_table_to_a_pdf_from_the_menu(lab, context):
    address, _ = lab
    page = context.new_page()
    page.goto(f"{address}/lab?token={TOKEN}&reset")
    page.locator(".jp-LauncherCard", has_text="Denial spike").first.wait_for()
    files = page.locator(".jp-DirListing-itemText").all_inner_texts()
    assert "clients.toml" in files and "pseudonym.key" not in files
    assert page.locator(".jp-LauncherCard", has_text="Slow payer").count() == 1, "a tile for each worked question"
    page.locator(".jp-LauncherCard", has_text="Denial spike").first.click()
    page.wait_for_selector(
        ".jp-Notebook .jp-CodeCell.jp-mod-active"
    )  # its copy was saved: the first code cell is chosen
    run_all(page)
    assert page.locator(".jp-OutputArea-output .rcm img").first.is_visible(), "a figure is seen"
    table = page.locator(".jp-OutputArea-output .rcm table").first
    assert "$" in "".join(page.locator(".jp-OutputArea-output .rcm table").all_inner_texts()) and table.is_visible()
    assert page.locator(".jp-OutputArea-output mjx-container").count() == 0, "dollars are text"
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    page.keyboard.press("Control+s")
    page.locator(".lm-MenuBar-itemLabel", has_text="File").first.click()
    page.locator(".lm-Menu-itemLabel", has_text="Save and Export Notebook As").hover()
    entry = page.locator(".lm-Menu-itemLabel", has_text="RCM report (PDF)").or_(
        page.locator(".lm-Menu-itemLabel", has_text="Rcm_pdf")
    )
    downloads: list[Any] = []
    page.on("download", lambda one: downloads.append(one))
    context.on("page", lambda window: window.on("download", lambda one: downloads.append(one)))
    entry.first.click()
    for _ in range(PATIENCE // 1000):
        if downloads:
            break
        page.wait_for_timeout(1000)
    assert Path(downloads[0].path()).read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("opened_in", ["lab/tree", "notebooks"])
def test_no_dollar_of_any_block_or_frame_is_typeset_and_dark_is_dark(lab, context, opened_in):
    """In JupyterLab, and in Notebook 7 where that is installed (beside our test dependencies pip seeks for minutes)."""
    if opened_in == "notebooks":
        pytest.importorskip("notebook")
    address, folder = lab
    page = context.new_page()
    page.goto(f"{address}/{opened_in}/notebooks/dollars.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_timeout(2000)
    run_all(page)
    page.wait_for_selector(".jp-MarkdownOutput mjx-container")
    page.wait_for_selector(".widget-image[src]")
    assert page.locator(".jp-OutputArea-output mjx-container").count() == 0, (
        "MathJax is there, and leaves dollars alone"
    )
    cells = page.locator(".jp-CodeCell")
    assert cells.nth(0).locator(".jp-OutputArea-output").count() == 0, "opening a report prints nothing"
    said = " ".join(page.locator(".jp-OutputArea-output").all_inner_texts())
    assert all(words in said for words in ("Paid $5 and $6 of $11.", "Ask for $6", "$5 or $6", "$7", "Peak deficit ($"))
    tiles = page.locator(".rcm .tiles").first
    assert page.evaluate("one => getComputedStyle(one).display", tiles.element_handle()) == "grid"
    ink = "one => getComputedStyle(one).color"
    light = page.evaluate(ink, page.locator(".rcm").first.element_handle())
    page.evaluate("document.body.setAttribute('data-jp-theme-light', 'false')")
    assert page.evaluate(ink, page.locator(".rcm").first.element_handle()) != light
    page.keyboard.press("Control+s")
    kinds: set[str] = set()
    for _ in range(PATIENCE // 1000):
        kinds = _kinds_in(folder / "notebooks" / "dollars.ipynb")
        if kinds:
            break
        page.wait_for_timeout(1000)
    assert "text/html" in kinds and not kinds & {"text/markdown", "text/latex"}, "nothing that VS Code would typeset"


def _kinds_in(file: Path) -> set[str]:
    """The kinds of the outputs that are saved; none while the file is being written."""
    try:
        cells = nbformat.read(file, as_version=4).cells
    except NotJSONError:
        return set()
    return {kind for cell in cells for output in cell.get("outputs", ()) for kind in output.get("data", ())}


@pytest.mark.parametrize(("name", "begins"), [("rcm_html", b"<!doctype html>"), ("rcm_pdf", b"%PDF-")])
def test_the_server_gives_both_formats_under_their_addresses(lab, name, begins):
    address, _ = lab
    with urllib.request.urlopen(
        f"{address}/nbconvert/{name}/notebooks/not_opened.ipynb?token={TOKEN}", timeout=120
    ) as told:
        assert told.status == 200 and told.read().startswith(begins)
