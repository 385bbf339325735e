"""Run the benchmarks and print every figure beside its target and beside a limit of the same run.

Those of the way through Kafka are left out, which they say, where there is no broker and none can be started.

Each script in this folder takes ``--json FILE`` and writes ``{"rows": [{"key", "value", "unit", "low"?, "high"?,
"limit"?, "limit_is"?}, ...]}``; keys that ``targets.py`` names are compared, the others are shown as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from targets import TARGETS, Target, needs_limit

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
DRAWN = ("kafka_growth",)
"""What writes its table into docs/performance.md, and the plot beside it."""
NOT_SCRIPTS = {"run.py", "targets.py", "figures.py", "history_store.py"}
LEFT_OUT = 77
"""Exit status of a script that can't measure here, and said in a sentence why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; ``low`` and ``high`` are the spread, ``limit`` what was measured beside it."""

    key: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    limit_is: str = ""


def run_script(script: Path, arguments: Sequence[str]) -> list[Figure]:
    """The figures of one script, which prints what it has to say meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(out), *arguments], check=False)
        if done.returncode == LEFT_OUT:
            return []
        if done.returncode or not out.exists():
            print(f"{script.name}: no figures (exit status {done.returncode})", file=sys.stderr)
            return []
        return [Figure(**row) for row in json.loads(out.read_text(encoding="utf-8"))["rows"]]


def line(target: Target, figure: Figure | None) -> str:
    """One row of the table that is printed at the end."""
    sign = "≤" if target.better == "less" else "≥"
    wanted = f"{sign} {target.bound:,.12g} {target.unit}"
    if figure is None:
        return f"{target.what:<52} {wanted:>20}   not measured"
    spread = "" if figure.low is None or figure.high is None else f" ({figure.low:,.4g} to {figure.high:,.4g})"
    beside = f"   {figure.limit_is}: {figure.limit:,.4g} {figure.unit}" if figure.limit is not None else ""
    word = "met" if target.met(figure.value) else "MISSED"
    return f"{target.what:<52} {wanted:>20}   {figure.value:,.4g} {figure.unit}{spread}  {word}{beside}"


def other(figure: Figure) -> str:
    """A figure that has no target."""
    beside = f"   {figure.limit_is}: {figure.limit:,.4g} {figure.unit}" if figure.limit is not None else ""
    return f"{figure.key:<52} {'':>20}   {figure.value:,.4g} {figure.unit}{beside}"


def without_limit(figures: Mapping[str, Figure]) -> list[str]:
    """What was measured beside a target, and should have been beside a limit of the same run as well."""
    wanted = [target.key for target in TARGETS if needs_limit(target)]
    return [key for key in wanted if key in figures and figures[key].limit is None]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}


def main() -> None:
    """Run all scripts, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", help="names without .py; all when none is given")
    parser.add_argument(
        "--record", action="store_true", help=f"write the figures to {BASELINE.name}, and tables and plots"
    )
    options = parser.parse_args()
    scripts = [path for path in sorted(HERE.glob("*.py")) if path.name not in NOT_SCRIPTS]
    unknown = set(options.scripts) - {path.stem for path in scripts}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(p.stem for p in scripts)}")
    figures: dict[str, Figure] = {}
    for script in scripts:
        if not options.scripts or script.stem in options.scripts:
            print(f"== {script.stem} ==", flush=True)
            drawn = ["--plot"] if options.record and script.stem in DRAWN else []
            figures.update({figure.key: figure for figure in run_script(script, drawn)})
    print(f"\n{machine()}")
    for target in TARGETS:
        print(line(target, figures.get(target.key)))
    for key in sorted(figures.keys() - {target.key for target in TARGETS}):
        print(other(figures[key]))
    if alone := without_limit(figures):
        raise SystemExit(f"no limit of the same run beside {', '.join(alone)}")
    if options.record:
        rows = [{name: getattr(figure, name) for name in Figure.__slots__} for figure in figures.values()]
        BASELINE.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
