"""The fallback: a print copy of an HTML page, made by the Chromium, Chrome or Edge already on the machine.

It is the only way to print outputs drawn by JavaScript. It is neither PDF/A nor PDF/UA and has no page
numbers in its contents, and every page says that it is a print copy.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pikepdf

from ...errors import RunError

LABEL = "Print copy made with a browser: not an archival (PDF/A) or accessible (PDF/UA) document"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)


def find_browser() -> Path | None:
    """The browser to print with: RCM_BROWSER if set, else the first one installed, else nothing."""
    chosen = os.environ.get("RCM_BROWSER")
    if chosen:
        return Path(chosen)
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return next((Path(place) for place in _PLACES if Path(place).is_file()), None)


def render_print_copy(html_path: Path, out: Path, *, browser: Path | None = None, deadline_seconds: float = 90) -> Path:
    """Print `html_path` to the PDF `out` and label every page; the browser gets no network.

    Raises `RunError` if there is no browser, or it does not finish before the deadline.
    """
    html_path, out = Path(html_path), Path(out)
    if not html_path.is_file():
        raise RunError("The print copy needs the report's HTML page, and it is not there. Run the report first.")
    browser = browser or find_browser()
    if browser is None:
        raise RunError(
            "A print copy needs Chromium, Chrome or Edge; none was found. Install one, or set RCM_BROWSER to its path."
        )
    with tempfile.TemporaryDirectory(prefix="rcm-print-", ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "printed.pdf"
        command = _command(browser, Path(folder), printed, html_path)
        _run_to_deadline(command, deadline_seconds)
        if not printed.is_file() or printed.stat().st_size == 0:
            raise RunError(f"The browser {browser.name} ended without a PDF. Try another one by setting RCM_BROWSER.")
        _label(printed, out)
    return out


def _command(browser: Path, folder: Path, printed: Path, html_path: Path) -> list[str]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [
        str(browser), "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
        "--disable-background-networking", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}", *(["--no-sandbox"] if root else []),
        "--no-pdf-header-footer", "--virtual-time-budget=10000", f"--print-to-pdf={printed}", html_path.resolve().as_uri(),
    ]  # fmt: skip


def _run_to_deadline(command: list[str], deadline_seconds: float) -> None:
    """Run the browser in its own process group, and end all of it at the deadline."""
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=os.name == "posix"
        )
    except OSError as error:
        raise RunError(
            f"The browser {Path(command[0]).name} could not be started ({type(error).__name__}). Check RCM_BROWSER."
        ) from error
    try:
        process.wait(timeout=deadline_seconds)
    except subprocess.TimeoutExpired as error:
        raise RunError(
            f"The browser did not finish the print copy in {deadline_seconds:g} seconds and was ended."
        ) from error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait(timeout=10)


def _label(printed: Path, out: Path) -> None:
    """Write the label at the foot of every page and into the title, then put the file in its place."""
    with pikepdf.open(printed) as pdf:
        font = pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        words = pikepdf.String(LABEL).unparse()
        for page in pdf.pages:
            name = page.add_resource(font, pikepdf.Name.Font)
            # The browser leaves its own scale in force at the end of a page: shut it in, or the label shrinks.
            page.contents_add(b"q\n", prepend=True)
            page.contents_add(
                b"\nQ\n/Artifact BMC q BT " + str(name).encode() + b" 7 Tf 0.33 g 36 16 Td " + words + b" Tj ET Q EMC\n"
            )
        title = str(pdf.docinfo.get("/Title", "Report"))
        pdf.docinfo["/Title"] = f"{title} (print copy)"
        beside = out.with_name(f".{out.name}.part")
        pdf.save(beside)
    os.replace(beside, out)
