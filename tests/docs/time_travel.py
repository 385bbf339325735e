"""The store that docs/time-travel.md tells of, and its answers to the SQL there."""

from __future__ import annotations

import contextlib
import io
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID

from query.conftest import Bare
from query.written import Log

from epochal_query.cli_output import table
from epochal_query.store import Store

PAGE_NAME, PROJECT = "docs/time-travel.md", "digits"
DAY = datetime(2026, 3, 3, tzinfo=UTC)
TRAINING, FINETUNE = UUID("11111111-0000-4000-8000-000000000001"), UUID("22222222-0000-4000-8000-000000000002")
ALIAS, APPROVAL = UUID("33333333-0000-4000-8000-000000000003"), UUID("44444444-0000-4000-8000-000000000004")
ONE, TWO, SESSION = (UUID(int=n) for n in (1, 2, 3))
_EXAMPLE = re.compile(r"^```sql\n(?P<sql>.*?)^```\n\n(?:```text\n.*?^```\n\n)?", re.MULTILINE | re.DOTALL)


def at(hour: int, minute: int = 0) -> datetime:
    """A time of that day."""
    return DAY + timedelta(hours=hour, minutes=minute)


def _tell(log: Log) -> None:
    """The story, into a log of its own."""
    log.now = at(9)
    experiment = log.experiment("digits")
    trial = log.trial(experiment, {"lr": 0.1})
    _begin(log, TRAINING, ONE, trial, "training", "a")
    log.say("params.logged", ONE, component=TRAINING, cells=[[["lr"], 0.1]])
    log.say("metric.defined", ONE, component=TRAINING, metric="loss", goal="min")
    log.say("environment.captured", ONE, component=TRAINING, rank=0, section="host", values={"cpus": 8})
    log.points(TRAINING, ONE, {"loss": [(0, 1.0), (1, 0.5), (2, 0.4), (3, 0.9)]})
    log.now = at(10)
    log.points(TRAINING, ONE, {"loss": [(4, 1.5)]}, recorded=at(12))
    log.now = at(11)
    log.say("tags.set", ONE, kind="component", entity=TRAINING, words=["good"], values={})
    log.now = at(13)
    log.say("alert.raised", ONE, component=TRAINING, title="loss rises", level="warning")
    log.say("run.rewound", ONE, component=TRAINING, rank=0, attempt="a", to_step=2.0, abandoned=[[ONE, 5]])
    log.points(TRAINING, ONE, {"loss": [(3, 0.3)]})
    log.now = at(14)
    _begin(log, FINETUNE, TWO, trial, "finetune", "b")
    past = [[TRAINING, ONE, 0, 5, 2.0], [TRAINING, ONE, 5, 6, 2.0]]
    log.say("run.forked", TWO, component=FINETUNE, rank=0, attempt="b", of=TRAINING, step=2.0, past=past)
    log.points(FINETUNE, TWO, {"loss": [(3, 0.2)]})
    log.now = at(15)
    artifact: dict[str, Any] = {"component": TRAINING, "direction": "out"}
    log.say("artifact.logged", ONE, **artifact, name="model", uri="s3://models/1")
    log.say("artifact.failed", ONE, **artifact, name="plot", reason="no such file")
    log.say("run.finished", ONE, component=TRAINING, rank=0, attempt="a", status="completed")
    log.say("run.finished", TWO, component=FINETUNE, rank=0, attempt="b", status="completed")
    log.say("entity.declared", SESSION, kind="context", entity=ALIAS, name="production", type="alias")
    log.say("entity.declared", SESSION, kind="action", entity=APPROVAL, name="approve model 1", type="approval")
    ends: dict[str, Any] = {"source_kind": "artifact", "source": "s3://models/1"}
    ends |= {"target_kind": "context", "target": ALIAS}
    log.say("association.made", SESSION, association=UUID(int=5), relation="AssociatedWith", **ends)
    log.say("note.written", SESSION, kind="experiment", entity=experiment, text="as expected")
    log.say("experiment.concluded", SESSION, experiment=experiment, verdict="accepted", note="")
    log.now = at(16)
    scale: dict[str, Any] = {"metric": "loss", "operation": "scale", "operand": 0.01, "covers": [[ONE, 6]]}
    repair = f"{ONE}:{log.events_of(ONE)}"
    log.say("points.corrected", ONE, component=TRAINING, **scale, reason="percent")
    log.now = at(17)
    log.say("event.undone", ONE, kind="component", entity=TRAINING, event=repair, reason="it was none")
    log.flush()


def _begin(log: Log, component: UUID, writer: UUID, trial: UUID, name: str, host: str) -> None:
    run: dict[str, Any] = {"component": component, "rank": 0, "attempt": host}
    who: dict[str, Any] = {"host": host, "pid": 1, "process": SESSION, "version": "0", "heartbeat_s": 1e5}
    log.say("writer.opened", writer, **run, **who, role="main", world_size=1)
    log.say("component.created", writer, component=component, key=name, name=name, kind="training")
    log.say("component.attached", writer, component=component, trial=trial)
    log.say("run.started", writer, **run, world_size=1)


def answered(page: str, bare: Bare) -> str:
    """The page with the answer under each example, of a project with that story."""
    _tell(bare.log(PROJECT))
    store = bare.open(PROJECT)
    return _EXAMPLE.sub(lambda example: f"```sql\n{example['sql']}```\n\n{_answer(store, example['sql'])}", page)


def _answer(store: Store, sql: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), mock.patch.dict(os.environ, {"COLUMNS": "120"}):
        table(store.sql(sql))
    return f"```text\n{printed.getvalue().rstrip()}\n```\n\n"
