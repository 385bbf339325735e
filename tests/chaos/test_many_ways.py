"""The same journals on many ways at once, cut otherwise on each: what is read is there once."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest
from chaos.estate import Estate
from injecting import TIMES, Chaos
from kafka_field import Field
from shipping.delivered import shipping
from worker_process import PATIENCE_S

pytestmark = pytest.mark.kafka
AGAIN = "the journals shipped by another shipper, too"
FOLLOWED = "a journal taken in by the store's follower, too"


def copied(estate: Estate, name: str) -> Path:
    """The spool as it is at this moment, as somebody would copy it to another disk; some of it without its cursor."""
    there = estate.home / name
    shutil.copytree(estate.spool, there, ignore=shutil.ignore_patterns("shipper.*", "shipped.json.*", "processes"))
    for cursor in there.glob("*/shipped.json"):
        if estate.dice.random() < 0.5:
            cursor.unlink()
    return there


def follow(estate: Estate) -> None:
    """Give the store itself a journal: of a job that has ended, or as much as one that goes on has logged till now."""
    journals = sorted(estate.spool.glob("*/points-000000.seg"))
    chosen = estate.dice.choice(journals).parent
    with contextlib.suppress(FileExistsError):
        shutil.copytree(chosen, estate.base.store / "journals" / chosen.name, ignore=shutil.ignore_patterns("shipped*"))


@pytest.mark.chaos(AGAIN, FOLLOWED, times=max(10, TIMES))
def test_journals_on_many_ways(kafka: str, topic_prefix: str, tmp_path: Path, chaos: Chaos) -> None:
    """While jobs log and are shipped, copies of their journals are shipped by others, ten times and more, from wherever
    their cursors stood, and lie in the store as well.
    """
    field = Field(kafka, topic_prefix, tmp_path / "field")
    others: list[subprocess.Popen[str]] = []
    plan = [AGAIN, FOLLOWED] * chaos.times
    chaos.dice.shuffle(plan)
    with Estate(field, tmp_path, chaos.dice, kafka, kafka, jobs=2) as estate:
        for number, way in enumerate(plan):
            estate.pass_time(chaos.dice.uniform(0.5, 2.0))
            if way == AGAIN:
                others.append(shipping(tmp_path, kafka, topic_prefix, copied(estate, f"copy-{number}")))
            else:
                follow(estate)
            chaos.note(way)
        for other in others:
            out, err = other.communicate(timeout=PATIENCE_S)
            assert other.returncode == 0, f"{out}\n{err}"
        estate.finish()
