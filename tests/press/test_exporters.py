"""`jupyter nbconvert --to rcm_html` and `--to rcm_pdf`."""

from __future__ import annotations

import io
import logging
import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import nbformat
import pikepdf
import pytest

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.errors import RunError  # noqa: E402
from rcm_analysis.press.exporters import RcmHTMLExporter, RcmPDFExporter  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture
def notebook_path(tmp_path: Path) -> Path:
    path = tmp_path / "review.ipynb"
    nbformat.write(nbformat.from_dict(samples.review()), path)
    return path


def test_nbconvert_finds_both_exporters_by_names_that_a_server_takes_in_its_addresses():
    """Jupyter's address is /nbconvert/(\\w+)/: a name with a hyphen is a 404 from the export menu."""
    names = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["nbconvert.exporters"]
    found = {name: EntryPoint(name, value, "nbconvert.exporters").load() for name, value in names.items()}
    assert found == {"rcm_html": RcmHTMLExporter, "rcm_pdf": RcmPDFExporter}
    assert all(re.fullmatch(r"\w+", name) for name in found)


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

    for name in (f"{RcmHTMLExporter.__module__}.{kind.__name__}" for kind in (RcmHTMLExporter, RcmPDFExporter)):
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
