"""The sessions that the README and pages of the documentation show, run for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

WIDTH = 100
_BLOCK = re.compile(r"^```console\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_SCRIPT = re.compile(r"^`(?P<name>\w+\.py)`:\n\n```python\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_MASKS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"(?<=python       )3\.\d+\.\d+"), "3.0.0"),
    (re.compile(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d+)?"), r"2026-01-01\g<1>00:00:00"),
)


def masked(text: str) -> str:
    """The text with what differs from run to run (ids, times) made equal."""
    for pattern, same in _MASKS:
        text = pattern.sub(same, text)
    return text


def shown(readme: str) -> str:
    """The console block of the page."""
    found = _BLOCK.search(readme)
    assert found, "the page shows no session"
    return found["text"]


def replayed(readme: str, folder: Path) -> str:
    """The same block with what its commands print now, run one after the other in an empty folder."""
    for script in _SCRIPT.finditer(readme):
        (folder / script["name"]).write_text(script["text"], encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EPOCHAL_")}
    environment = kept | {
        "EPOCHAL_STORE": str(folder / "store"),
        "EPOCHAL_CAPTURE": "none",
        "COLUMNS": str(WIDTH),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    lines: list[str] = []
    for command in re.findall(r"^\$ (.+)$", shown(readme), re.MULTILINE):
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert not done.stderr, f"{command}\n{done.stderr}"
        lines.append(f"$ {command}\n{done.stdout.rstrip()}".rstrip())
    return "\n\n".join(lines) + "\n"


def rewritten(readme: str, folder: Path) -> str:
    """The README with the session's output as it is now."""
    return readme.replace(shown(readme), replayed(readme, folder))
