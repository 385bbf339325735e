"""Threads that pose as jobs: `python -m chaos.many_jobs EXPERIMENT FIRST COUNT CALLS`.

Prints the ids of their components as JSON, by number, when all have ended.
"""

from __future__ import annotations

import json
import sys
import threading

from promises.job import value

import epochal


def main(experiment: str, first: int, count: int, calls: int) -> None:
    """All of them at once, each a run of its own."""
    declared = epochal.experiment(experiment)
    components: dict[int, str] = {}
    together = threading.Barrier(count)

    def work(number: int) -> None:
        with declared.trial({"job": number}).run("training") as run:
            components[number] = run.id
            together.wait()
            for call in range(calls):
                run.log({"loss": value(number, call), "half": value(number, call) / 2}, step=call)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(first, first + count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(components))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
