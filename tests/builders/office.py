"""Workbooks as LibreOffice computes them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def recalculated(paths: list[Path], folder: Path) -> dict[str, Path]:
    """The workbooks as LibreOffice computes them, from formulas alone; opened once for all: it is slow to start."""
    subprocess.run(
        [
            "soffice",
            "--headless",
            "--norestore",
            f"-env:UserInstallation=file://{folder}/profile",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(folder / "out"),
            *map(str, paths),
        ],
        check=True,
        capture_output=True,
        timeout=1800,
    )
    return {path.stem: folder / "out" / path.name for path in paths}
