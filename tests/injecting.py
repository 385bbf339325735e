"""Faults that tests inject: how often, at moments from which seed, and the table of all of them when a run ends.

A test names its fault, ``@pytest.mark.chaos("SIGKILL of a worker")``, takes the fixture ``chaos``, and notes every
injection; one that injected less than it was asked to fails. EPOCHAL_TEST_CHAOS is how often each fault is injected
(3 times; ``make chaos N=100``), EPOCHAL_TEST_SEED repeats what a seed gave.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

TIMES = int(os.environ.get("EPOCHAL_TEST_CHAOS") or 3)


def new_seed() -> int:
    """A seed, printed; the one that EPOCHAL_TEST_SEED gives, if it does."""
    seed = int(os.environ.get("EPOCHAL_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"EPOCHAL_TEST_SEED={seed}")
    return seed


@dataclass
class Chaos:
    """The faults of one test: ``times`` each is to be injected, ``dice`` say when and what."""

    faults: tuple[str, ...]
    seed: int = field(default_factory=new_seed)
    times: int = TIMES
    injected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def note(self, fault: str = "") -> None:
        """A fault was injected: the one, or one of those that the test named."""
        self.injected[fault or self.faults[0]] += 1

    def pause(self, most_s: float, least_s: float = 0.0) -> None:
        """Let a random time pass, so that what comes next comes at any moment."""
        time.sleep(self.dice.uniform(least_s, most_s))

    def lacking(self) -> list[str]:
        """Faults that were injected less often than asked."""
        return [fault for fault in self.faults if self.injected[fault] < self.times]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    test: str
    times: int
    seed: int
    seconds: float
    outcome: str


def rows_of(chaos: Chaos, test: str, seconds: float, outcome: str) -> list[Row]:
    """What is to be told of a test that has ended."""
    return [Row(fault, test, chaos.injected[fault], chaos.seed, seconds, outcome) for fault in chaos.faults]


def table(rows: Iterable[Row]) -> list[str]:
    """Lines for people: fault, times, seed, seconds of its test, outcome, test."""
    cells = [("fault", "times", "seed", "seconds", "", "test")]
    cells += [(r.fault, str(r.times), str(r.seed), f"{r.seconds:.0f}", r.outcome, r.test) for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
