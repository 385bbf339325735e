"""Numbered migrations: run once, run again, cut in half, edited, newer, on one machine and on a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from epochal_storage.errors import EngineError, MigrationError
from epochal_storage.migrations import Applied, Layout, Migration, available, filled, pending, script
from epochal_storage.sql_text import statements, tokens

CHILD = Path(__file__).with_name("engine_child.py")


def in_engine(directory: Path, code: str) -> str:
    """What code prints that runs beside an engine."""
    done = subprocess.run(
        [sys.executable, str(CHILD), str(directory)],
        input=code,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def migration(number: int, text: str) -> Migration:
    return Migration(f"{number:04d}_x.sql", text, f"checksum of {text}")


def test_files_are_numbered_without_gaps() -> None:
    """The files of this version count up from 0001, and each holds statements."""
    found = available()
    assert [int(one.name[:4]) for one in found] == list(range(1, len(found) + 1))
    assert all(one.statements(Layout()) for one in found)


def test_twice_is_once(tmp_path: Path) -> None:
    """A second run applies nothing and changes nothing; a third, in another process, neither."""
    code = """
import json
from epochal_storage.migrations import migrate
print(json.dumps([migrate(engine), migrate(engine)]))
"""
    first, second = json.loads(in_engine(tmp_path, code))
    assert first == [one.name for one in available()]
    assert second == []
    assert json.loads(in_engine(tmp_path, code)) == [[], []]


@pytest.mark.long
def test_cut_in_half_is_run_again(tmp_path: Path) -> None:
    """After a cut between two statements the next run ends with the same tables as a run without one."""
    code = """
from epochal_storage.migrations import migrate, available, Layout
class Cut(Exception): ...
total = sum(len(one.statements(Layout())) for one in available())
def cut_after(count):
    seen = []
    def on_statement(sql):
        if len(seen) == count:
            raise Cut
        seen.append(sql)
    return on_statement
def tables():
    sql = "SELECT name, create_table_query FROM system.tables WHERE database = 'epochal' ORDER BY name"
    return engine.query(sql, "TSV")
for count in range(0, total, max(1, total // 4)):
    engine.command("DROP DATABASE epochal SYNC")
    try:
        migrate(engine, on_statement=cut_after(count))
    except Cut:
        pass
    migrate(engine)
    cut = tables()
    if count == 0:
        whole = cut
    assert cut == whole, count
print("same")
"""
    assert in_engine(tmp_path, code) == "same\n"


def test_an_edited_migration_is_an_error() -> None:
    """A migration that was edited after a store had it is named, with what to do."""
    one = migration(1, "SELECT 1")
    with pytest.raises(MigrationError, match=r"0001_x\.sql was edited.*put the change into a new migration"):
        pending([Applied(one.name, "another")], [one])


def test_views_that_changed_are_made_again(tmp_path: Path) -> None:
    """A store with the views of an earlier version gets those of this one; one with views of a newer is left alone."""
    code = """
from epochal_storage.migrations import checksum, migrate, Migration
old, new = (f"CREATE OR REPLACE VIEW {{database}}.v AS SELECT {n} AS n" for n in (1, 2))
table = Migration("0002_t.sql", "CREATE TABLE IF NOT EXISTS {database}.t (a Int8) ENGINE = {engine} ORDER BY a", "t")
print(migrate(engine, migrations=[Migration("0001_v.sql", old, checksum(old)), table]))
print(migrate(engine, migrations=[Migration("0001_v.sql", new, checksum(new), (checksum(old),)), table]))
print(engine.query("SELECT n FROM v", "TSV").decode().strip())
print(migrate(engine, migrations=[Migration("0001_v.sql", new, checksum(new), (checksum(old),)), table]))
"""
    assert in_engine(tmp_path, code).splitlines() == ["['0001_v.sql', '0002_t.sql']", "['0001_v.sql']", "2", "[]"]
    with pytest.raises(MigrationError, match=r"0001_v\.sql.*made by a newer version"):
        pending([Applied("0001_v.sql", "unheard of")], [Migration("0001_v.sql", "", "now", ("before",))])


def test_a_newer_store_is_an_error() -> None:
    """A store that a newer version made is left alone, and the error says which version is needed."""
    with pytest.raises(MigrationError, match=r"0007_y\.sql, which this version doesn't know.*newer version"):
        pending([Applied("0007_y.sql", "c")], [migration(1, "SELECT 1")])


def test_a_late_migration_is_an_error() -> None:
    """A migration that slips in before one that was applied is refused: its order would depend on the store."""
    one, two = migration(1, "SELECT 1"), migration(2, "SELECT 2")
    assert pending([Applied(one.name, one.checksum)], [one, two]) == [two]
    with pytest.raises(MigrationError, match="give them new numbers"):
        pending([Applied(two.name, two.checksum)], [one, two])


def test_a_failing_statement_is_named(tmp_path: Path) -> None:
    """A failing migration is an error with the engine's message, file and statement, and isn't marked as done."""
    code = """
from epochal_storage.errors import MigrationError
from epochal_storage.migrations import migrate, Migration
text = "CREATE TABLE IF NOT EXISTS {database}.fine (a Int8) ENGINE = {engine} ORDER BY a; CREATE TABLE oh no"
bad = Migration("0001_x.sql", text, "c")
for _ in range(2):
    try:
        migrate(engine, migrations=[bad])
    except MigrationError as error:
        assert "0001_x.sql failed: " in str(error), error
        print(str(error).splitlines()[-1])
print(engine.query("SELECT count() FROM migrations", "TSV").decode().strip())
"""
    said = in_engine(tmp_path, code).splitlines()
    assert said[0] == "CREATE TABLE oh no"
    assert said[-1] == "0"


@pytest.mark.parametrize("layout", [Layout(), Layout("other-db", "my cluster")])
def test_both_layouts_are_sql(tmp_path: Path, layout: Layout) -> None:
    """The engine parses every statement of every migration, for one machine and for a cluster."""
    parsed = script(layout)
    code = f"""
import re
from epochal_storage.sql_text import statements
for sql in statements({parsed!r}):
    if not sql.startswith("INSERT"):
        engine.query("EXPLAIN AST " + re.sub(r"\\{{\\w+:\\w+\\}}", "''", sql), "TSV")
print("parsed")
"""
    assert in_engine(tmp_path, code) == "parsed\n"


def test_the_layout_fills_in_what_is_a_template_and_nothing_else() -> None:
    """Views' own parameters and maps in braces survive; the engine takes its arguments in both forms."""
    text = (
        "CREATE TABLE {database}.t {on_cluster} ENGINE = {engine}(version); SELECT {as_of:String}, {'a': 1}, {engine}"
    )
    assert filled(text, Layout()) == (
        "CREATE TABLE `epochal`.t  ENGINE = ReplacingMergeTree(version); "
        "SELECT {as_of:String}, {'a': 1}, ReplacingMergeTree"
    )
    place = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
    assert filled(text, Layout("d`b", "c")) == (
        f"CREATE TABLE `d\\`b`.t ON CLUSTER `c` ENGINE = ReplicatedReplacingMergeTree({place}, version); "
        f"SELECT {{as_of:String}}, {{'a': 1}}, ReplicatedReplacingMergeTree({place})"
    )


def test_statements_split_where_they_end() -> None:
    """Semicolons in strings, names, comments and here-documents end nothing; empty statements are none."""
    text = """
    -- a comment; with a semicolon
    SELECT ';', "a;b", `c;d`, 'it''s;', 'back\\';slash'; /* ; */ ;;
    SELECT $x$ ; ' $x$ # not; a comment
    ; SELECT 3 -- the end;"""
    assert [sql.split()[0] for sql in statements(text)] == ["--", "SELECT", "SELECT"]
    assert statements("") == statements(" ; -- x\n ;") == []


def test_tokens_leave_nothing_out() -> None:
    """Whatever the text, tokens and what lies between them make up the whole text again."""
    text = "SELECT 'unclosed, /* and é \x00 `x` $a$"
    covered = [False] * len(text)
    for token in tokens(text):
        assert text[token.start : token.end] == token.text
        covered[token.start : token.end] = [True] * len(token.text)
    assert all(seen or letter.isspace() for seen, letter in zip(covered, text, strict=True))


def test_the_engine_refuses_a_directory_that_another_process_holds(tmp_path: Path) -> None:
    """A second engine on one directory is an error with the engine's words, not a crash."""
    code = f"""
import subprocess, sys
done = subprocess.run([sys.executable, {str(CHILD)!r}, str(directory)], input="", capture_output=True, text=True)
print(done.returncode, "EngineError" in done.stderr)
"""
    assert in_engine(tmp_path, code) == "1 True\n"


def test_engine_error_keeps_code_name_and_sense() -> None:
    """What ClickHouse adds for its own developers is cut from messages; code, name and sense stay."""
    from epochal_storage.errors import engine_error

    raw = (
        "Streaming query failed: Code: 395. DB::Exception: boo: while executing 'FUNCTION throwIf(equals(__table1"
        ".number, 3_UInt8) :: 0) UInt8 : 1'. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) (version 26.9.2.1)"
    )
    error = engine_error(raw)
    assert (str(error), error.code, error.name) == ("boo", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO")
    twice = engine_error(
        "Code: 164. DB::Exception: Code: 164. DB::Exception: Cannot modify 'a' setting. (READONLY) (READONLY)"
    )
    assert (str(twice), twice.code, twice.name) == ("Cannot modify 'a' setting", 164, "READONLY")
    assert isinstance(engine_error(""), EngineError)
