"""What starting costs: importing, the first run, opening a store for reading. Each in a fresh process.

Usage: python benchmarks/startup.py [--json FILE] [--repeats N]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping

from figures import arguments, row, save

IMPORT = """
import resource, time
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
import epochal
print((time.perf_counter() - start) * 1e3, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
NOTHING = """
import time
start = time.perf_counter()
import json
print((time.perf_counter() - start) * 1e3, 0)
"""
INIT = """
import time
import epochal
start = time.perf_counter()
run = epochal.init(experiment="startup", params={"lr": 1e-3})
print((time.perf_counter() - start) * 1e3, 0)
run.finish()
"""
OPEN = """
import time
import epochal
start = time.perf_counter()
store = epochal.open()
store.experiments()
first = time.perf_counter() - start
start = time.perf_counter()
epochal.open().experiments()
print(first, (time.perf_counter() - start) * 1e3)
"""


def measured(code: str, environment: Mapping[str, str]) -> tuple[float, float]:
    """The two numbers that the code prints, run in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    one, two = done.stdout.split()
    return float(one), float(two)


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}

    def repeat(code: str, environment: Callable[[], Mapping[str, str]]) -> list[tuple[float, float]]:
        return [measured(code, environment()) for _ in range(options.repeats)]

    with tempfile.TemporaryDirectory() as folder:
        counter = iter(range(1_000_000))

        def fresh() -> Mapping[str, str]:
            return kept | {"EPOCHAL_STORE": f"{folder}/{next(counter)}"}

        nothing = repeat(NOTHING, fresh)
        imports = repeat(IMPORT, fresh)
        inits = repeat(INIT, lambda: {**fresh(), "EPOCHAL_HOST": "none"})
        opens = repeat(OPEN, fresh)
    limit = {"limit": statistics.median(one for one, _ in nothing), "limit_is": "import json"}
    rows = [
        row("start.import", [ms for ms, _ in imports], "ms", **limit),
        row("start.import_memory", [mb for _, mb in imports], "MB"),
        row("start.init", [ms for ms, _ in inits], "ms"),
        row("start.open_first", [1e3 * s for s, _ in opens], "s"),
        row("start.open_next", [ms for _, ms in opens], "ms"),
    ]
    save(options.json, rows)


if __name__ == "__main__":
    main()
