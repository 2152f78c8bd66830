"""The PDF: conforming, complete, the same every time, and honest about what it could not do."""

from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import subprocess
from dataclasses import replace

import page as page_validation
import pikepdf
import pytest

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.blocks.vocabulary import Figure, Meta, Note
from rcm_analysis.errors import RunError  # noqa: E402
from rcm_analysis.press.document.document import (
    Cell,
    Document,
    Grid,
    Heading,
    ListBlock,
    Paragraph,
    Quote,
    Run,
    join,  # noqa: E402
)
from rcm_analysis.press.document.extract import extract  # noqa: E402
from rcm_analysis.press.document.html_tables import finished  # noqa: E402
from rcm_analysis.press.writers import pdf  # noqa: E402
from rcm_analysis.press.writers.pdf import finish  # noqa: E402

MOMENT = dt.datetime(2026, 11, 5, 9, 30, tzinfo=dt.UTC)
PROFILES = (page_validation.ValidationProfile.PDF_A_2A, page_validation.ValidationProfile.PDF_UA_1)


def lengths_are_right(data: bytes) -> bool:
    """Whether every stream ends exactly where its /Length says (our own byte scan)."""
    place = 0
    while match := re.compile(rb"[^d]stream\r?\n").search(data, place):
        length = re.findall(
            rb"/Length (\d+)(?! \d+ R)", data[data.rfind(b" obj", 0, match.start()) : match.start() + 1]
        )
        if len(length) != 1:
            return False
        place = match.end() + int(length[0])
        if not re.match(rb"(\r\n|\n|\r)?endstream", data[place : place + 12]):
            return False
    return True


def faults(data: bytes) -> list[str]:
    """What the validator finds wrong with either standard."""
    reports = [page_validation.validate_pdf_bytes(data, profile=profile) for profile in PROFILES]
    return [
        f"{report.profile} {failure.rule_id}: {failure.message}" for report in reports for failure in report.failures
    ]


def text_of(data: bytes, *options: str) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=data, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().replace("\u2060", "").replace("\u200b", "")


def structure(data: bytes, kind: str) -> list[tuple[str, list[str]]]:
    """The description and the scopes of every structure element of a kind."""
    with pikepdf.open(io.BytesIO(data)) as opened:
        elements = [
            item
            for item in opened.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/S") == pikepdf.Name(kind)
        ]
        return [
            (str(item.get("/Alt", "")), [str(entry["/Scope"]) for entry in _attributes(item) if "/Scope" in entry])
            for item in elements
        ]


def long_table(rows: int, columns: int = 4, text: str = "value") -> Grid:
    head = (tuple(Cell(f"Column {n}", head=True) for n in range(columns)),)
    body = tuple(tuple(Cell(f"{text} {y}.{x}", head=x == 0) for x in range(columns)) for y in range(rows))
    return finished(Grid(columns, head, body, caption=f"{rows} rows", number=1))


def nested() -> Document:
    small = long_table(2, 2)
    inner = ListBlock(
        True,
        3,
        ((Paragraph((Run("one"),)), replace(small, caption="")), (Quote((Paragraph((Run("two", code=True),)),)),)),
    )
    heading = Heading(1, (Run("Nested", italic=True),), "nested")
    return Document(
        Meta(title="Nested"), (heading, inner, Quote((inner, Paragraph((Run("go", href="https://x12.org"),)))), small)
    )


def packet() -> Document:
    review = extract(samples.review())
    deep = extract(
        samples.notebook(
            samples.text("# Deep dive\n\n## A\n\n### B\n\n#### C\n\ntext\n\n## A"),
            samples.block("glossary", items=samples.glossary()),
        )
    )
    return join(
        [review, deep, review],
        Meta(title="Monthly packet", client_name="Grey’s Anatomy", period_title="October 2026", firm="Firm"),
    )


def own_notebook() -> Document:
    import pandas as pd

    frame = pd.DataFrame(
        {("AR", "open"): [1.5, 2.5], ("AR", "n"): [3, 4]}, index=pd.Index(["Ōoku", "Dr. Quinn"], name="client")
    )
    return extract(
        samples.notebook(
            samples.text(
                "# Why?\n\n- a\n  - b\n\n1. c\n\n> d\n\n```\ncode\n```\n\n---\n\n| a | b |\n|---|--:|\n| x | 1 |"
            ),
            samples.output_cell({"text/html": frame._repr_html_()}),
            samples.output_cell({"text/plain": "42"}),
        )
    )


DOCUMENTS = {
    "the whole monthly review": lambda: extract(samples.review()),
    "a packet of three reports": packet,
    "an analyst's own notebook": own_notebook,
    "an empty notebook": lambda: Document(Meta(title=""), ()),
    "a long table": lambda: Document(Meta(title="Long"), (long_table(300),)),
    "a table wide enough for landscape": lambda: Document(
        Meta(title="Wide"), (Heading(1, (Run("Wide"),), "w"), long_table(30, 14, "a longer value"))
    ),
    "more columns than a page holds": lambda: Document(Meta(title="Wider"), (long_table(3, 40),)),
    "tables inside lists and quotes": nested,
    "a review of a client without a name": lambda: Document(
        Meta(title="Portfolio overview", period="2026-10"), extract(samples.review()).blocks
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_file_is_pdf_a_2a_and_pdf_ua_1(name):
    result = pdf.render(DOCUMENTS[name](), timestamp=MOMENT)
    assert faults(result.bytes) == []
    assert not [warning for warning in result.warnings if "Row headers" in warning]


def test_readers_have_nothing_to_complain_of():
    data = pdf.render(extract(samples.review()), timestamp=MOMENT).bytes
    with pikepdf.open(io.BytesIO(data)) as opened:
        assert opened.Root.MarkInfo.Marked is True and "/Suspects" not in opened.Root.MarkInfo
    if not shutil.which("pdfinfo"):
        pytest.skip("pdfinfo (poppler-utils) is not installed")
    done = subprocess.run(["pdfinfo", "-"], input=data, capture_output=True, check=True, timeout=60)
    assert done.stderr == b"" and b"Tagged:" in done.stdout


def test_the_validator_can_fail():
    """The gate is worth something only if it is not always green."""
    result = pdf.render(extract(samples.review()), timestamp=MOMENT, standards=())
    assert faults(result.bytes)
    with pikepdf.open(io.BytesIO(pdf.render(extract(samples.review()), timestamp=MOMENT).bytes)) as opened:
        del opened.Root.Lang
        del opened.Root.MarkInfo
        spoiled = io.BytesIO()
        opened.save(spoiled)
    assert faults(spoiled.getvalue())


def test_a_stream_that_ends_in_a_carriage_return_cannot_be_misread():
    """Such a stream is legal, and called wrong by validators that look for the end of line before `endstream`."""
    ending_in_cr = 0
    for seed in range(400):
        with pikepdf.new() as made:
            made.add_blank_page()
            made.pages[0].Contents = made.make_stream(
                f"% page {seed}\n".encode() + bytes(range(32, 120)) + bytes([seed % 256])
            )
            made.Root.Dummy = made.make_indirect(pikepdf.Dictionary(Seed=seed))
            raw = io.BytesIO()
            made.save(raw)
        finished_file, _ = finish(raw.getvalue(), [])
        assert not re.search(rb"[^\r]\r\nendstream", finished_file) and lengths_are_right(finished_file)
        ending_in_cr += b"\r\r\nendstream" in finished_file
        with pikepdf.open(io.BytesIO(finished_file)) as opened:
            assert not opened.get_warnings() and opened.Root.Dummy.Seed == seed
            assert opened.pages[0].Contents.read_bytes().startswith(f"% page {seed}\n".encode())
    assert ending_in_cr >= 2, "no seed gave a stream that ends in CR: the test proves nothing"


def test_a_wrong_stream_length_is_seen():
    data = pdf.render(Document(Meta(title="x"), ()), timestamp=MOMENT).bytes
    assert lengths_are_right(data)
    assert not lengths_are_right(re.sub(rb"/Length (\d)", rb"/Length 9\1", data, count=1))


def test_the_same_document_and_moment_give_the_same_bytes():
    first, second = (pdf.render(extract(samples.review()), timestamp=MOMENT).bytes for _ in range(2))
    assert first == second
    assert first != pdf.render(extract(samples.review()), timestamp=MOMENT + dt.timedelta(days=1)).bytes


def test_a_moment_without_a_zone_is_utc_and_zones_do_not_matter():
    document = Document(Meta(title="x"), (Note("y"),))
    zoned = MOMENT.astimezone(dt.timezone(dt.timedelta(hours=-6)))
    assert (
        pdf.render(document, timestamp=MOMENT.replace(tzinfo=None)).bytes == pdf.render(document, timestamp=zoned).bytes
    )


def test_cover_and_contents_share_page_one_and_the_sixty_seconds_are_page_two():
    data = pdf.render(extract(samples.review()), timestamp=MOMENT).bytes
    cover, second = (" ".join(text_of(data, "-f", n, "-l", n).split()) for n in "12")
    for item in (
        "RELIANT REVENUE PARTNERS",
        "Chicago Med",
        "Monthly client review",
        "October 2026, as of October 31, 2026",
        "Contents",
    ):
        assert item in cover
    assert re.search(r"Sixty seconds (. )+2 ", cover) and re.search(r"Definitions and provenance (. )+6 ", cover)
    assert "How much came in?" in second and "Signed operative notes for 32 claims" in second


def test_every_page_after_the_cover_names_the_client_and_its_number():
    result = pdf.render(extract(samples.review()), timestamp=MOMENT)
    for number in range(2, result.pages + 1):
        one_page = text_of(result.bytes, "-layout", "-f", str(number), "-l", str(number))
        assert one_page.lstrip().startswith("Chicago Med"), number
        assert f"Page {number} of {result.pages}" in one_page


def test_everything_said_in_the_notebook_is_printed():
    everything = " ".join(text_of(pdf.render(extract(samples.review()), timestamp=MOMENT).bytes).split())
    for item in (
        "! off target",
        "✓ on target",
        "– no data",
        "▼ worse",
        "Target ≥ 95 %",
        "Table 1 · Open receivable by payer and age",
        "All payers",
        "Credits of $8,412",
        "Figure 1 · Open receivable by age",
        "One dollar in five",
        "High priority",
        "Owner: Jane Smith",
        "Due: November 15, 2026",
        "Please note: Two remittances",
        "9f2c4e71d0b8a6f3",
        "HFMA MAP Key AR-1",
    ):
        assert item in everything, item
    assert "noise" not in everything and "fallback" not in everything


def test_table_headers_repeat_on_every_page_of_a_long_table():
    result = pdf.render(Document(Meta(title="Long"), (long_table(200),)), timestamp=MOMENT)
    assert result.pages >= 5
    for number in range(2, result.pages + 1):
        assert "Column 3" in text_of(result.bytes, "-f", str(number), "-l", str(number))


def test_wide_tables_turn_the_page_and_take_their_heading_with_them():
    data = pdf.render(DOCUMENTS["a table wide enough for landscape"](), timestamp=MOMENT).bytes
    with pikepdf.open(io.BytesIO(data)) as opened:
        boxes = [[float(side) for side in sheet.mediabox] for sheet in opened.pages]
    assert boxes[0][2] < boxes[0][3] and boxes[1][2] > boxes[1][3]
    assert "Wide" in text_of(data, "-f", "2", "-l", "2").replace("Column", "")


def test_row_headers_column_headers_and_alt_text_are_tagged():
    data = pdf.render(extract(samples.review()), timestamp=MOMENT).bytes
    scopes = [scope for _, scopes in structure(data, "/TH") for scope in scopes]
    assert scopes.count("/Row") == 6 + 30 + 3 and scopes.count("/Column") >= 7
    assert [alt[:12] for alt, _ in structure(data, "/Figure")] == ["Bars of open"]


def _attributes(cell: pikepdf.Dictionary) -> list[pikepdf.Dictionary]:
    attributes = cell.get("/A")
    return list(attributes) if isinstance(attributes, pikepdf.Array) else [] if attributes is None else [attributes]


def test_tables_that_are_not_where_expected_are_said_not_mistagged():
    raw = pdf.render(Document(Meta(title="x"), (long_table(3),)), timestamp=MOMENT).bytes
    assert finish(raw, [[{0}, {0}, {0}]])[1]
    assert not finish(raw, [])[1] and not finish(raw, [[{0}]])[1]


def test_the_file_knows_its_title_language_author_and_dates():
    with pikepdf.open(io.BytesIO(pdf.render(extract(samples.review()), timestamp=MOMENT).bytes)) as opened:
        assert (
            str(opened.docinfo["/Title"]) == "Monthly client review"
            and str(opened.docinfo["/Author"]) == "Reliant Revenue Partners"
        )
        assert str(opened.docinfo["/CreationDate"]).startswith("D:20261105093000")
        assert str(opened.Root.Lang) == "en" and bool(opened.Root.ViewerPreferences.DisplayDocTitle)
        outline = [item.title for item in opened.open_outline().root]
    assert outline[:2] == ["Sixty seconds", "The month in numbers"] or "Sixty seconds" in outline


def test_tables_are_capped_with_an_honest_note():
    result = pdf.render(Document(Meta(title="Long"), (long_table(1_700, 2),)), timestamp=MOMENT)
    everything = text_of(result.bytes)
    assert "Rows 1–1,500 of 1,700; the notebook holds them all." in everything
    assert "value 1499.1" in everything and "value 1500.1" not in everything


def test_columns_that_do_not_fit_follow_in_parts_with_the_columns_that_name_the_rows():
    everything = text_of(pdf.render(DOCUMENTS["more columns than a page holds"](), timestamp=MOMENT).bytes)
    everything = " ".join(everything.split())
    assert "3 rows (columns 1–21 of 40)" in everything and "3 rows (columns 22–40 of 40)" in everything
    assert all(f"Column {x}" in everything and f"value 2.{x}" in everything for x in range(40))
    assert everything.count("value 2.0") == 2


def test_a_figure_without_alt_text_is_a_warning_and_an_error_in_strict_mode():
    document = Document(Meta(title="x"), (Figure(data=samples.CHART.encode(), alt="", title="Aging", number=1),))
    result = pdf.render(document, timestamp=MOMENT)
    assert result.warnings == ("Figure 1 has no description (alt text).",) and faults(result.bytes) == []
    with pytest.raises(RunError, match="alt text.*Figure 1"):
        pdf.render(document, timestamp=MOMENT, strict=True)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        pytest.param(b"<svg", "image/svg+xml", id="a truncated SVG"),
        pytest.param(b"\x89PNG\r\n\x1a\n1234", "image/png", id="a truncated PNG"),
        pytest.param(b"", "image/svg+xml", id="no picture at all"),
        pytest.param(
            b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;',
            "image/svg+xml",
            id="an entity bomb",
        ),
    ],
)
def test_a_broken_figure_becomes_a_box_with_its_description(data, mime):
    good = Figure(data=samples.CHART.encode(), alt="The good one", number=1)
    broken = Figure(data=data, mime=mime, alt="What the broken one would show", number=2)
    result = pdf.render(Document(Meta(title="x"), (good, Quote((broken,)))), timestamp=MOMENT)
    assert "What the broken one would show" in " ".join(text_of(result.bytes).split())
    assert [alt for alt, _ in structure(result.bytes, "/Figure")] == ["The good one"]
    assert faults(result.bytes) == []
    assert not data or any("1 of 2 figures could not be drawn" in warning for warning in result.warnings)


def test_a_contents_too_long_for_the_cover_shows_the_top_level_only():
    blocks = tuple(Heading(1 + n % 2, (Run(f"Heading {n}"),), f"h-{n}") for n in range(60))
    data = pdf.render(Document(Meta(title="Many"), blocks), timestamp=MOMENT).bytes
    cover = text_of(data, "-f", "1", "-l", "1")
    assert "Heading 58" in cover and "Heading 59" not in cover


def test_the_packet_starts_each_report_on_a_new_page():
    data = pdf.render(packet(), timestamp=MOMENT).bytes
    pages = text_of(data).split("\f")
    starts = [
        number
        for number, sheet in enumerate(pages, start=1)
        if re.search(
            r"^\s*Grey’s Anatomy\s+Monthly packet · (Monthly client review|Deep dive|Definitions)\s+\1\n", sheet
        )
    ]
    assert len(starts) == 4 and starts[0] == 2
