"""Packets: only finished reports go in, and what is not in is named."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import openpyxl
import pytest

from rcm_analysis.blocks.vocabulary import Fact, Facts, Glossary, Meta, Note, Term
from rcm_analysis.errors import ParameterError, RunError
from rcm_analysis.press.document.document import Cell, Document, Grid, Heading, Run, join
from rcm_analysis.press.document.extract import titles_in, without
from rcm_analysis.press.runs import folders, manifest
from rcm_analysis.press.runs.packet import PacketRequest, build_packet, packet_reports, why_not
from rcm_analysis.press.runs.run import RunResult
from rcm_analysis.press.runs.templates import read_templates

NAMED = "cali-care_2026-10_packet"
SELF_PAY = ("self_pay_review", "self_pay_accounts")
FRONT_OFFICE = ("patient_engagement_review", "care_team_huddle")
COORDINATION = ("care_coordination_review", "care_coordination_lists")
Finished = tuple[RunResult, RunResult]
Packets = Callable[..., PacketRequest]


@pytest.fixture
def packet_of(finished: Finished, templates_folder: Path, tmp_path: Path) -> Packets:
    """A packet request in a runs folder where the small report of cali-care is finished."""
    place = folders.run_folder(tmp_path / "runs", "cali-care", "2026-10", "small")
    shutil.copytree(finished[0].folder, place)

    def build(*reports: str, client: str = "cali-care", **changes: object) -> PacketRequest:
        return PacketRequest(client, "2026-10", tmp_path / "runs", reports or ("small",), templates_folder, **changes)

    return build


def test_a_packet_holds_one_of_each(packet_of: Packets) -> None:
    result = build_packet(packet_of())
    assert (result.status, result.template, result.warnings) == ("done", "packet", ())
    assert sorted(path.name for path in result.folder.iterdir()) == [
        f"{NAMED}.html", f"{NAMED}.pdf", f"{NAMED}.xlsx", "manifest.json",
    ]  # fmt: skip
    assert result.pages and result.pages >= 2
    assert manifest.verify(result.folder) == []
    assert openpyxl.load_workbook(result.folder / f"{NAMED}.xlsx").sheetnames == ["Contents", "Aging", "Definitions"]


def test_definitions_stand_once_with_what_is_said_of_them() -> None:
    said = Note("None of them is a target.")
    blocks = (
        Heading(1, (Run("Aging"),), "aging"),
        Note("x"),
        Heading(1, (Run("Definitions"),), "definitions"),
        Glossary((Term("aging", "Receivable by age", "a sum"),)),
        said,
        Heading(1, (Run("Provenance"),), "provenance"),
        Note("y"),
    )
    one = Document(Meta(title="Review"), blocks)
    found = join([one, one], Meta(title="Packet")).blocks
    headings = ["".join(run.text for run in block.text) for block in found if isinstance(block, Heading)]
    assert headings == ["Review", "Aging", "Provenance", "Review", "Aging", "Provenance", "Definitions"]
    assert found[-2:] == (said, Glossary(blocks[3].items))


def test_where_the_numbers_come_from_stands_once_at_the_end() -> None:
    """A report's last section, if it is one of facts, goes behind the reports, said once where it is the same; facts
    elsewhere stay."""
    facts, later = Facts("Sources", (Fact("As of", "October 31"),)), Facts("Sources", (Fact("As of", "November 1"),))
    table = Grid(1, (), tuple((Cell(str(number)),) for number in range(12)), caption="Input tables")
    first, last = Heading(1, (Run("Aging"),), "aging"), Heading(1, (Run("Provenance"),), "provenance")
    reports = [
        Document(Meta(title="Review"), (first, facts, Note("x"), last, facts, replace(table, number=3))),
        Document(Meta(title="Deep dive"), (first, Note("y"), last, facts, replace(table, number=8))),
        Document(Meta(title="Other"), (first, Note("z"), last, later, table)),
        Document(Meta(title="Short"), (first, facts)),
    ]
    found = join(reports, Meta(title="Packet")).blocks
    words = ["".join(run.text for run in block.text) for block in found if isinstance(block, Heading)]
    assert words == [
        "Review",
        "Aging",
        "Deep dive",
        "Aging",
        "Other",
        "Aging",
        "Short",
        "Aging",
        "Where the numbers come from",
        "Review, Deep dive",
        "Other",
    ]
    assert [type(block) for block in found[-6:]] == [Heading, Facts, Grid, Heading, Facts, Note]
    assert found[2:4] == (facts, Note("x"))


@pytest.mark.parametrize(
    ("rows", "other", "kinds"),
    [
        pytest.param(10, 10, [Grid, Note], id="a large table that two reports share is printed once"),
        pytest.param(10, 11, [Grid, Grid], id="two different tables are both printed"),
        pytest.param(9, 9, [Grid, Grid], id="a small table stands wherever it is read"),
    ],
)
def test_a_shared_table_is_printed_once(rows: int, other: int, kinds: list[type]) -> None:
    def table(count: int) -> Grid:
        return Grid(1, (), tuple((Cell(str(number)),) for number in range(count)), caption="Input tables")

    parts = [Document(Meta(title=title), (table(count),)) for title, count in (("Review", rows), ("Deep dive", other))]
    found = [block for block in join(parts, Meta(title="Packet")).blocks if not isinstance(block, Heading)]
    assert [type(block) for block in found] == kinds
    if Note in kinds:
        assert "Review" in found[1].text


def test_the_packet_names_the_runs_it_was_made_from(packet_of: Packets) -> None:
    request = packet_of()
    build_packet(request)
    made = manifest.read(request.folder)
    assert made["made_from"] == {"small": manifest.fingerprint(request.folder.with_name("small"))}
    assert (made["kind"], made["absent"]) == ("packet", [])


def test_a_report_that_was_not_made_is_named(packet_of: Packets) -> None:
    result = build_packet(packet_of("other", "small"))
    page = (result.folder / f"{NAMED}.html").read_text(encoding="utf-8")
    assert result.warnings[0] == "Not in this packet: Other review (it was not made)."
    contents = page[: page.index("<main")]
    assert "Not in this packet: Other review" in contents
    assert "Other review is not in this packet: it was not made." in page
    assert manifest.read(result.folder)["absent"] == [
        {"title": "Other review", "reason": "it was not made", "reader": "client"}
    ]


def test_a_failed_attempt_keeps_the_older_good_run_out(packet_of: Packets) -> None:
    request = packet_of()
    failed = folders.failed_folder(request.folder.with_name("small"))
    failed.mkdir()
    manifest.write(failed, {"status": "failed", "error": {"cell": 5, "error": "TableError", "line": "x"}})
    result = build_packet(request)
    assert result.status == "failed"
    assert "Small review: the last run stopped at cell 5 (TableError)" in result.error
    assert not request.folder.exists()


def test_a_report_changed_by_hand_stays_out(packet_of: Packets) -> None:
    folder = packet_of().folder.with_name("small")
    (folder / "report.html").write_text("other")
    assert "report.html has changed" in why_not(folder)


def test_a_packet_whose_reports_all_fail_leaves_the_older_packet(packet_of: Packets) -> None:
    request = packet_of()
    build_packet(request)
    shutil.rmtree(request.folder.with_name("small"))
    assert build_packet(request).status == "failed"
    assert manifest.verify(request.folder) == []


def test_a_packet_is_reused_until_a_report_changes(packet_of: Packets) -> None:
    request = packet_of()
    assert [build_packet(request).status for _ in range(2)] == ["done", "reused"]
    again = request.folder.with_name("small")
    manifest.write(again, {**manifest.read(again), "findings": 99})
    assert build_packet(request).status == "done"


def test_the_same_reports_give_the_same_bytes(packet_of: Packets) -> None:
    request = packet_of(printed_on=dt.date(2026, 11, 3), force=True)
    names = (f"{NAMED}.html", f"{NAMED}.pdf", f"{NAMED}.xlsx")
    made = []
    for _ in range(2):
        assert build_packet(request).good
        made.append([(request.folder / name).read_bytes() for name in names])
    assert made[0] == made[1]


def test_a_place_that_is_not_ours_is_not_overwritten(packet_of: Packets) -> None:
    request = packet_of()
    request.folder.mkdir()
    with pytest.raises(RunError, match="will not be overwritten"):
        build_packet(request)


def test_another_clients_reports_are_not_found(packet_of: Packets) -> None:
    result = build_packet(packet_of(client="dr-suess"))
    assert (result.status, result.error) == (
        "failed", "No packet was made, as no report is finished (Small review: it was not made).",
    )  # fmt: skip


def test_a_hostile_client_id_goes_nowhere(packet_of: Packets) -> None:
    with pytest.raises(ParameterError, match="client id"):
        build_packet(packet_of(client="../cali-care"))


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        pytest.param(None, ("small", "broken", "other"), id="every packet report, in order"),
        pytest.param(["claims"], ("small", "broken", "other"), id="those of the client's services"),
        pytest.param(["self_pay"], (), id="none for a client with other services"),
    ],
)
def test_a_packet_holds_the_reports_of_the_clients_services(
    templates_folder: Path, services: list[str] | None, expected: tuple[str, ...]
) -> None:
    assert packet_reports(read_templates(templates_folder), services) == expected


@pytest.mark.parametrize(
    ("services", "more"),
    [
        pytest.param([], (), id="neither service"),
        pytest.param(["self_pay"], SELF_PAY, id="a self-pay programme"),
        pytest.param(["patient_engagement"], FRONT_OFFICE, id="a front office"),
        pytest.param(["patient_engagement", "self_pay"], (*SELF_PAY, *FRONT_OFFICE), id="both"),
        pytest.param(["care_coordination"], COORDINATION, id="a care-coordination programme"),
    ],
)
def test_the_shipped_packet_follows_the_services_of_the_client(services: list[str], more: tuple[str, ...]) -> None:
    templates = read_templates()
    assert packet_reports(templates, ["claims", *services]) == ("client_review", "ar_deep_dive", *more)
    ours = {template.name for template in templates if template.reader == "manager"}
    lists = {"self_pay_accounts", "care_team_huddle", "care_coordination_lists", "client_meeting"}
    assert {"ar_deep_dive", *lists} == ours, "lists are for the manager's copy alone"


def test_only_the_clients_page_carries_claims_and_only_where_that_is_wanted(
    packet_of: Packets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rcm_analysis.press.writers import claims, html

    made, asked = html.render, []
    monkeypatch.setattr(claims, "lists_of", lambda packet: asked.append(packet.meta.title) or claims.Lists())
    monkeypatch.setattr(html, "render", lambda packet, lists=None: made(packet, fonts="system", lists=lists))
    build_packet(packet_of(force=True))
    assert asked == ["Monthly packet"]
    assert build_packet(packet_of(claims=False)).status == "done", "another packet than the one with claims"
    assert asked == ["Monthly packet"]


def test_sections_and_reports_that_a_client_does_not_get_are_not_in_its_files(packet_of: Packets) -> None:
    assert "no report was asked for" in build_packet(packet_of(leave_out=("small REVIEW",))).error
    result = build_packet(packet_of(leave_out=("No such section",)))
    assert result.warnings == ("The registry leaves out 'No such section'; no section or report here has that title.",)


def test_a_section_ends_where_the_next_of_its_level_begins_and_what_is_for_the_workbook_stays() -> None:
    def cell(kind: str, source: str, *tags: str) -> nbformat.NotebookNode:
        made = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}[kind](source)
        return made | {"metadata": {"tags": list(tags)}}

    cells = [
        cell("markdown", "# Review"),
        cell("markdown", "## Denials\nSome words."),
        cell("code", "denials"),
        cell("markdown", "### By payer"),
        cell("code", "payers"),
        cell("code", "rest", "workbook"),
        cell("markdown", "## Outlook"),
        cell("code", "outlook"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    left = [one["source"] for one in without(notebook, ["DENIALS"])["cells"]]
    assert left == ["# Review", "rest", "## Outlook", "outlook"]
    assert without(notebook, []) is notebook
    assert titles_in(notebook) == ["Review", "Denials", "By payer", "Outlook"]


def test_copies_for_mail_lie_beside_the_packet_and_the_password_in_none_of_its_files(
    packet_of: Packets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RCM_PACKET_PASSWORD", raising=False)
    with pytest.raises(RunError, match="at least 12 characters"):
        build_packet(packet_of(encrypt=True))
    monkeypatch.setenv("RCM_PACKET_PASSWORD", "correct horse battery")
    result = build_packet(packet_of(encrypt=True))
    names = {path.name for path in result.folder.iterdir()}
    assert {f"{NAMED}_locked.pdf", f"{NAMED}_locked.xlsx"} <= names and not manifest.verify(result.folder)
    assert not [path for path in result.folder.iterdir() if b"correct horse battery" in path.read_bytes()]
    assert build_packet(packet_of(encrypt=True)).status == "reused"
    monkeypatch.setenv("RCM_PACKET_PASSWORD", "another horse battery")
    assert build_packet(packet_of(encrypt=True)).status == "done", "the copies are made again under a new password"
