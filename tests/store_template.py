"""A store's engine with its tables and views made, to be copied: making them takes a second of the processor."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MAKE = """
import sys
from pathlib import Path
from epochal_storage.engine import Engine
from epochal_storage.migrations import migrate
engine = Engine(Path(sys.argv[1]))
migrate(engine)
engine.close()
"""


def prepare(store: Path) -> None:
    """Give a new store, as its host is started, an engine in which nothing is left to be made; whole, or not at all.

    Not earlier: a directory that holds an engine and nothing else is no store, and is refused.
    """
    if any((store / part).exists() for part in ("engine", "intake", "store.json")):
        return
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parent) as folder:
        copy = shutil.copytree(_template(), Path(folder) / "engine", symlinks=True)
        # a host that was started meanwhile has made its own
        with contextlib.suppress(OSError):
            copy.rename(store / "engine")


@functools.cache
def _template() -> Path:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([sys.executable, "-c", MAKE, f"{folder}/engine"], check=True, stdout=subprocess.DEVNULL)
    return Path(folder) / "engine"
