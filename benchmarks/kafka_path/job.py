"""A process that poses as several jobs: each has a run, a journal and a pace of its own. Started by load.py.

It says ``{"components": [...]}`` when all runs are open and Kafka knows of them, waits for a line, logs, says what that
took, finishes the runs (which waits until Kafka has acknowledged everything), and says so. One JSON object a line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from random import random

import epochal

TICK_S = 0.05
"""Between two bouts of logging: the fewer times a process wakes, the less of its time is that of waking."""


def values(names: list[str]) -> dict[str, float]:
    """What one call logs: noise, so that nothing of it can be told from what came before."""
    return {name: random() for name in names}


def log_all(runs: list[epochal.Run], names: list[str], calls: int, rate: float) -> None:
    """So many calls of every run, the runs taking turns; at ``rate`` calls a second and run, or 0 for full speed."""
    begin, done = time.perf_counter(), 0
    while done < calls:
        due = min(calls, int((time.perf_counter() - begin) * rate) + 1) if rate else min(calls, done + 1000)
        for run in runs:
            for step in range(done, due):
                run.log(values(names), step=step)
        done = due
        if rate:
            time.sleep(TICK_S)


def processor_time(work: Callable[[], object]) -> float:
    """Seconds of processor time that this process spends meanwhile, all its threads included."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Be the jobs that the first argument describes."""
    asked = json.loads(sys.argv[1])
    names = [f"m{i}" for i in range(asked["metrics"])]
    experiment = epochal.experiment("load")
    runs = [experiment.trial({"job": number}).run(f"job-{number}") for number in asked["jobs"]]
    for run in runs:  # from here on whoever ships is there, and has read what every journal begins with
        run.flush()
    print(json.dumps({"components": [run.id for run in runs]}), flush=True)
    sys.stdin.readline()
    calls = asked["calls"]
    begin = time.perf_counter()
    cpu_s = processor_time(lambda: log_all(runs, names, calls, asked["rate"]))
    logged_s = time.perf_counter() - begin
    made = min(calls, 1 + 100_000 // len(names))
    making_s = processor_time(lambda: [values(names) for _ in range(made)]) * calls * len(runs) / made
    print(json.dumps({"cpu_s": cpu_s - making_s, "logged_s": logged_s}), flush=True)
    ends = [run.finish() for run in runs]
    acknowledged = all(end.acknowledged for end in ends)
    print(json.dumps({"points": sum(end.points for end in ends), "acknowledged": acknowledged}), flush=True)


if __name__ == "__main__":
    main()
