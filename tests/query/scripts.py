"""Scripts of users in little, run in processes of their own with the engine inside: they log, read, and say what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdk.children import run

ENDING = """
import json as _json
print(_json.dumps(said))
"""


def told(code: str, home: Path, **settings: str) -> Any:
    """What a script leaves in ``said``; it must end well, and have said nothing to anybody else."""
    child = run(code + ENDING, home, {"EPOCHAL_HOST": "inline", **settings})
    assert child.err == ""
    return json.loads(child.out.splitlines()[-1])
