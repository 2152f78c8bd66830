"""Charts that a script draws (Plotly, Altair, Bokeh), drawn once as pictures so that they can be printed.

Vega is drawn by vl-convert; the others by the browser of this machine, in a window without network, with the scripts of
the installed package. Scripts of the notebook run for that: only for one whose author is trusted, and only when asked.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..blocks.plain import notebook_text
from ..tables.disk import temporary_folder
from .document.outputs import titled

SECONDS = 60
_WIDTH, _HEIGHT, _MARGIN = 1_000, 1_400, 8
_BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_PLOTLY = "application/vnd.plotly.v1+json"
_SCRIPTS = {"Plotly": ("plotly", "package_data/plotly.min.js"), "Bokeh": ("bokeh", "server/static/js/bokeh.min.js")}
_MORE_OF_BOKEH = ("bokeh-widgets", "bokeh-tables", "bokeh-api")
_VEGA = re.compile(r"application/vnd\.vega(?:lite)?\.v\d[\w.]*\+json")
_SPEC = re.compile(r"\}\)\(\s*(?=\{)")
_BLANK = "<!doctype html><meta charset=utf-8><style>html,body{margin:8px;background:#fff}</style>"


def drawn(notebook: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A copy of the notebook with a picture beside each chart that had none, and what could not be drawn.

    Empty case: a notebook without such charts comes back as it was, and no browser is started.

    >>> drawn({"cells": []})
    ({'cells': []}, [])
    """
    made = copy.deepcopy(dict(notebook))
    said: list[str] = []
    for position, cell in enumerate(made.get("cells") or [], start=1):
        outputs = cell.get("outputs") or []
        for number, output in enumerate(outputs):
            data = output.get("data")
            if not isinstance(data, dict) or any(mime.startswith("image/") for mime in data):
                continue
            for wanted in _charts(data, outputs[:number]):
                mime, picture = wanted
                if picture:
                    data[mime] = picture
                    output.setdefault("metadata", {}).setdefault("alt", _alt(data))
                else:
                    said.append(f"Cell {position}: {mime}")
    return made, said


def _alt(data: Mapping[str, Any]) -> str:
    """A description for those who cannot see the chart: its title, where it has one."""
    spec = _vega(data)
    title = titled(data[_PLOTLY], "layout") if _PLOTLY in data else titled(spec[1], "") if spec else ""
    return f"Chart: {title}" if title else "A chart without a title"


def _charts(data: Mapping[str, Any], before: list[Any]) -> Iterator[tuple[str, str]]:
    """The picture of an output that is a chart, or why there is none."""
    spec = _vega(data)
    page = "" if spec else _page(data, before)
    if spec:
        picture = _of_vega(*spec)
        yield ("image/svg+xml", picture) if picture else ("for a Vega chart, install vl-convert-python.", "")
    elif page.startswith("install"):
        yield f"for this chart, {page}.", ""
    elif page and not browser():
        yield "no browser was found to draw a chart; install Chromium, Chrome or Edge.", ""
    elif page:
        picture = _shot(page)
        yield ("image/png", picture) if picture else ("a chart stayed empty in the browser.", "")


def _vega(data: Mapping[str, Any]) -> tuple[bool, Any] | None:
    """Whether it is Vega-Lite, and the specification of the chart."""
    for mime in data:
        if _VEGA.fullmatch(mime) and isinstance(data[mime], Mapping):
            return "vegalite" in mime, data[mime]
    html = notebook_text(data.get("text/html"))
    found = _SPEC.search(html) if "vega" in html.lower() and "<script" in html else None
    if not found:
        return None
    try:
        spec, _ = json.JSONDecoder().raw_decode(html, found.end())
    except ValueError:
        return None
    return "vega-lite" in str(spec.get("$schema", "vega-lite")), spec


def _of_vega(is_lite: bool, spec: Any) -> str:
    try:
        import vl_convert
    except ImportError:
        return ""
    try:
        return vl_convert.vegalite_to_svg(spec) if is_lite else vl_convert.vega_to_svg(spec)
    except ValueError:
        return ""


def _page(data: Mapping[str, Any], before: list[Any]) -> str:
    """A page that draws the chart, `install …` where its script is not here, or nothing where there is no chart."""
    if isinstance(data.get(_PLOTLY), Mapping):
        figure = {key: data[_PLOTLY].get(key) or {} for key in ("data", "layout")}
        said = json.dumps(figure).replace("<", "\\u003c")
        body = f"<div id=chart></div><script>Plotly.newPlot('chart',{{...{said},config:{{staticPlot:true}}}})</script>"
        return _with_script("Plotly", body)
    if any("_load." in mime for mime in data):
        return ""
    script = notebook_text(data.get("application/javascript"))
    html = notebook_text(data.get("text/html"))
    if not script and "<script" not in html:
        return ""
    if script:
        earlier = [one.get("data") or {} for one in before]
        html = "".join(notebook_text(one.get("text/html")) for one in earlier) + html
        html += f"<div id=here></div><script>var element=[document.getElementById('here')];{script}</script>"
    name = next((name for name in _SCRIPTS if f"{name}." in html), "")
    return _with_script(name, html) if name else ""


def _with_script(name: str, body: str) -> str:
    package, file = _SCRIPTS[name]
    spec = importlib.util.find_spec(package)
    place = Path(next(iter(spec.submodule_search_locations or []), "")) if spec else Path()
    if not spec or not (place / file).is_file():
        return f"install {package}"
    files = [place / file, *((place / file).with_name(f"{more}.min.js") for more in _MORE_OF_BOKEH)]
    scripts = "".join(f"<script>{one.read_text(encoding='utf-8')}</script>" for one in files if one.is_file())
    return f"{_BLANK}{scripts}{body}"


def browser() -> str | None:
    """The browser of this machine that can draw a page without a window, if there is one."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    return found or next((place for place in _PLACES if Path(place).is_file()), None)


def _shot(page: str) -> str:
    """A page as the browser draws it, cut to what is on it, as PNG in base64; nothing for an empty page."""
    with temporary_folder("chart") as folder:
        file, picture = folder / "page.html", folder / "page.png"
        file.write_text(page, encoding="utf-8")
        command = [
            browser() or "", "--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            "--disable-dev-shm-usage", "--disable-extensions", f"--user-data-dir={folder}/profile",
            "--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--force-device-scale-factor=2",
            f"--window-size={_WIDTH},{_HEIGHT}", "--virtual-time-budget=8000", f"--screenshot={picture}", file.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
        return _cut(picture.read_bytes()) if picture.is_file() else ""


def _cut(data: bytes) -> str:
    from PIL import Image, ImageChops

    image = Image.open(io.BytesIO(data)).convert("RGB")
    box = ImageChops.difference(image, Image.new("RGB", image.size, "#ffffff")).getbbox()
    if not box:
        return ""
    left, top, right, bottom = box
    image = image.crop((max(0, left - _MARGIN), max(0, top - _MARGIN), right + _MARGIN, bottom + _MARGIN))
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return base64.b64encode(made.getvalue()).decode()
