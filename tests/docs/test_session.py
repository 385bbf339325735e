"""The README's session is a real one."""

from __future__ import annotations

from pathlib import Path

from docs.generated import ROOT
from docs.session import masked, replayed, shown
from host_ending import end_host


def test_the_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    """Typed again in an empty folder, every command prints what the README says, but for ids and times."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    try:
        now = replayed(readme, tmp_path)
    finally:
        end_host(tmp_path / "store")
    assert masked(now) == masked(shown(readme))
