"""One report from request to files, beside the tools it is made with, in the same run.

    python benchmarks/report.py                                        a notebook of its own
    python benchmarks/report.py --template client_review --workspace runs/demo --client cali-care --period 2026-10

Ours makes notebook, HTML, PDF, workbook and manifest; `papermill` + `jupyter nbconvert --to html` make a
notebook and an HTML page. Both start as a user starts them (a fresh process), turn about; "warm" is ours
inside a batch worker. The medians, and the median of the ratios round by round, are kept as text.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from rcm_analysis.press.runs.kernels import Settings
from rcm_analysis.press.runs.run import RunRequest, RunResult
from rcm_analysis.press.runs.worker import Worker

RESULTS = Path(__file__).parent / "results"
CELLS = (
    "import numpy as np\nimport pandas as pd\nimport seaborn as sns\nimport matplotlib.pyplot as plt",
    "chance = np.random.default_rng(weeks)\nn = 50_000",
    "lines = pd.DataFrame({'payer': chance.choice(list('ABCDEFGH'), n), 'month': chance.integers(1, 13, n),"
    " 'cents': chance.integers(0, 90_000, n), 'days': chance.gamma(2.0, 20.0, n)})",
    "by_payer = lines.groupby('payer', as_index=False)[['cents', 'days']].mean()\nby_payer",
    "by_month = lines.groupby('month', as_index=False)['cents'].sum()\nby_month",
    "grid = lines.pivot_table(index='payer', columns='month', values='cents', aggfunc='sum')\ngrid",
    "sns.lineplot(by_month, x='month', y='cents').set_title('Cash by month');",
    "sns.barplot(by_payer, x='payer', y='days').set_title('Days by payer');",
    "sns.heatmap(grid, cbar=False).set_title('Cash by payer and month');",
    "sns.histplot(lines, x='days', bins=40).set_title('Days to payment');",
    "sns.boxplot(lines, x='payer', y='days').set_title('Spread');",
    "lines.describe()",
)
ONE = """
import pickle, sys
from rcm_analysis.press.runs.run import run
result = run(pickle.load(open(sys.argv[1], "rb")))
sys.exit(0 if result.good else result.line())
"""


def own_template(folder: Path) -> Path:
    """A notebook of the usual weight: 50,000 rows, six tables, five figures."""
    parameters = 'client: str = ""  # client id\nperiod: str = ""  # month\nweeks: int = 4'
    cells = [nbformat.v4.new_markdown_cell("# Usual weight")]
    cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    card = {
        "rcm": {"title": "Usual weight"},
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    }
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=card), folder / "usual.ipynb")
    return folder


def peers(request: RunRequest, folder: Path) -> None:
    """papermill, then nbconvert, as one types them."""
    scripts = Path(sysconfig.get_path("scripts"))
    source, out = Path(request.templates) / f"{request.template}.ipynb", folder / "out.ipynb"
    given = {**request.parameters, "client": request.client, "period": request.period}
    words = [word for name, value in given.items() if value for word in ("-p", name, str(value))]
    command = [str(scripts / "papermill"), "--no-progress-bar", str(source.resolve()), str(out), *words]
    subprocess.run(command, check=True, capture_output=True, cwd=request.workspace)
    subprocess.run([str(scripts / "jupyter"), "nbconvert", "--to", "html", str(out)], check=True, capture_output=True)


def ours(request: RunRequest, folder: Path) -> None:
    """One report in a fresh process."""
    import pickle

    (folder / "request").write_bytes(pickle.dumps(request))
    subprocess.run([sys.executable, "-c", ONE, str(folder / "request")], check=True)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    result = work()
    if isinstance(result, RunResult) and not result.good:
        raise SystemExit(result.line())
    return time.perf_counter() - start


def measure(request: RunRequest, rounds: int, folder: Path) -> dict[str, list[float]]:
    """Every way once a round, so that a busy moment of the machine falls on all of them."""
    worker = Worker(Settings())
    times: dict[str, list[float]] = {"papermill + nbconvert": [], "ours, fresh process": [], "ours, warm worker": []}
    worker.perform(request)
    for _ in range(rounds):
        times["papermill + nbconvert"].append(seconds(lambda: peers(request, folder)))
        times["ours, fresh process"].append(seconds(lambda: ours(request, folder)))
        times["ours, warm worker"].append(seconds(lambda: worker.perform(request)))
    worker.close()
    return times


def report(request: RunRequest, times: dict[str, list[float]]) -> str:
    base = times["papermill + nbconvert"]
    lines = [
        f"One report ({request.template}) from request to files; {len(base)} rounds, turn about; median seconds.",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} at the end.",
        "",
        f"{'way':<24}{'seconds':>9}{'ratio':>8}  makes",
    ]
    for name, values in times.items():
        ratio = statistics.median(value / other for value, other in zip(values, base, strict=True))
        makes = "notebook, HTML" if values is base else "notebook, HTML, PDF, XLSX, manifest"
        lines.append(f"{name:<24}{statistics.median(values):>9.2f}{ratio:>8.2f}  {makes}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--template", default="usual")
    parser.add_argument("--templates", type=Path, help="folder of templates (default: the checkout's)")
    parser.add_argument("--workspace", type=Path, default=Path.cwd())
    parser.add_argument("--client", default="cali-care")
    parser.add_argument("--period", default="2026-10")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    try:
        templates = given.templates or Path(__file__).parents[1] / "templates"
        if given.template == "usual":
            templates = own_template(folder)
        request = RunRequest(
            given.template,
            given.client,
            given.period,
            folder / "runs",
            templates=templates,
            workspace=given.workspace.resolve(),
        )
        text = report(request, measure(request, given.rounds, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"report_{given.template}.txt").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
