"""``import epochal`` is light: a training image pays nothing for what it does not use."""

import json
import subprocess
import sys
from pathlib import Path

from sdk.children import run

HEAVY = {
    "asyncio",
    "chdb",
    "click",
    "clickhouse_connect",
    "email",
    "epochal.contract",
    "epochal_processors",
    "epochal_query",
    "epochal_storage",
    "fsspec",
    "http",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "numpy",
    "pandas",
    "psutil",
    "pyarrow",
    "pydantic",
    "rfc8785",
    "rich",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
}


LIGHT = {
    "ast",
    "atexit",
    "collections",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "dataclasses",
    "datetime",
    "decimal",
    "dis",
    "enum",
    "errno",
    "fnmatch",
    "functools",
    "genericpath",
    "hashlib",
    "importlib",
    "inspect",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "linecache",
    "math",
    "ntpath",
    "numbers",
    "opcode",
    "operator",
    "os",
    "pathlib",
    "platform",
    "posixpath",
    "re",
    "reprlib",
    "signal",
    "stat",
    "struct",
    "threading",
    "token",
    "tokenize",
    "types",
    "typing",
    "unicodedata",
    "urllib",
    "uuid",
    "warnings",
    "weakref",
}
"""What it loads of the standard library beside what a bare interpreter has; private parts of it aren't named."""

LOADED = """
import sys
before = {name.partition(".")[0] for name in sys.modules}
import epochal
print(*{name.partition(".")[0] for name in sys.modules} - before)
"""


def test_import_loads_these_modules_and_no_other() -> None:
    """Whoever adds one has to say so here."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("_")}
    assert loaded - sys.stdlib_module_names == {"epochal"}
    assert loaded - {"epochal"} <= LIGHT


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    """The door loads no library but the standard one, and of that only what a call of log() needs."""
    child = run("import json, sys; print(json.dumps(sorted(sys.modules)))", tmp_path)
    assert not HEAVY & set(json.loads(child.out))


def test_a_whole_run_loads_no_reader(tmp_path: Path) -> None:
    """init, log, params and finish need neither NumPy nor pydantic nor any part that reads."""
    child = run(
        """
        import json, sys
        with epochal.init("light", params={"lr": 0.1}) as run:
            run.log({"loss": 1.0})
        print(json.dumps(sorted(sys.modules)))
        """,
        tmp_path,
    )
    loaded = set(json.loads(child.out))
    assert not loaded & {
        "numpy",
        "pydantic",
        "psutil",
        "fsspec",
        "pyarrow",
        "epochal.contract",
        "epochal_query",
        "chdb",
    }
    assert child.written.values("loss") == [1.0]


def test_a_run_that_goes_to_kafka_loads_no_client(tmp_path: Path) -> None:
    """What ships is another process: a job loads nothing of Kafka, Arrow or NumPy for it."""
    child = run(
        """
        import json, sys
        with epochal.init("light") as run:
            run.log({"loss": 1.0})
            run.flush(0.2)
        print(json.dumps(sorted(sys.modules)))
        """,
        tmp_path,
        EPOCHAL_KAFKA="127.0.0.1:1",
        EPOCHAL_KAFKA_WAIT="0.2",
        EPOCHAL_SHIPPER="none",
    )
    assert not set(json.loads(child.out)) & {"kafka", "crc32c", "numpy", "pyarrow", "ssl", "socket", "asyncio"}


def test_import_has_no_side_effects(tmp_path: Path) -> None:
    """Importing starts no thread, writes no file, installs no handler."""
    child = run(
        """
        import json, os, signal, sys, threading
        print(threading.active_count(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        print(sys.excepthook is sys.__excepthook__)
        """,
        tmp_path,
    )
    assert child.out.split() == ["1", "True", "True"]
    assert not (tmp_path / "store").exists()


def test_reading_without_the_reading_part_names_the_command(tmp_path: Path) -> None:
    """Where only the SDK is installed, open() says in one sentence what to install."""
    child = run(
        """
        import sys
        sys.modules["epochal_query"] = None
        try:
            epochal.open()
        except epochal.NotAvailableError as error:
            print(error)
        """,
        tmp_path,
    )
    assert "pip install 'epochal[query]'" in child.out


def test_the_door_is_sorted_and_complete(tmp_path: Path) -> None:
    """__all__ is sorted, and everything in it is there."""
    child = run(
        """
        assert epochal.__all__ == sorted(epochal.__all__), epochal.__all__
        print(all(hasattr(epochal, name) for name in epochal.__all__ if name not in ("Store", "open")))
        """,
        tmp_path,
    )
    assert child.out.strip() == "True"
