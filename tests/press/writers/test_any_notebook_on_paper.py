"""Any notebook on the page and on paper: print-outs, formulas, wide tables, other scripts, pictures of every kind."""

from __future__ import annotations

import base64
import datetime as dt
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import page as page_validation
import pikepdf
import pytest
import typst
from fontTools.ttLib import TTFont
from lxml import html as lxml_html
from PIL import Image

from builders import press_samples as samples
from rcm_analysis.blocks.vocabulary import Figure, Meta
from rcm_analysis.press.document.document import Cell, Document, Formula, Grid, LeftOut, Paragraph, Preformatted, Run
from rcm_analysis.press.document.extract import Reading, extract
from rcm_analysis.press.document.html_tables import finished
from rcm_analysis.press.writers import html, pdf, scripts
from rcm_analysis.press.writers.glyphs import font_files
from rcm_analysis.press.writers.typeset import LINES_OF_A_PIECE, Setter
from rcm_analysis.press.writers.typeset_tables import measured, tables_data

MOMENT = dt.datetime(2026, 11, 5, 9, 30, tzinfo=dt.UTC)
PROFILES = (page_validation.ValidationProfile.PDF_A_2A, page_validation.ValidationProfile.PDF_UA_1)


def paper(*blocks, **more) -> pdf.PdfResult:
    return pdf.render(Document(Meta(title="Title"), blocks, **more), timestamp=MOMENT)


def page(*blocks) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(html.render(Document(Meta(title="Title"), blocks), fonts="system"))


def faults(data: bytes) -> list[str]:
    reports = [page_validation.validate_pdf_bytes(data, profile=profile) for profile in PROFILES]
    return [f"{failure.rule_id}: {failure.message}" for report in reports for failure in report.failures]


def text_of(data: bytes, *options: str) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", *options, "-", "-"], input=data, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().replace("\u2060", "").replace("\u200b", "")


def lines(count: int, kind: str = "printed") -> Preformatted:
    return Preformatted("\n".join(f"row {n}" for n in range(count)), kind=kind)


# Print-outs -----------------------------------------------------------------------------------------------------


def test_a_long_print_out_is_folded_and_says_how_much_there_is():
    (short,) = page(lines(25)).xpath("//div[@class='printout printed']")
    assert not short.xpath(".//details") and "row 24" in short.text_content()
    (long,) = page(lines(100)).xpath("//div[@class='printout printed']")
    assert long.xpath("./pre")[0].text_content().splitlines()[-1] == "row 19"
    assert long.xpath(".//summary")[0].text_content() == "80 more lines" and "row 99" in long.text_content()


def test_a_very_long_print_out_is_cut_with_the_count_of_its_lines_in_both():
    (long,) = page(lines(50_000)).xpath("//div[@class='printout printed']")
    assert "45,000 lines are left out here; the notebook holds them" in long.xpath(".//summary")[0].text_content()
    assert "row 49999" in long.text_content() and "row 30000" not in long.text_content()
    everything = " ".join(text_of(paper(lines(50_000)).bytes).split())
    assert "49,800 lines are left out here; the notebook holds them." in everything
    assert "row 0 " in everything and "row 49999" in everything and "row 30000" not in everything


def test_a_print_out_is_set_in_pieces_of_few_lines_so_that_its_time_grows_with_its_lines():
    data = Setter().block(lines(150))
    assert [piece["t"].count("\n") + 1 for piece in data["x"]] == [LINES_OF_A_PIECE] * 3 + [30]


def test_a_line_without_an_end_is_cut_too():
    text = "x" * 1_000_000
    assert "998,000 more characters" in page(Preformatted(text)).text_content()
    assert "998,000 more characters" in " ".join(text_of(paper(Preformatted(text)).bytes).split())


def test_styled_lines_keep_their_style_and_the_file_conforms():
    styled = Preformatted("red plain", ((Run("red", color="#a81e1e", bold=True), Run(" plain")),), "printed")
    (letters,) = page(styled).xpath("//pre//span")
    assert letters.get("class") == "k-a81e1e" and letters.text_content() == "red"
    result = paper(styled, LeftOut("A film is not printed."), lines(3, "messages"))
    assert faults(result.bytes) == [] and "red plain" in text_of(result.bytes)


def test_what_is_left_out_is_seen_on_the_page_and_on_paper():
    said = LeftOut("A film is not printed: https://x.org")
    assert page(said).xpath("//p[@class='left-out']")[0].text_content() == said.text
    assert said.text in " ".join(text_of(paper(said).bytes).split())


# Formulas -------------------------------------------------------------------------------------------------------

TEX = r"\hat\beta=\left(\frac{X^TX}{n}\right)^{-1}\sum_{i=1}^n \sqrt{x_i} + \mathbf{v}"


def test_formulas_are_mathml_on_the_page():
    found = page(Formula(TEX), Paragraph((Run("x_1", math=True),))).xpath("//math")
    assert [one.get("display") for one in found] == ["block", "inline"]
    assert found[0].xpath(".//mfrac") and found[1].xpath(".//msub")


def test_the_number_of_an_equation_stays():
    text = r"\begin{align}a&=b\tag{7}\\c&=d\tag*{last}\end{align}"
    said = "".join(page(Formula(text)).xpath("//math")[0].itertext())
    assert "(7)" in said and "last" in said
    assert "(7)" in "".join(text_of(paper(Formula(text)).bytes).split())


def test_words_that_html_puts_into_a_drawing_are_said_below_it_on_paper():
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="80" height="20" '
        b'fill="var(--c, #06c)"/><foreignObject width="80" height="20"><p>Denied</p></foreignObject></svg>'
    )
    result = paper(Figure(alt="A box", data=drawing, mime="image/svg+xml"))
    assert "Denied" in text_of(result.bytes)


def test_tex_that_is_not_understood_stays_as_it_is_written():
    tex = r"\unknown{<b>} & \\ x"
    assert page(Formula(tex)).xpath("//p[@class='formula']/code")[0].text_content() == tex
    assert tex in " ".join(text_of(paper(Formula(tex)).bytes).split())


def test_formulas_are_set_on_paper_and_described_by_their_tex():
    result = paper(Formula(TEX), Formula(r"\begin{align}a&=b\\c&=d\end{align}"), Paragraph((Run("x_1", math=True),)))
    assert faults(result.bytes) == [] and result.warnings == ()
    with pikepdf.open(io.BytesIO(result.bytes)) as opened:
        alts = {str(one["/Alt"]) for one in opened.objects if isinstance(one, pikepdf.Dictionary) and "/Alt" in one}
    assert {TEX, "x_1"} <= alts


@pytest.mark.parametrize(
    "tex",
    [r"\begin{cases}a & x>0\\b\end{cases}", r"\begin{pmatrix}1&0\\0&1\end{pmatrix}", r"\underbrace{x}_{n}", r"a\\b",
     r"\lim_{x\to0}f", r"\overline{x}\vec{v}\tilde{a}\dot{b}", r"\binom{n}{k}", r"\mathbb{R}\mathcal{L}",
     r"\sqrt[3]{x}", r"\text{net 5\%}", r"\operatorname{Var}(X)", r"x'", r"\lfloor x \rfloor", r"\frac{}{}",
     r"\left.x\right|_0", "{}"],
)  # fmt: skip
def test_formulas_of_every_shape_can_be_set(tex):
    assert paper(Formula(tex), Paragraph((Run(tex, math=True),))).warnings == ()


def test_a_formula_that_cannot_be_set_after_all_is_printed_as_tex(monkeypatch):
    from rcm_analysis.press.writers import typeset

    monkeypatch.setattr(typeset, "tree", lambda tex: ["frac", ["n", "1"]])
    result = paper(Formula(r"\frac12"), Paragraph((Run("after"),)))
    assert "as their source" in result.warnings[0]
    assert r"\frac12" in text_of(result.bytes) and "after" in text_of(result.bytes)


# Tables ---------------------------------------------------------------------------------------------------------


def grid(rows: list[list[str]], **more) -> Grid:
    head = (tuple(Cell(f"c{n}", head=True) for n in range(len(rows[0]))),)
    return finished(Grid(len(rows[0]), head, tuple(tuple(map(Cell, row)) for row in rows), **more))


def money(columns: int, rows: int = 6) -> Grid:
    return grid([[f"payer {y}", *(f"1,19{y % 10},09{x % 10}.00" for x in range(columns))] for y in range(rows)])


@pytest.mark.parametrize("columns", [8, 14, 18, 22, 40])
def test_no_number_breaks_however_many_columns(columns):
    table = money(columns)
    layout = " ".join(text_of(paper(table).bytes, "-layout").split())
    assert all(cell.text in layout for row in table.body for cell in row[1:])
    cells = [cell for part in tables_data(table) for row in part["body"] for cell in row]
    assert not [cell for cell in cells if "\u200b" in cell["t"] and cell["t"][0].isdigit()]


@pytest.mark.parametrize("columns", [18, 22, 30])
def test_no_column_is_narrower_than_its_numbers(columns):
    for part in tables_data(money(columns)):
        usable = 210.0 if part["wide"] else 155.0
        widths = [width / sum(part["widths"]) * usable if sum(part["widths"]) else 99 for width in part["widths"]]
        for row in part["body"]:
            assert all(width >= measured(cell["t"]) for width, cell in zip(widths[1:], row[1:], strict=True))


def test_parts_of_a_wide_table_follow_in_one_landscape_run_with_the_columns_that_name_the_rows():
    setter = Setter()
    (run,) = setter.blocks((replace(money(40), caption="Paid", notes=("n = 6",)),))
    assert run["k"] == "wide" and {part["k"] for part in run["x"]} == {"t"} and len(run["x"]) > 1
    assert all(part["body"][2][0]["t"] == "payer 2" for part in run["x"])
    assert run["x"][0]["title"].startswith("Paid (columns 1–") and run["x"][-1]["title"].endswith("41 of 41)")
    assert [part["notes"] for part in run["x"]] == [[]] * (len(run["x"]) - 1) + [["n = 6"]]
    shown = [cell["t"] for part in run["x"] for cell in part["head"][0][1:]]
    assert shown == [f"c{n}" for n in range(1, 41)]
    assert faults(paper(money(40)).bytes) == []


def test_header_groups_are_named_in_every_part_they_reach_into():
    wide = money(40)
    groups = (Cell("", head=True), Cell("Paid", colspan=20, head=True), Cell("Open", colspan=20, head=True))
    parts = tables_data(finished(replace(wide, head=(groups, *wide.head))))
    names = [[cell["t"] for cell in part["head"][0] if cell["t"]] for part in parts]
    assert names[0] == ["Paid"] and names[-1] == ["Open"] and all(names)
    assert all(sum(cell.get("cs", 1) for cell in part["head"][0]) == len(part["aligns"]) for part in parts)


def test_numbers_stay_on_one_line_on_the_page():
    (cell,) = page(grid([["1,234,567,890.12", "a word"]])).xpath("//td[contains(text(),'1,234')]")
    assert "short" in cell.get("class").split()


@pytest.mark.parametrize("fill", ["#8b0000", "#000080", "#ffff00", "#ffffff", "#808080"])
def test_letters_can_be_read_on_every_fill_on_paper(fill):
    (part,) = tables_data(finished(Grid(1, (), ((Cell("-30.20", fill=fill),),))))
    letters = part["body"][0][0].get("c", "#1a2733")
    assert html.style.contrast(letters, fill) >= 4.5


def test_a_picture_in_a_cell_is_printed():
    cell = Cell("", picture=picture("PNG").picture)
    table = finished(Grid(1, (), ((cell,),)))
    assert page(table).xpath("//td/img[starts-with(@src,'data:image/png')]")
    result = paper(table)
    assert faults(result.bytes) == [] and images_in(result.bytes) == 1


# Pictures -------------------------------------------------------------------------------------------------------


class picture:  # noqa: N801 -- reads as a word
    def __init__(self, kind: str, size: tuple[int, int] = (40, 20)) -> None:
        from rcm_analysis.press.document.document import Picture

        made = io.BytesIO()
        Image.new("RGB", size, "#14425f").save(made, kind)
        self.picture = Picture(made.getvalue(), f"image/{kind.lower()}")

    def figure(self, **more) -> Figure:
        return Figure(alt="A box", data=self.picture.data, mime=self.picture.mime, **more)


def images_in(data: bytes) -> int:
    with pikepdf.open(io.BytesIO(data)) as opened:
        return sum(
            isinstance(one, pikepdf.Stream) and one.get("/Subtype") == pikepdf.Name.Image for one in opened.objects
        )


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "JPEG"])
def test_pictures_of_every_common_kind_are_printed(kind):
    result = paper(picture(kind).figure())
    assert result.warnings == () and faults(result.bytes) == [] and images_in(result.bytes) >= 1


@pytest.mark.parametrize(
    ("asked", "room"),
    [
        ({"width": 400.0, "height": 200.0}, (300.0, 150.0)),
        ({"width": 400.0}, (300.0, 150.0)),
        ({"height": 100.0}, (150.0, 75.0)),
        ({}, (20.0, 10.0)),
        ({"width": 4_000.0}, (510.0, 255.0)),
    ],
)
def test_a_picture_is_as_large_as_was_asked_within_the_page(asked, room):
    data = Setter().block(picture("PNG").figure(**asked))
    assert (data["w"], data["ht"]) == pytest.approx(room)


def test_a_tall_picture_may_take_a_page():
    data = Setter().block(picture("PNG", (400, 1_200)).figure())
    assert (data["w"], data["ht"]) == pytest.approx((580 / 3, 580), abs=0.1)


# Other scripts --------------------------------------------------------------------------------------------------

ARABIC = "المبلغ المدفوع هو 1,234.50 دولار (Medicare)."


def test_text_from_right_to_left_says_so_on_the_page_and_only_that():
    found = page(Paragraph((Run(ARABIC),)), Paragraph((Run("Paid 12"),)), grid([["محمد", "12"]]))
    assert [one.text_content() for one in found.xpath("//*[@dir='auto']")] == [ARABIC, "محمد"]


def test_paragraphs_from_right_to_left_are_set_so_on_paper():
    data = Setter().blocks((Paragraph((Run(ARABIC),)), Paragraph((Run("Paid محمد"),))))
    assert [item.get("rtl", False) for item in data] == [True, False]


@pytest.fixture
def font_of_this_test(tmp_path: Path, monkeypatch) -> Path:
    """A font that draws one Chinese letter: a shipped one with a glyph under another number."""
    with TTFont(font_files()[0][0]) as font:
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[0x4F60] = table.cmap[ord("A")]
        for record in font["name"].names:
            if record.nameID in (1, 16):
                record.string = "Font Of This Test"
        font.save(tmp_path / "other.ttf")
    monkeypatch.setattr(scripts, "_candidates", lambda: (tmp_path / "other.ttf",))
    return tmp_path / "other.ttf"


def test_a_font_of_the_machine_draws_what_ours_do_not_and_the_rest_is_said(font_of_this_test):
    result = paper(Paragraph((Run("Dr. 你 好"),)))
    (warning,) = result.warnings
    assert "U+597D" in warning and "U+4F60" not in warning and "rcm_analysis[scripts]" in warning
    assert "你" in text_of(result.bytes) and faults(result.bytes) == []


def test_a_document_that_needs_no_other_font_looks_for_none(monkeypatch):
    def never() -> tuple[Path, ...]:
        raise AssertionError("looked for fonts")

    monkeypatch.setattr(scripts, "_candidates", never)
    assert paper(Paragraph((Run("Ōoku – Grey’s ▲ é"),))).warnings == ()


def test_a_font_that_cannot_be_used_leaves_the_numbers_of_its_letters(font_of_this_test):
    font_of_this_test.write_bytes(b"no font")
    result = paper(Paragraph((Run("你"),)))
    assert "[U+4F60]" in text_of(result.bytes)


def test_the_fonts_of_the_extra_draw_chinese_arabic_and_emoji(monkeypatch):
    pytest.importorskip("manimgx_fonts")
    pytest.importorskip("noto_cjk_sans_jp_regular")
    monkeypatch.setattr(scripts, "_candidates", lambda: tuple(scripts._of_packages()))
    result = paper(Paragraph((Run("张伟 paid 1,234.50; محمد علي 🦴 नमस्ते"),)), Preformatted("李医生 عيادة 🦴"))
    # The validator reads no width in CID-keyed CFF fonts; fontTools does.
    wrong = [fault for fault in faults(result.bytes) if "GLYPH-WIDTH" not in fault]
    assert result.warnings == () and wrong == [] and "张伟" in text_of(result.bytes)


# The whole way --------------------------------------------------------------------------------------------------


def torture() -> dict:
    """The kinds that were lost, in one notebook."""
    gif = base64.b64encode(picture("GIF").picture.data).decode()
    styled = "".join(f"<tr><th>r{n}</th><td style='background:darkred;color:white'>{n}</td></tr>" for n in range(60))
    wide = f"<table><tr>{'<th>column</th>' * 60}</tr><tr>{'<td>119,092</td>' * 60}</tr></table>"
    stream = {"output_type": "stream", "name": "stdout", "text": "".join(f"row {n}\n" for n in range(5_000))}
    return samples.notebook(
        samples.text(
            "# Review ✔\n\nInline $\\frac{a}{b}$ and\n\n$$\\sum_{i=1}^n x_i^2$$\n\n<b>bold</b>, cost $5 and $6 each"
        ),
        {"cell_type": "code", "metadata": {}, "source": "x", "execution_count": 1, "outputs": [stream]},
        samples.output_cell({"text/html": f"<p>Before</p><table>{styled}</table><p>After</p>"}),
        samples.output_cell({"text/html": wide}),
        samples.output_cell({"image/gif": gif}, {"alt": "A box"}),
        samples.output_cell({"application/vnd.plotly.v1+json": {"layout": {"title": "Paid"}}}),
        samples.output_cell({"text/latex": "$\\displaystyle \\int_0^1 x dx$", "text/plain": "Integral"}),
        {"cell_type": "raw", "metadata": {}, "source": "raw words"},
    )


def test_a_notebook_with_everything_prints_both_ways():
    document = extract(torture(), Reading(workbook=False, messages=True))
    result = pdf.render(document, timestamp=MOMENT)
    assert faults(result.bytes) == []
    everything = " ".join(text_of(result.bytes).split())
    shown = lxml_html.document_fromstring(html.render(document, fonts="system")).text_content()
    for said in ("bold", "cost $5 and $6 each", "row 4999", "Before", "After", "119,092", "Paid", "raw words"):
        assert said in everything and said in shown, said
    assert "workbook" not in everything and "workbook" not in shown


def test_the_same_notebook_gives_the_same_bytes():
    document = extract(torture(), Reading(workbook=False, messages=True))
    first, second = (pdf.render(document, timestamp=MOMENT).bytes for _ in range(2))
    assert first == second and html.render(document) == html.render(document)


def test_the_printed_page_shows_that_lines_are_folded():
    css = re.search(r"@media print\{(.*)", html._file("report.css"), re.S)
    assert css and ".printout details{display:block!important}" in css[1] and issubclass(typst.TypstError, Exception)
