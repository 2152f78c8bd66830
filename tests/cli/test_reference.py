"""The reference document: every measure once, its numerator and denominator; made again when something changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from builders.night_workspace import PERIOD, night_workspace
from rcm_analysis.blocks.vocabulary import Glossary, Meta, Note, Term
from rcm_analysis.cli.app import app
from rcm_analysis.cli.printing import NAME, REFERENCE, make_reference
from rcm_analysis.measures.menu import menu
from rcm_analysis.press.document.document import Document, Heading, Paragraph, Run, join
from rcm_analysis.press.runs.run import RunResult
from rcm_analysis.press.runs.templates import Template, read_templates
from rcm_analysis.tables.workspace import open_workspace


def test_it_holds_every_measure_and_is_kept_while_nothing_changes(tmp_path: Path) -> None:
    workspace = night_workspace(tmp_path / "workspace")
    assert make_reference(workspace)
    page = (workspace.runs / REFERENCE / f"{NAME}.html").read_text(encoding="utf-8")
    assert [one.title for one in menu().values() if one.title.replace("'", "&#39;") not in page] == []
    assert "Numerator: cash. Denominator: charge." in page
    assert not make_reference(open_workspace(workspace.folder))
    registry = workspace.registry.path
    registry.write_text(registry.read_text().replace("[firm]", '[firm.packet]\ncolor = "#7a4b00"\n\n[firm]', 1))
    assert make_reference(open_workspace(workspace.folder)), "another look"


LISTS = {"care_team_huddle", "care_coordination_lists", "self_pay_accounts"}
"""Rows to work, beside a report that leads there."""

OWN_WORDS = {"care_coordination_plan"}
"""A plan may be made where no workspace is; its assumptions and words stand in it."""


@pytest.mark.parametrize("found", read_templates(), ids=lambda found: found.name)
def test_the_page_of_every_report_leads_to_it_once(found: Template) -> None:
    cells = [cell.source for cell in found.notebook().cells if cell.cell_type == "markdown"]
    leads = "".join(cells).count(f"../../../{REFERENCE}/{NAME}.html")
    assert leads == (found.name not in LISTS | OWN_WORDS)
    assert not leads or not cells[0].count(NAME), "at the end"


def test_one_report_made_alone_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = night_workspace(tmp_path / "workspace")
    made = RunResult("review", "acme", PERIOD, workspace.runs, "done", 0.0)
    monkeypatch.setattr("rcm_analysis.press.runs.run.run", lambda *_, **__: made)
    arguments = ["run", "review", "-c", "acme", "--period", PERIOD, "--workspace", str(workspace.folder)]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (workspace.runs / REFERENCE / f"{NAME}.html").exists()


def test_a_packet_keeps_the_line_beneath_its_terms() -> None:
    lead = Paragraph((Run("How every number is counted"),))
    terms = (Heading(1, (Run("Ten terms"),), "ten-terms"), Glossary((Term(title="Posted", formula="Entered."),)), lead)
    part = Document(Meta(title="Review"), (Note("x"), *terms))
    assert join([part], Meta(title="Packet"), appendix=False).blocks[-1] == lead
