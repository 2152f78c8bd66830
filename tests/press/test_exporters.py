"""`jupyter nbconvert --to rcm-html` and `--to rcm-pdf`, and the print copy."""

from __future__ import annotations

import io
import logging
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pikepdf
import pytest
from nbconvert.exporters import get_exporter

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.errors import RunError  # noqa: E402
from rcm_analysis.press.exporters import RcmHTMLExporter, RcmPDFExporter  # noqa: E402
from rcm_analysis.press.writers.print_copy import LABEL, find_browser, render_print_copy  # noqa: E402


@pytest.fixture
def notebook_path(tmp_path: Path) -> Path:
    path = tmp_path / "review.ipynb"
    nbformat.write(nbformat.from_dict(samples.review()), path)
    return path


def test_nbconvert_finds_both_exporters_by_name():
    assert get_exporter("rcm-html") is RcmHTMLExporter and get_exporter("rcm-pdf") is RcmPDFExporter


def test_html_from_a_file(notebook_path):
    body, resources = RcmHTMLExporter().from_filename(str(notebook_path))
    assert body.startswith("<!doctype html>") and "Signed operative notes" in body
    assert resources["output_extension"] == ".html"


def test_pdf_from_a_file_is_the_same_for_the_same_moment(notebook_path):
    first, resources = RcmPDFExporter(timestamp="2026-11-05T09:00").from_filename(str(notebook_path))
    second, _ = RcmPDFExporter(timestamp="2026-11-05T09:00").from_filename(str(notebook_path))
    assert first == second and resources["output_extension"] == ".pdf"
    with pikepdf.open(io.BytesIO(first)) as opened:
        assert str(opened.docinfo["/Title"]) == "Monthly client review"


def test_pdf_without_a_moment_is_stamped_now(notebook_path):
    body, _ = RcmPDFExporter().from_filename(str(notebook_path))
    assert body.startswith(b"%PDF-")


def test_a_moment_that_is_none_is_refused(notebook_path):
    with pytest.raises(RunError, match="ISO 8601"):
        RcmPDFExporter(timestamp="yesterday").from_filename(str(notebook_path))


def test_the_command_writes_the_files(notebook_path):
    from nbconvert.nbconvertapp import NbConvertApp

    for name in ("rcm-html", "rcm-pdf"):
        app = NbConvertApp(log_level=logging.ERROR)
        app.initialize(["--to", name, str(notebook_path)])
        app.start()
    assert notebook_path.with_suffix(".html").stat().st_size > 10_000
    assert notebook_path.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


def test_a_notebook_that_was_never_run_still_prints_its_text():
    cells = [nbformat.v4.new_markdown_cell("# Plan\n\nText"), nbformat.v4.new_code_cell("1/0")]
    body, _ = RcmHTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    assert "<h1>Plan</h1>" in body and "<p>Text</p>" in body and "<code>" not in body


def test_a_notebook_with_an_error_is_refused():
    cell = nbformat.v4.new_code_cell(
        "1/0", outputs=[nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])]
    )
    with pytest.raises(RunError, match="ZeroDivisionError"):
        RcmHTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))


def test_without_a_browser_or_a_page_the_print_copy_says_so(tmp_path, monkeypatch):
    with pytest.raises(RunError, match="HTML page"):
        render_print_copy(tmp_path / "none.html", tmp_path / "out.pdf")
    (tmp_path / "a.html").write_text("<p>x")
    monkeypatch.setattr("rcm_analysis.press.writers.print_copy.find_browser", lambda: None)
    with pytest.raises(RunError, match="RCM_BROWSER"):
        render_print_copy(tmp_path / "a.html", tmp_path / "out.pdf")
    with pytest.raises(RunError, match="could not be started"):
        render_print_copy(tmp_path / "a.html", tmp_path / "out.pdf", browser=tmp_path / "no-browser")


@pytest.mark.skipif(shutil.which("sleep") is None, reason="needs a program that waits")
def test_a_browser_that_hangs_is_ended_at_the_deadline(tmp_path):
    (tmp_path / "a.html").write_text("<p>x")
    hanging = tmp_path / "browser"
    hanging.write_text("#!/bin/sh\nsleep 60\n")
    hanging.chmod(0o755)
    with pytest.raises(RunError, match="did not finish"):
        render_print_copy(tmp_path / "a.html", tmp_path / "out.pdf", browser=hanging, deadline_seconds=0.5)
    assert not (tmp_path / "out.pdf").exists()


@pytest.mark.browser
def test_the_print_copy_is_made_and_labelled(tmp_path):
    browser = find_browser()
    if browser is None:
        pytest.skip("no browser is installed")
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><title>Chart</title><p id=a>before</p><script>document.getElementById('a').textContent='drawn by a script'</script>"
    )
    out = render_print_copy(page, tmp_path / "copy.pdf", browser=browser)
    with pikepdf.open(out) as opened:
        assert str(opened.docinfo["/Title"]) == "Chart (print copy)"
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    said = subprocess.run(["pdftotext", str(out), "-"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "drawn by a script" in said and LABEL in said
    placed = subprocess.run(
        ["pdftotext", "-bbox", str(out), "-"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    height = float(re.search(r'<page .*height="([\d.]+)"', placed)[1])
    top, bottom = map(float, re.search(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">Print<', placed).groups())
    assert top > 0.93 * height and bottom - top > 5, (
        "the label stands at the foot of the page, in a size that can be read"
    )
