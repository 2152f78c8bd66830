"""Notebook → document: what is printed, what is left out, what is refused."""

from __future__ import annotations

import base64

import pytest

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.blocks.vocabulary import (
    Cards,
    Fact,
    Facts,
    Figure,
    Findings,
    Glossary,
    Inputs,
    Kpis,
    Meta,
    Note,
    PageBreak,
    Table,
)
from rcm_analysis.errors import RunError  # noqa: E402
from rcm_analysis.press.document.document import Document, Grid, Heading, LeftOut, Paragraph, Run, join, plain_text
from rcm_analysis.press.document.extract import blocks_in, extract  # noqa: E402

PNG = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
).decode()


def kinds(document: Document) -> list[str]:
    return [type(block).__name__ for block in document.blocks]


def only(document: Document, kind: type):
    (found,) = [block for block in document.blocks if isinstance(block, kind)]
    return found


def test_every_kind_of_block_arrives_in_order():
    document = extract(samples.review())
    assert kinds(document) == [
        "Heading", "Cards", "Note", "Heading", "Kpis", "Heading", "Paragraph", "Grid", "Figure", "Grid",
        "Heading", "Findings", "Note", "Heading", "Facts", "Glossary",
    ]  # fmt: skip
    assert document.warnings == ()
    assert document.meta == Meta(**samples.META)


def test_the_values_of_each_kind_survive():
    document = extract(samples.review())
    assert only(document, Cards).items[0].answer == "$68,412"
    tile = only(document, Kpis).items[1]
    assert (tile.label, tile.status, tile.comparisons[0].direction, tile.comparisons[0].good) == (
        "Days in AR",
        "bad",
        "up",
        False,
    )
    assert only(document, Findings).items[0].severity == "high"
    assert only(document, Facts).items[1] == Fact("Residual of the roll-forward", "$0.00")
    assert only(document, Glossary).items[0].title == "Days in AR"
    figure = only(document, Figure)
    assert figure.mime == "image/svg+xml" and figure.alt.startswith("Bars of open") and figure.table is not None
    table = next(block for block in document.blocks if isinstance(block, Grid))
    assert table.emphasis == {5} and table.body[0][0].head and table.aligns == ("left", *["right"] * 6)
    assert table.body[5][6].text == "$205,497"


def test_tables_and_figures_are_numbered_in_reading_order():
    blocks = extract(samples.review()).blocks
    assert [block.number for block in blocks if isinstance(block, Grid)] == [1, 2]
    assert [block.number for block in blocks if isinstance(block, Figure)] == [1]


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters", "hide"])
def test_cells_with_these_tags_are_not_printed(tag):
    notebook = samples.notebook(
        samples.text("secret", tags=(tag,)), samples.output_cell({"text/plain": "secret"}, tags=(tag,))
    )
    assert extract(notebook).blocks == ()


def test_code_and_the_noise_of_the_parameters_cell_are_not_printed():
    everything = repr(extract(samples.review()).blocks)
    assert "noise" not in everything and "report.show" not in everything


@pytest.mark.parametrize(
    "tags", [(), ("hide",), ("parameters",)], ids=["a shown cell", "a hidden cell", "the parameters cell"]
)
def test_an_error_output_never_enters_a_report(tags):
    cell = samples.output_cell({}, tags=tags)
    cell["outputs"] = [
        {"output_type": "error", "ename": "ValueError", "evalue": "patient Smith", "traceback": ["patient Smith"]}
    ]
    with pytest.raises(RunError, match=r"Cell 2 .*ValueError") as caught:
        extract(samples.notebook(samples.text("# Title"), cell))
    assert "Smith" not in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        pytest.param({"kind": "table", "name": "aging"}, "'columns'", id="a table without columns"),
        pytest.param({"kind": "kpis"}, "'items'", id="tiles without items"),
        pytest.param({"kind": "note"}, "'text'", id="a note without text"),
        pytest.param({"kind": "cards", "items": ["x"]}, "list of objects", id="cards that are not objects"),
        pytest.param(
            {"kind": "table", "name": "t", "columns": [{"name": "a"}], "text": [["1", "2"]]},
            "one text per column",
            id="a row too long",
        ),
    ],
)
def test_a_broken_block_is_refused_with_its_place(payload, said):
    with pytest.raises(RunError, match="Cell 1: ") as caught:
        extract(samples.notebook(samples.output_cell({samples.MIME: payload})))
    assert said in str(caught.value)


def test_a_kind_from_a_later_version_is_printed_from_its_fallback():
    document = extract(samples.notebook(samples.block("hologram")))
    assert document.blocks == (Paragraph((Run("fallback"),)),)
    assert "does not know" in document.warnings[0]


def test_a_workbook_only_table_is_not_printed():
    assert extract(samples.notebook(samples.block("table", **{**samples.aging(), "print": False}))).blocks == ()


def test_blocks_come_back_with_their_values_for_the_workbook():
    blocks = list(blocks_in(samples.review()))
    assert [block.kind for block in blocks][:3] == ["meta", "cards", "note"]
    assert next(block for block in blocks if isinstance(block, Table)).rows[0][1] == 4_120_000
    assert [block.client for block in blocks if isinstance(block, Inputs)] == [samples.META["client"]]


def test_a_notebook_in_an_old_format_is_refused():
    with pytest.raises(RunError, match="nbformat 4"):
        extract({"worksheets": []})


# An analyst's own notebook -----------------------------------------------------------------------------------


def test_the_only_top_heading_becomes_the_title_and_the_others_rise():
    document = extract(samples.notebook(samples.text("# Why did cash fall?\n\n## Payers\n\ntext\n\n### Detail")))
    assert document.meta.title == "Why did cash fall?"
    assert [(block.level, plain_text(block.text)) for block in document.blocks if isinstance(block, Heading)] == [
        (1, "Payers"),
        (2, "Detail"),
    ]


def test_two_top_headings_stay_and_no_level_is_skipped_and_no_anchor_repeats():
    headings = extract(samples.notebook(samples.text("# A\n\n#### A\n\n# A\n\n## ")))
    assert [(block.level, block.anchor) for block in headings.blocks if isinstance(block, Heading)] == [
        (1, "a"),
        (2, "a-2"),
        (1, "a-3"),
    ]


def test_pandas_tables_lose_their_counting_index_and_align_their_numbers():
    import pandas as pd

    frame = pd.DataFrame({"payer": ["Aetna", "Cigna"], "open": [1234.5, 20.0]})
    table = only(extract(samples.notebook(samples.output_cell({"text/html": frame._repr_html_()}))), Grid)
    assert [cell.text for cell in table.head[0]] == ["payer", "open"]
    assert table.aligns == ("left", "right")
    assert [[cell.text for cell in row] for row in table.body] == [["Aetna", "1234.5"], ["Cigna", "20.0"]]


def test_a_named_pandas_index_stays_as_row_headers():
    import pandas as pd

    frame = pd.DataFrame({"open": [1, 2]}, index=pd.Index(["Aetna", "Cigna"], name="payer"))
    table = only(extract(samples.notebook(samples.output_cell({"text/html": frame._repr_html_()}))), Grid)
    assert [cell.text for cell in table.head[0]] == ["payer", "open"]
    assert all(row[0].head for row in table.body)


def test_two_level_headers_keep_their_spans():
    source = (
        "<table><thead><tr><th rowspan=2>Payer</th><th "
        "colspan=2>Open</th></tr><tr><th>Claims</th><th>Dollars</th></tr></thead>"
        "<tbody><tr><td>Aetna</td><td>2</td><td>$3</td></tr></tbody><tfoot><tr><td colspan=3>Source: "
        "835</td></tr></tfoot></table>"
    )
    table = only(extract(samples.notebook(samples.output_cell({"text/html": source}))), Grid)
    assert table.columns == 3 and table.head[0][1].colspan == 2 and table.head[0][0].rowspan == 2
    assert table.notes == ("Source: 835",)


def test_styler_colours_survive_as_checked_facts():
    source = (
        "<style>#T_1_row0_col0 {color: #A00; background-color: rgb(255, 0, 0); font-weight: bold} "
        "#T_1_row0_col1 {color: expression(alert(1)); background-color: url(http://x)}</style>"
        "<table id=T_1><tr><td id=T_1_row0_col0>a</td><td id=T_1_row0_col1>b</td></tr></table>"
    )
    first, second = only(extract(samples.notebook(samples.output_cell({"text/html": source}))), Grid).body[0]
    assert (first.color, first.fill, first.bold) == ("#aa0000", "#ff0000", True)
    assert (second.color, second.fill) == (None, None)


def test_pictures_markdown_and_text_are_printed_and_object_addresses_are_not():
    document = extract(
        samples.notebook(
            samples.output_cell({"image/png": PNG, "text/plain": "<Figure size 640x480>"}, {"alt": "A dot"}),
            samples.output_cell({"text/markdown": "Paid **$3**"}),
            samples.output_cell({"text/plain": "42 claims"}),
            samples.output_cell({"text/plain": "[<matplotlib.lines.Line2D at 0x7f00aa>]"}),
        )
    )
    assert kinds(document) == ["Figure", "Paragraph", "Preformatted"]
    assert only(document, Figure).alt == "A dot"


def test_an_interactive_output_is_named_not_dropped_in_silence():
    document = extract(
        samples.notebook(samples.output_cell({"application/vnd.plotly.v1+json": {}, "text/plain": "Figure()"}))
    )
    (said,) = document.blocks
    assert isinstance(said, LeftOut) and "Plotly" in said.text and document.warnings == (f"Cell 1: {said.text}",)


def test_a_picture_attached_to_a_markdown_cell_is_a_figure_and_one_from_the_network_is_not():
    cell = samples.text("![A dot](attachment:dot.png)\n\n![spy](https://tracker.example/x.png)")
    cell["attachments"] = {"dot.png": {"image/png": PNG}}
    document = extract(samples.notebook(cell))
    assert kinds(document) == ["Figure", "Paragraph"]
    assert plain_text(only(document, Paragraph).text) == "[image: spy]"


@pytest.mark.parametrize("source", ["**$1.2M**, of which $846k", "*$21* CPM against *$16*", "costs $5 or $6"])
def test_dollar_signs_are_dollars(source):
    paragraph = only(extract(samples.notebook(samples.text(source))), Paragraph)
    assert plain_text(paragraph.text) == source.replace("*", "")


def test_sources_may_be_lists_of_lines():
    assert extract(samples.notebook({**samples.text(""), "source": ["# One", "\n", "\n", "two"]})).meta.title == "One"


# Packets -----------------------------------------------------------------------------------------------------


def test_a_packet_has_a_part_per_report_and_every_anchor_and_number_once():
    review = extract(samples.review())
    packet = join([review, review], Meta(title="October packet", client_name="Chicago Med"))
    parts = [block for block in packet.blocks if isinstance(block, Heading) and block.part]
    assert [plain_text(part.text) for part in parts] == [
        "Monthly client review",
        "Monthly client review",
        "Definitions",
        "Where the numbers come from",
    ]
    anchors = [block.anchor for block in packet.blocks if isinstance(block, Heading)]
    assert len(anchors) == len(set(anchors))
    assert [block.number for block in packet.blocks if isinstance(block, Grid)] == [1, 2, 3, 4]
    assert min(block.level for block in packet.blocks if isinstance(block, Heading) and not block.part) == 2


def test_a_packet_defines_each_term_once_at_the_end():
    review = extract(samples.review())
    packet = join([review, review], Meta())
    assert [len(block.items) for block in packet.blocks if isinstance(block, Glossary)] == [2]
    parts = [plain_text(block.text) if isinstance(block, Heading) else type(block).__name__ for block in packet.blocks]
    assert parts[parts.index("Definitions") + 1 :] == [
        "Glossary",
        "Where the numbers come from",
        "Monthly client review, Monthly client review",
        "Facts",
    ]


def test_links_inside_a_packet_stay_inside_their_report():
    review = extract(samples.review())
    packet = join([review, review], Meta())
    hrefs = [run.href for block in packet.blocks if isinstance(block, Paragraph) for run in block.text if run.href]
    anchors = {block.anchor for block in packet.blocks if isinstance(block, Heading)}
    assert len(set(hrefs)) == 2 and {href[1:] for href in hrefs} <= anchors


def test_a_heading_left_empty_by_the_moved_glossary_goes_too():
    document = extract(
        samples.notebook(
            samples.text("# T\n\n## Kept\n\ntext\n\n## Definitions"),
            samples.block("glossary", items=samples.glossary()),
        )
    )
    packet = join([document], Meta())
    assert [plain_text(block.text) for block in packet.blocks if isinstance(block, Heading)] == [
        "T",
        "Kept",
        "Definitions",
    ]


def test_warnings_of_a_packet_name_their_report():
    document = Document(Meta(title="Aging"), (Note("x"), PageBreak()), ("a figure has no alt text",))
    assert join([document], Meta()).warnings == ("Aging: a figure has no alt text",)
