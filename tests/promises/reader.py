"""A reader for the promise tests: reads until told to stop; fails if an error reaches it or a count goes down.

Usage: reader.py COMPONENT SEED. Reads one series again and again until a line comes on standard input; prints how
many reads it made and how many points the last one had.
"""

from __future__ import annotations

import sys
import threading

from promises.job import value

import epochal


def main(component: str, seed: int) -> None:
    """Read, and compare every value of every read with what the job logs."""
    stop = threading.Event()

    def wait_for_a_line() -> None:
        sys.stdin.readline()
        stop.set()

    threading.Thread(target=wait_for_a_line, daemon=True).start()
    reads = seen = 0
    store = epochal.open()
    while not stop.is_set() or reads == 0:
        values = store.metrics(component=component, metric="loss")["value"].to_list()
        if len(values) < seen:
            sys.exit(f"a read had {len(values)} points after one that had {seen}")
        if values != [value(seed, call) for call in range(len(values))]:
            sys.exit("a read showed values that were not logged")
        seen = len(values)
        reads += 1
    print(reads, seen)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
