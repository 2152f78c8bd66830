"""The reference document: every measure once, its numerator and denominator; made again when something changed."""

from __future__ import annotations

from pathlib import Path

from builders.night_workspace import night_workspace
from rcm_analysis.cli.printing import NAME, REFERENCE, make_reference
from rcm_analysis.measures.menu import menu
from rcm_analysis.press.runs.templates import find_template
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


def test_the_pages_of_the_reports_lead_to_it() -> None:
    for name in ("client_review", "ar_deep_dive", "ar_weekly_review", "self_pay_review", "patient_engagement_review"):
        text = "".join(cell.source for cell in find_template(name).notebook().cells if cell.cell_type == "markdown")
        assert f"../../../{REFERENCE}/{NAME}.html" in text, name
