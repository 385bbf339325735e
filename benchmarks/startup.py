"""What starting costs: importing, the first run, opening a store for reading. Each in a fresh process and store.

``init()`` starts the store's host, as it does for users, and a second figure is of one that starts none. Limits are
what can't be done without: the interpreter, the start of a process, the engine loaded in one, a ``SELECT 1``.

Usage: python benchmarks/startup.py [--json FILE] [--repeats N]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from figures import arguments, passing_store, row, save, seconds

MOST = """
import time
def most():  # what getrusage says has in it what the process that started this one took
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
before = most()
"""
IMPORT = f"""{MOST}
start = time.perf_counter()
import epochal
print((time.perf_counter() - start) * 1e3, most() - before)
"""
NOTHING = f"""{MOST}
start = time.perf_counter()
import json
print((time.perf_counter() - start) * 1e3, before)
"""
ENGINE = """
import chdb
chdb.connect(":memory:").query("SELECT 1")
"""
INIT = """
import time
import epochal
start = time.perf_counter()
run = epochal.init(experiment="startup", params={"lr": 1e-3})
print((time.perf_counter() - start) * 1e3)
run.finish()
"""
UNTIL_HOST = "epochal.open().experiments()"
"""Only a host that answers can be ended before the next process is measured."""
OPEN = """
import time
import epochal
start = time.perf_counter()
store = epochal.open()
store.experiments()
first = time.perf_counter() - start
start = time.perf_counter()
epochal.open().experiments()
following = time.perf_counter() - start
start = time.perf_counter()
store.sql("SELECT 1")
print(first * 1e3, following * 1e3, (time.perf_counter() - start) * 1e3)
"""


def measured(code: str, **settings: str) -> list[float]:
    """The numbers that the code prints, run in a process of its own with a store of its own, whose host is ended."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once, and not at each import
    with passing_store() as folder:
        environment = kept | {"EPOCHAL_STORE": str(folder)} | settings
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def process(code: str) -> float:
    """Milliseconds from the start of a process to its end."""
    return 1e3 * seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True))


def main() -> None:
    """Measure and print; write JSON when asked to."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    count = range(options.repeats)
    measured(INIT + UNTIL_HOST)
    plain, memory = zip(*(measured(NOTHING) for _ in count), strict=True)
    imports, added = zip(*(measured(IMPORT) for _ in count), strict=True)
    inits = [measured(INIT + UNTIL_HOST)[0] for _ in count]
    hostless = [measured(INIT, EPOCHAL_HOST="none")[0] for _ in count]
    first, following, asked = zip(*(measured(OPEN) for _ in count), strict=True)
    python = beside([process("pass") for _ in count], "a Python process")
    engine = beside([process(ENGINE) / 1e3 for _ in count], "a Python process with the engine, SELECT 1")
    rows = [
        row("start.import", imports, **beside(plain, "import json")),
        row("start.import_memory", added, "MB", **beside(memory, "the interpreter")),
        row("start.init", inits, **python),
        row("start.init.no_host", hostless, **python),
        row("start.open_first", first, "s", **engine),
        row("start.open_next", following, **beside(asked, "SELECT 1")),
    ]
    save(options.json, rows)


def beside(values: Sequence[float], what: str) -> dict[str, Any]:
    """The limit of a figure."""
    return {"limit": statistics.median(values), "limit_is": what}


if __name__ == "__main__":
    main()
