"""How long <TAB> takes at the bench: CPU seconds of a fresh process, the fastest of several.

    python benchmarks/completion.py

Beside each, what a process needs that imports nothing. The aim for `import rcm_analysis` with its names is 0.3 s.
"""

from __future__ import annotations

import resource
import subprocess
import sys

TRIES = 5
ASKED = {
    "nothing": "",
    "import rcm_analysis, rcm.<TAB>": "import rcm_analysis as rcm; dir(rcm)",
    "rcm.measures.<TAB>": "import rcm_analysis as rcm; dir(rcm.measures)",
    "rcm.measures.denials.<TAB>": "import rcm_analysis as rcm; dir(rcm.measures.denials)",
    "rcm.models.<TAB>": "import rcm_analysis as rcm; dir(rcm.models)",
    "from rcm_analysis.notebook import open_report": "from rcm_analysis.notebook import open_report",
}


def cpu_seconds(code: str) -> float:
    """CPU seconds, user and system, of a Python process that runs this."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    for words, code in ASKED.items():
        print(f"{min(cpu_seconds(code) for _ in range(TRIES)):6.3f} s  {words}")


if __name__ == "__main__":
    main()
