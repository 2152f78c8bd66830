"""What it costs before anything is done: the import, `rcm --help`, and `rcm run` up to its first look at the workspace.

    python benchmarks/startup.py --rounds 7

CPU seconds (user + system) of a fresh process each, turn about, beside Python alone; and the modules it loaded. The
result is kept as text.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
COUNT = "import sys; sys.stderr.write(f'modules {len(sys.modules)}')"
MAIN = "from rcm_analysis.cli import main\ntry:\n    main({words})\nexcept SystemExit:\n    pass\n"
WAYS = {
    "python alone": "pass\n",
    "import rcm_analysis": "import rcm_analysis\n",
    "import and dir(), as <TAB>": "import rcm_analysis\ndir(rcm_analysis)\n",
    "rcm --help": MAIN.format(words=["--help"]),
    "rcm run, no workspace": MAIN.format(words=["run", "client_review"]),
    "rcm print, no notebook": MAIN.format(words=["print", "absent.ipynb"]),
}


def cpu_seconds(script: str, folder: str) -> tuple[float, int]:
    """CPU seconds of one fresh process, and how many modules it had loaded at its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script + COUNT], cwd=folder, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, int(done.stderr.rpartition("modules ")[2])


def report(times: dict[str, list[tuple[float, int]]]) -> str:
    lines = [
        "CPU seconds of a fresh process, user + system; medians of "
        f"{len(times['python alone'])} rounds, turn about; modules loaded.",
        f"Machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end.",
        "",
    ]
    for name, values in times.items():
        seconds = statistics.median(value for value, _ in values)
        lines.append(f"{name:<28}{seconds:>7.2f}{values[-1][1]:>8}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    times: dict[str, list[tuple[float, int]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, script in WAYS.items():
                times[name].append(cpu_seconds(script, folder))
    text = report(times)
    (RESULTS / "startup.txt").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
