"""Runs Python lines against an engine in a process of its own: `python engine_child.py DIRECTORY < code`.

The code sees `engine`, and prints what the test wants to know.
"""

from __future__ import annotations

import sys
from pathlib import Path

from epochal_storage.engine import Engine

engine = Engine(Path(sys.argv[1]))
exec(compile(sys.stdin.read(), "<test>", "exec"), {"engine": engine, "directory": Path(sys.argv[1])})
engine.close()
