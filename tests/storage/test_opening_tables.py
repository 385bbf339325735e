"""A store's tables, made while the disk fills up: the engine writes empty definitions then, and says nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from disks import enlarge, small_disk

from epochal_storage.migrations import available

FULL = """
    import os, sys
    from pathlib import Path
    from epochal_storage import migrations, tables
    from epochal_storage.errors import MigrationError
    directory, last = Path(sys.argv[1]), int(sys.argv[2])
    seen, plain = [], migrations.migrate

    def fill(sql):
        seen.append(sql)
        if len(seen) == last:
            with (directory.parent / "ballast").open("wb", buffering=0) as ballast:
                try:
                    while ballast.write(bytes(512)):
                        pass
                except OSError:
                    pass

    def migrate(engine, on_statement, again):
        def before(sql):
            on_statement(sql)
            fill(sql)
        return plain(engine, on_statement=before, again=again or sys.argv[3] == "again")

    if sys.argv[3] == "again":
        tables.open_tables(directory).close()
    tables.migrate = migrate
    try:
        tables.open_tables(directory)
    except Exception as error:
        print(type(error).__name__, error)
    os._exit(0)
"""
MIGRATIONS = "".join(one.text for one in available())
READ = """
    import sys
    from pathlib import Path
    from epochal_storage.tables import open_tables
    engine = open_tables(Path(sys.argv[1]))
    known = "SELECT name FROM system.tables WHERE database = 'epochal' ORDER BY name"
    for name in engine.query_arrow(known)["name"].to_pylist():
        bounds = "(as_of = '', known_at = '')" if name.endswith("_at") else ""
        if not name.endswith("_of"):
            engine.query_arrow(f"SELECT * FROM {name}{bounds} LIMIT 0")
        print(name)
    engine.close()
"""


def child(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize("when", ["first", "again"])
@pytest.mark.parametrize("statement", [2, 9, 12, 30])
def test_tables_made_on_a_full_disk_are_made_again(tmp_path: Path, when: str, statement: int) -> None:
    """Whatever could not be written, at the first start or when a new version changes views: a start with room mends
    it, and every table and view is there.
    """
    with small_disk(tmp_path / "disk", "6m") as disk:
        said = child(FULL, str(disk / "engine"), str(statement), when)
        assert "no room" in said or "not enough space" in said
        (disk / "ballast").unlink()
        enlarge(disk, "12m")
        names = child(READ, str(disk / "engine")).split()
        made = re.findall(r"CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) \{database\}\.(\w+)", MIGRATIONS)
        assert names == sorted({*made, "migrations"})
