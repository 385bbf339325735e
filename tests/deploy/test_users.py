"""What deploy/clickhouse/users.xml gives and denies, as the engine itself enforces it (`clickhouse_as`)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from deploy.clickhouse_as import Answer, asked

from epochal_storage.engine import ReadLimits
from epochal_storage.http_call import _REFUSED  # pyright: ignore[reportPrivateUsage]
from epochal_storage.migrations import Layout, available
from epochal_storage.schemas import SCHEMAS

DENIED = ("ACCESS_DENIED", "READONLY", "SETTING_CONSTRAINT_VIOLATION", "QUERY_IS_PROHIBITED")
SQL = "".join(sql for migration in available() for sql in migration.statements(Layout()))
VIEWS = re.findall(r"CREATE OR REPLACE VIEW `epochal`\.(\w+)", SQL)


def denied(answer: Answer) -> bool:
    """Whether the engine refused for want of a right."""
    fine, text = answer
    return not fine and any(f"({reason})" in text for reason in DENIED)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which a worker has made tables and inserted."""
    directory = tmp_path_factory.mktemp("server")
    deeds = asked("epochal_writer", directory, ["migrate", "insert"])
    assert all(fine for fine, _ in deeds.values()), deeds
    return directory


@pytest.mark.long
def test_a_worker_may_do_all_that_a_worker_does(store: Path) -> None:
    """Migrations on an empty server and again on one that has them, every table's rows, every question it asks."""
    assert asked("epochal_writer", store, ["migrate"])["migrate"] == (True, "migrated")
    done = asked("epochal_writer", store, ["insert", "look up"])
    assert done["insert"] == (True, " ".join(SCHEMAS))
    assert done["look up"][0], done["look up"]
    opening = ["SELECT version(), timezone()", "SELECT name, value, readonly FROM system.settings LIMIT 10000"]
    assert all(fine for fine, _ in asked("epochal_writer", store, opening).values())


def test_a_worker_erases(store: Path) -> None:
    """What a tombstone names, and of an event its payload alone."""
    fine, text = asked("epochal_writer", store, ["erase"])["erase"]
    assert fine, text
    assert json.loads(text) == {
        "events": 1,
        "facts": 0,
        "metrics": 0,
        "partials": 0,
        "dead_letters": 0,
        "payload": "",
    }


HARM = (
    "DROP TABLE epochal.events",
    "DROP DATABASE epochal",
    "TRUNCATE TABLE epochal.events",
    "DELETE FROM epochal.events WHERE 1",
    "ALTER TABLE epochal.events DELETE WHERE 1",
    "ALTER TABLE epochal.events UPDATE digest = salt WHERE 1",
    "ALTER TABLE epochal.ledger DELETE WHERE 1",
    "ALTER TABLE epochal.blocks DELETE WHERE 1",
    "ALTER TABLE epochal.metrics UPDATE value = 1 WHERE 1",
    "ALTER TABLE epochal.events MODIFY TTL logged_at",
    "ALTER TABLE epochal.events DROP PARTITION tuple()",
    "CREATE OR REPLACE TABLE epochal.facts (a Int8) ENGINE = ReplacingMergeTree ORDER BY a",
    "RENAME TABLE epochal.facts TO epochal.gone",
    "CREATE DATABASE other",
    "CREATE USER somebody",
    "GRANT SELECT ON epochal.* TO default",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', 'epochal.events')",
    "SELECT count() FROM system.users",
)


@pytest.mark.parametrize("user", ["epochal_writer", "epochal_analyst"])
def test_nobody_destroys_or_reaches_outside(store: Path, user: str) -> None:
    """No row is deleted, no table dropped, no other database, file, address or user reached."""
    answers = asked(user, store, HARM)
    assert [sql for sql, answer in answers.items() if not denied(answer)] == []


@pytest.mark.long
def test_an_analyst_reads_every_table_and_view(store: Path) -> None:
    """Those with parameters too, as of any instant, and through settings that clients set."""
    assert len(VIEWS) > 30
    questions = [f"SELECT * FROM epochal.{table} FINAL" for table in SCHEMAS]
    for name in VIEWS:
        found = re.search(rf"VIEW `epochal`\.{name}\b.*?(?=CREATE OR REPLACE|\Z)", SQL, re.DOTALL)
        assert found
        named = sorted(set(re.findall(r"\{(\w+):\w+\}", found[0])))
        bounds = ", ".join(f"{parameter} = ''" for parameter in named)
        questions.append(f"SELECT * FROM epochal.{name}{f'({bounds})' if named else ''}")
    questions.append("SELECT count() FROM epochal.facts SETTINGS max_threads = 2, max_execution_time = 10")
    answers = asked("epochal_analyst", store, questions)
    assert {sql: text for sql, (fine, text) in answers.items() if not fine} == {}


def test_an_analyst_changes_nothing(store: Path) -> None:
    """What a worker may do, an analyst may not."""
    attempts = [
        "INSERT INTO epochal.events FORMAT JSONEachRow {}",
        "CREATE TABLE epochal.more (a Int8) ENGINE = ReplacingMergeTree ORDER BY a",
        "CREATE TEMPORARY TABLE more (a Int8)",
        "CREATE OR REPLACE VIEW epochal.trials AS SELECT 1",
        "ALTER TABLE epochal.events UPDATE payload = '' WHERE 1",
        "ALTER TABLE epochal.metrics DELETE WHERE 1",
        "ALTER TABLE epochal.ledger ADD INDEX more count TYPE minmax",
        "CREATE DATABASE IF NOT EXISTS epochal",
    ]
    answers = asked("epochal_analyst", store, attempts)
    assert [sql for sql, answer in answers.items() if not denied(answer)] == []


@pytest.mark.long
def test_an_analysts_limits_are_those_of_a_hosts_reader(store: Path) -> None:
    """Its seconds and queries at once are the host's; what the host lets no request set, can't be set here either."""
    limits = ReadLimits()
    asked_for = {
        "SELECT getSetting('max_execution_time')": str(limits.seconds),
        "SELECT getSetting('max_concurrent_queries_for_user')": str(limits.at_once),
        "SELECT getSetting('readonly')": "2",
        "SELECT getSetting('implicit_select')": "false",
        "SELECT getSetting('allow_introspection_functions')": "false",
    }
    answers = asked("epochal_analyst", store, list(asked_for))
    assert {sql: text for sql, (_, text) in answers.items()} == asked_for
    names = asked("epochal_analyst", store, ["SELECT name, type FROM system.settings"])
    settings = dict(line.split("\t") for line in names.popitem()[1][1].splitlines())
    closed = [name for name in settings if _REFUSED.fullmatch(name)]
    assert {"readonly", "allow_ddl", "max_untracked_memory", "workload"} <= set(closed)
    attempts = [f"SELECT 1 SETTINGS {name} = {_another(settings[name])}" for name in closed]
    attempts += [f"SELECT 1 SETTINGS max_execution_time = {seconds}" for seconds in (0, limits.seconds + 1)]
    attempts += [f"SELECT 1 SETTINGS max_memory_usage = {size}" for size in (0, 2**31 + 1)]
    answers = asked("epochal_analyst", store, attempts)
    assert {sql: answer for sql, answer in answers.items() if not denied(answer)} == {}


def _another(kind: str) -> str:
    return {"String": "'another'", "Float": "0.123", "Bool": "true"}.get(kind, "123")
