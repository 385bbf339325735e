"""Runs SQL as a user of deploy/clickhouse/users.xml, in the embedded engine: `python clickhouse_as.py DIRECTORY`.

DIRECTORY holds `engine` (the data) and what `write_config` made. Statements come as a JSON list on standard input;
answers go out as one: [true, text] or [false, error]. `migrate`, `insert`, `look up` and `erase` stand for
what a worker does.

chDB reads a server's configuration of users, but always works as `default`: so `default` is made that user here.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pyarrow as pa

USERS = Path(__file__).resolve().parents[2] / "deploy" / "clickhouse" / "users.xml"
Answer = tuple[bool, str]


def write_config(user: str, directory: Path) -> None:
    """A configuration in which `default` is one of our users; passwords aside, which nobody asks for in here."""
    root = ElementTree.parse(USERS).getroot()
    users = root.find("users")
    assert users is not None
    ours = users.find(user)
    assert ours is not None, f"{USERS} has no user {user}"
    default = copy.deepcopy(ours)
    default.tag = "default"
    password = default.find("password")
    assert password is not None
    password.attrib.clear()
    users.append(default)
    ElementTree.SubElement(ElementTree.SubElement(root, "quotas"), "default")
    profiles = root.find("profiles")
    assert profiles is not None
    ElementTree.SubElement(profiles, "default")
    ElementTree.ElementTree(root).write(directory / "users.xml")
    (directory / "config.xml").write_text(
        f"<clickhouse><users_config>{directory}/users.xml</users_config></clickhouse>\n"
    )


def asked(user: str, directory: Path, statements: Sequence[str]) -> dict[str, Answer]:
    """What the engine answers that user, statement by statement."""
    write_config(user, directory)
    (directory / "cwd").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, __file__, str(directory)],
        input=json.dumps(list(statements)),
        env={"WRITER_PASSWORD": "w", "ANALYST_PASSWORD": "a", "PATH": "/usr/bin:/bin"},
        cwd=directory / "cwd",  # chDB reads a config.xml that lies where it is imported
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers = [(bool(fine), str(text)) for fine, text in json.loads(done.stdout)]
    return dict(zip(statements, answers, strict=True))


class _Connection:
    """A `writing.SqlRunner` over one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def command(self, sql: str) -> None:
        self._connection.query(sql, "Null")

    def query_arrow(self, sql: str, parameters: Mapping[str, object] | None = None) -> pa.Table:
        from epochal_storage.arrow_answer import arrow_table
        from epochal_storage.parameters import encoded

        data = self._connection.query(sql, "ArrowStream", params=dict(encoded(parameters))).bytes()
        return arrow_table(data)


def _migrated(store: _Connection) -> str:
    from epochal_storage.migrations import migrate

    migrate(store)
    store.command("USE epochal")
    return "migrated"


def _inserted(store: _Connection) -> str:
    from epochal_storage.schemas import SCHEMAS

    for table in SCHEMAS:
        store.command(f"INSERT INTO epochal.{table} SETTINGS optimize_on_insert = 0 FORMAT JSONEachRow {{}}")
    return " ".join(SCHEMAS)


def _looked_up(store: _Connection) -> str:
    """Everything a worker asks. Fails when there is a question that isn't asked here."""
    from epochal_processors.columns import Stream
    from epochal_processors.materialize import Ending
    from epochal_processors.worker_history import SqlWorkerHistory
    from epochal_storage.log_ends import log_ends

    store.command("USE epochal")
    history, nobody = SqlWorkerHistory(store), UUID(int=0)
    questions: dict[str, Callable[[], object]] = {
        "event_digests": lambda: history.event_digests(nobody, 0),
        "head": lambda: history.head(nobody, "metrics"),
        "in_partials": lambda: history.in_partials(Ending("", nobody, 0, nobody, 0, 0)),
        "metrics_log": lambda: history.metrics_log(nobody),
        "numbers": lambda: history.numbers(""),
        "points": lambda: history.points(Stream("", nobody, 0, nobody, ""), 0),
        "ranges": lambda: history.ranges([nobody]),
        "recorded_before": lambda: history.recorded_before({"": 1}),
        "sealed": lambda: history.sealed(nobody, "metrics"),
        "unsealed": history.unsealed,
        "vanished": lambda: history.vanished([nobody]),
        "writers": history.writers,
    }
    known = {name for name in dir(history) if not name.startswith("_")}
    if known != questions.keys():
        raise RuntimeError(f"asked here and by workers differ: {sorted(known ^ questions.keys())}")
    for ask in questions.values():
        ask()
    log_ends(store.query_arrow)
    return f"{len(questions)} questions"


def _erased(store: _Connection) -> str:
    """What a worker does when a tombstone comes: there is something of its writer in every table."""
    from epochal_processors.erasing import TABLES, Eraser

    store.command("USE epochal")
    writer = str(UUID(int=1))
    for table in TABLES:
        row = {"writer": writer} | ({"payload": "what is to go"} if table == "events" else {})
        store.command(f"INSERT INTO {table} SETTINGS optimize_on_insert = 0 FORMAT JSONEachRow {json.dumps(row)}")
    whose = {"kind": "component", "entity": str(UUID(int=3)), "reason": "r"}
    said = {**whose, "lifecycle": [[writer, 0, 1]], "metrics": [[writer, 0, 1]]}
    event = {"writer": str(UUID(int=2)), "type": "epochal.entity.erased", "payload": json.dumps({"data": said})}
    store.command(f"INSERT INTO events SETTINGS optimize_on_insert = 0 FORMAT JSONEachRow {json.dumps(event)}")
    eraser = Eraser(store)
    eraser.run()
    eraser.tell_late(lambda project, event, time_us: True)
    counts = ", ".join(f"(SELECT count() FROM {table} WHERE writer = '{writer}') AS {table}" for table in TABLES)
    payload = f"(SELECT any(payload) FROM events WHERE writer = '{writer}') AS payload"
    (left,) = store.query_arrow(f"SELECT {counts}, {payload}").to_pylist()
    return json.dumps(left)


DEEDS = {"erase": _erased, "migrate": _migrated, "insert": _inserted, "look up": _looked_up}


def main() -> None:
    """Answer the statements."""
    import chdb

    directory = Path(sys.argv[1])
    connection = chdb.connect(f"{directory}/engine?config-file={directory}/config.xml")  # type: ignore[no-untyped-call]
    answers: list[Answer] = []
    for statement in json.load(sys.stdin):
        try:
            if deed := DEEDS.get(statement):
                answers.append((True, deed(_Connection(connection))))
            else:
                answers.append((True, connection.query(statement, "TSV").bytes().decode(errors="replace").strip()))
        except Exception as error:  # noqa: BLE001 - chDB raises its own kinds; whatever it is, it is the answer
            answers.append((False, str(error)))
    connection.close()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
