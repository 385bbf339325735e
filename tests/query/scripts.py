"""Scripts of users in little, run in processes of their own with the engine inside: they log, read, and say what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdk.children import start

DEADLINE_S = 300
"""Many reads in one process take their time on a busy machine."""

ENDING = """
import json as _json
print(_json.dumps(said))
"""


def told(code: str, home: Path, **settings: str) -> Any:
    """What a script leaves in ``said``; it must end well, and have said nothing to anybody else."""
    process = start(code + ENDING, home, **{"EPOCHAL_HOST": "inline", **settings})
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, ""), f"{out}\n{err}"
    return json.loads(out.splitlines()[-1])
