"""A job for the promise tests: logs values anyone can compute again, and says which calls have returned.

Usage: job.py EXPERIMENT NAME SEED CALLS [PAUSE]. Prints its component's id, then after every returned call its number;
pauses so many seconds between calls.
"""

from __future__ import annotations

import math
import sys
import time

import epochal


def value(seed: int, call: int) -> float:
    """What call number `call` of the job with this seed logs as its loss: any reader can compute it again."""
    return math.sin(seed * 1009 + call * 0.37) * 10.0 ** (call % 7 - 3)


def main(experiment: str, name: str, seed: int, calls: int, pause_s: float = 0.0) -> None:
    """Log `calls` times two metrics, acknowledging each on standard output."""
    run = epochal.init(experiment, variables={"job": name}, name=name)
    out = sys.stdout
    out.write(f"{run.id}\n")
    out.flush()
    for call in range(calls):
        run.log({"loss": value(seed, call), "half": value(seed, call) / 2}, step=call)
        out.write(f"{call}\n")
        out.flush()
        if pause_s:
            time.sleep(pause_s)
    run.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *map(float, sys.argv[5:]))
