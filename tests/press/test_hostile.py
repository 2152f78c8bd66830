"""Text from raw files may hold anything; on paper and on screen it stays text."""

from __future__ import annotations

import datetime as dt
import http.server
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from builders import press_samples as samples  # noqa: E402
from rcm_analysis.press.document.extract import extract  # noqa: E402
from rcm_analysis.press.writers import html, pdf  # noqa: E402

MOMENT = dt.datetime(2026, 11, 5, tzinfo=dt.UTC)
NASTY = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg onload=document.title='owned'>",
    "</style><script>document.title='owned'</script>",
    "</title><script>document.title='owned'</script>",
    "javascript:document.title='owned'",
    "]]><!--",
    "&lt;b&gt; &amp; &#x202e;",
    '#read("/etc/passwd")',
    '#import "@preview/x:0.1.0": *',
    "#panic()",
    "$ x $",
    "]",
    "[[",
    "\\",
    "*a* _b_ `c` @label <label> = heading",
    "\u202e4321 dollars\u202c",
    "\u2066a\u2069\u200f",
    "null\x00bell\x07esc\x1b[31mred",
    "lone \ud800 surrogate",
    "你好 مرحبا नमस्ते 🙂",
    "a" * 400,
    "https://example.org/" + "path/" * 60,
    "\u200b",
    "\u00ad",
    "line\nline\r\nline\u2028line",
    "=1+1",
    "@SUM(A1)",
    "",
]


def hostile_notebook(texts: list[str]) -> dict:
    """Every text in every place a notebook has."""

    def pick(n: int) -> str:
        return texts[n % len(texts)]

    columns = [{"name": pick(n), "title": pick(n), "unit": pick(n)} for n in range(3)]
    rows = [[text, text, text] for text in texts]
    table = {
        "name": pick(0),
        "title": pick(1) or "T",
        "definition": pick(2),
        "notes": texts[:3],
        "columns": columns,
        "rows": rows,
        "text": rows,
        "row_header": 0,
        "emphasis": [0, 99, -1, "x"],
    }
    cells = [samples.block("meta", **{key: pick(n) for n, key in enumerate(samples.META)})]
    for n, one in enumerate(texts):
        cells += [
            samples.text(f"## {one}"),
            samples.text(f"{one}\n\n[{one}]({one}) ![{one}]({one})\n\n- {one}\n\n> {one}"),
            samples.block("note", tone=one, text=one),
            samples.block("figure", figure=samples.CHART, title=one, alt=one, finding=one, table=None),
            samples.output_cell({"text/plain": one}),
            samples.output_cell(
                {"text/html": f"<table><tr><th>{one}</th></tr><tr><td style='color:{one}'>{one}</td></tr></table>"}
            ),
            samples.output_cell({"text/html": one, "text/plain": one}),
        ]
        if n == 0:
            cells += [
                samples.block("table", **table),
                samples.block("cards", items=[{"title": t, "answer": t, "detail": t} for t in texts]),
                samples.block(
                    "kpis",
                    items=[
                        {
                            "label": t,
                            "value": t,
                            "note": t,
                            "target": t,
                            "status": t,
                            "comparisons": [{"label": t, "value": t, "direction": t, "good": t}],
                        }
                        for t in texts
                    ],
                ),
                samples.block(
                    "findings",
                    title=one,
                    items=[{"title": t, "detail": t, "amount": t, "owner": t, "due": t, "severity": t} for t in texts],
                ),
                samples.block("facts", title=one, items=[{"label": t, "value": t} for t in texts]),
                samples.block(
                    "glossary", items=[{"name": t, "title": t, "formula": t, "unit": t, "source": t} for t in texts]
                ),
            ]
    return samples.notebook(*cells)


def assert_harmless(page: str) -> None:
    tree = lxml_html.document_fromstring(page)
    assert not tree.xpath("//script|//svg|//iframe|//object|//embed|//form|//link|//base")
    assert not [
        name
        for element in tree.iter()
        if isinstance(element.tag, str)
        for name in element.attrib
        if name.startswith("on")
    ]
    assert all(source.startswith("data:image/") for source in tree.xpath("//@src"))
    assert all(href.startswith(("#", "http://", "https://", "mailto:")) for href in tree.xpath("//@href"))
    assert not set(page) & set(map(chr, [0, 7, 27, 0x202E, 0x2066, 0x200F]))
    page.encode("utf-8")


def test_every_nasty_text_in_every_place_stays_text():
    document = extract(hostile_notebook(NASTY))
    page = html.render(document, fonts="system")
    assert_harmless(page)
    result = pdf.render(document, timestamp=MOMENT)
    assert any("cannot draw" in warning for warning in result.warnings)
    assert result.pages > 5


def test_markup_is_printed_word_for_word_in_the_pdf():
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    said = [
        '#read("/etc/passwd")',
        "$ x $",
        "*a* _b_ `c` @label <label> = heading",
        "<script>document.title='owned'</script>",
    ]
    document = extract(
        samples.notebook(samples.text("# T"), *(samples.block("note", tone="info", text=text) for text in said))
    )
    data = pdf.render(document, timestamp=MOMENT).bytes
    done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True, timeout=60)
    everything = " ".join(done.stdout.decode().replace("\u200b", "").split())
    assert all(" ".join(text.split()) in everything for text in said)
    assert "root:" not in everything


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            "<table><tr><td colspan=9999999 rowspan=9999999>a</td></tr><tr><td>b</td></tr></table>", id="absurd spans"
        ),
        pytest.param(
            "<table><tr><td rowspan=2>a</td><td>b</td></tr><tr><td colspan=2>c</td></tr></table>",
            id="overlapping spans",
        ),
        pytest.param("<table><tr><td colspan=-3 rowspan=x>a</td></tr></table>", id="spans that are no numbers"),
        pytest.param(
            "<table><thead><tr><th rowspan=5>a</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
            id="a header span longer than the header",
        ),
        pytest.param("<table><tr>" + "<td>x</td>" * 500 + "</tr></table>", id="five hundred columns"),
        pytest.param("<table></table><table><tr></tr></table>", id="empty tables"),
        pytest.param(
            "<table><tr><td><table><tr><td>inner</td></tr></table></td></tr></table>", id="a table in a table"
        ),
        pytest.param("<table><tr><td>a", id="never closed"),
        pytest.param(
            "<table><tr><td rowspan=0>a</td><td rowspan=3>b</td></tr><tr></tr><tr><td>c</td></tr></table>",
            id="rows without cells",
        ),
        pytest.param("<table>" + "<tr><td>" + "word " * 3000 + "</td></tr></table>", id="a cell longer than a page"),
    ],
)
def test_odd_tables_are_printed(table):
    document = extract(samples.notebook(samples.output_cell({"text/html": table, "text/plain": "fallback"})))
    assert_harmless(html.render(document, fonts="system"))
    assert pdf.render(document, timestamp=MOMENT).pages >= 2


@pytest.mark.parametrize(
    "markdown",
    [
        "- " * 60 + "deep",
        "> " * 60 + "deep",
        "[a](data:text/html,<script>1</script>)",
        "[a](//evil.example)",
        "[a](file:///etc/passwd)",
        "<script>1</script>",
        "![a](data:text/html;base64,PHNjcmlwdD4=)",
        "|a|\n|-|\n|" + "b|" * 40,
        "#",
        "## \u200b",
        "1. a\n\n   1. b",
    ],
)
def test_odd_markdown_is_printed(markdown):
    document = extract(samples.notebook(samples.text(markdown)))
    assert_harmless(html.render(document, fonts="system"))
    assert pdf.render(document, timestamp=MOMENT).pages >= 1


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(NASTY)), min_size=1, max_size=4))
def test_no_text_at_all_breaks_a_report(texts):
    document = extract(hostile_notebook(texts))
    assert_harmless(html.render(document, fonts="system"))
    assert pdf.render(document, timestamp=MOMENT).pages >= 1


@settings(max_examples=150)
@given(st.text(st.characters(), max_size=60))
def test_text_on_the_page_reads_as_it_was_given(text):
    from rcm_analysis.blocks.plain import clean

    document = extract(samples.notebook(samples.block("note", tone="info", text=text)))
    (note,) = lxml_html.document_fromstring(html.render(document, fonts="system")).xpath("//div[@role='note']")
    assert note.text_content() == f"Note: {clean(text).strip()}".replace("\r", "\n")


# In a real browser -------------------------------------------------------------------------------------------


class _Counter(http.server.BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def listener():
    _Counter.hits = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def dom_of(page: Path, profile: Path) -> str:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser is installed")
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=4000",
        "--dump-dom",
        page.as_uri(),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.communicate(timeout=60)[0].decode("utf-8", "replace")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.browser
def test_no_script_runs_and_no_request_goes_out(tmp_path, listener):
    address = f"http://127.0.0.1:{listener.server_port}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" '
        'height="10"><script>document.title="owned"</script>'
        f'<image xlink:href="{address}/svg.png" width="5" height="5"/></svg>'
    )
    attack = [
        f"<script>document.title='owned';fetch('{address}/fetch')</script>",
        f"<img src={address}/img.png onerror=\"document.title='owned'\">",
        f"<style>@import url({address}/css)</style>",
        f"url({address}/url)",
        f"<link rel=stylesheet href={address}/link>",
        *NASTY,
    ]
    notebook = hostile_notebook(attack)
    notebook["cells"].append(samples.block("figure", figure=svg, title="t", alt="a", finding="f"))
    page = tmp_path / "page.html"
    page.write_text(html.render(extract(notebook)), encoding="utf-8")
    dom = dom_of(page, tmp_path / "profile")
    assert "</html>" in dom and "<title>owned" not in dom
    assert _Counter.hits == []


@pytest.mark.browser
def test_the_browser_test_can_fail(tmp_path, listener):
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><title>safe</title><script>document.title='owned'</script><img src=http://127.0.0.1:{listener.server_port}/img.png>"
    )
    assert "<title>owned" in dom_of(page, tmp_path / "profile")
    assert _Counter.hits
