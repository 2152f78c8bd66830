"""Charts of scripts as pictures, and `rcm print`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders import press_samples as samples
from rcm_analysis.cli import main
from rcm_analysis.press import charts

PLOTLY = {"data": [{"type": "bar", "x": ["Aetna"], "y": [3]}], "layout": {"title": {"text": "Paid by payer"}}}
ALTAIR = (
    '<div id="v"></div><script>(function(spec, opt){draw(spec)})({"$schema": "https://vega.github.io/schema/vega-lite/v5'
    '.json", "title": "Denials", "mark": "bar", "data": {"values": [{"a": "x", "b": 3}]}, "encoding": {"x": {"field": '
    '"a"}, "y": {"field": "b", "type": "quantitative"}}}, {"mode": "vega-lite"});</script>'
)


def only(data: dict) -> tuple[dict, list[str]]:
    made, said = charts.drawn(samples.notebook(samples.output_cell(data)))
    (output,) = made["cells"][0]["outputs"]
    return output, said


def test_what_is_no_chart_or_has_its_picture_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(charts, "_shot", lambda page: pytest.fail("a browser was started"))
    for data in ({"text/html": "<b>x</b>"}, {"application/vnd.plotly.v1+json": PLOTLY, "image/png": "AA=="}):
        output, said = only(data)
        assert output["data"] == data and said == []


def test_a_chart_gets_a_picture_with_its_title_as_description_and_the_notebook_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(charts, "_with_script", lambda name, body: f"{name}: {body}")
    monkeypatch.setattr(charts, "browser", lambda: "a browser")
    seen = []
    monkeypatch.setattr(charts, "_shot", lambda page: seen.append(page) or "AAAA")
    notebook = samples.notebook(samples.output_cell({"application/vnd.plotly.v1+json": PLOTLY}))
    before = json.dumps(notebook)
    made, said = charts.drawn(notebook)
    (output,) = made["cells"][0]["outputs"]
    assert (output["data"]["image/png"], output["metadata"]["alt"]) == ("AAAA", "Chart: Paid by payer")
    assert "Aetna" in seen[0] and said == [] and json.dumps(notebook) == before


def test_data_of_a_chart_cannot_end_its_script(monkeypatch):
    monkeypatch.setattr(charts, "_with_script", lambda name, body: body)
    hostile = {"data": [{"text": "</script><script>steal()</script>"}], "layout": {}}
    assert "</script><script>steal" not in charts._page({"application/vnd.plotly.v1+json": hostile}, [])


@pytest.mark.parametrize(
    ("missing", "said"),
    [("package", "install plotly"), ("browser", "no browser was found"), ("picture", "stayed empty")],
)
def test_what_cannot_be_drawn_is_said_with_its_cell(monkeypatch, missing, said):
    monkeypatch.setattr(charts, "_with_script", lambda name, body: "install plotly" if missing == "package" else body)
    monkeypatch.setattr(charts, "browser", lambda: None if missing == "browser" else "a browser")
    monkeypatch.setattr(charts, "_shot", lambda page: "")
    output, told = only({"application/vnd.plotly.v1+json": PLOTLY})
    assert "image/png" not in output["data"] and said in told[0] and told[0].startswith("Cell 1: ")


def test_a_chart_of_altair_is_drawn_without_a_browser(monkeypatch):
    pytest.importorskip("vl_convert")
    monkeypatch.setattr(charts, "_shot", lambda page: pytest.fail("a browser was started"))
    output, said = only({"text/html": ALTAIR, "text/plain": "alt.Chart(...)"})
    assert output["data"]["image/svg+xml"].startswith("<svg") and output["metadata"]["alt"] == "Chart: Denials"
    assert said == []


@pytest.mark.browser
def test_a_browser_draws_what_is_on_a_page_and_has_no_network():
    if not charts.browser():
        pytest.skip("no browser is installed")
    assert charts._shot("<!doctype html><body style='background:#fff'>") == ""
    script = "fetch('http://example.org').then(() => document.body.innerHTML = '')"
    assert len(charts._shot(f"<h1>Drawn</h1><script>{script}</script>")) > 1_000


def printed(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["print", *arguments])
    return int(stopped.value.code or 0)


def test_rcm_print_writes_both_beside_the_notebook_and_says_what_is_left_out(tmp_path: Path, capsys):
    file = tmp_path / "why_cash_fell.ipynb"
    cells = [samples.text("words"), samples.output_cell({"text/html": "<video src=a.mp4></video>"})]
    file.write_text(json.dumps(samples.notebook(*cells)), encoding="utf-8")
    assert printed(str(file), "--no-charts") == 1
    assert "A film is not printed" in " ".join(capsys.readouterr().out.split())
    assert "<h1>why cash fell</h1>" in (tmp_path / "why_cash_fell.html").read_text(encoding="utf-8")
    assert (tmp_path / "why_cash_fell.pdf").read_bytes().startswith(b"%PDF")
    assert printed(str(file), "--no-charts", "--out", str(tmp_path / "other")) == 1
    assert {one.name for one in (tmp_path / "other").iterdir()} == {"why_cash_fell.html", "why_cash_fell.pdf"}


@pytest.mark.parametrize("content", ["no notebook", "[]", "\ufffd{"])
def test_what_is_no_notebook_is_refused_in_one_sentence(tmp_path: Path, capsys, content):
    file = tmp_path / "x.ipynb"
    file.write_text(content, encoding="utf-8")
    assert printed(str(file)) == 2
    assert "must be a notebook" in " ".join(capsys.readouterr().err.split())
    assert printed(str(tmp_path / "absent.ipynb")) == 2
