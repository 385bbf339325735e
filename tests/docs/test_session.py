"""The sessions that pages show are real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs.generated import ROOT, SESSIONS
from docs.session import masked, replayed, shown
from host_ending import end_host


@pytest.mark.long
@pytest.mark.parametrize("page", SESSIONS)
def test_a_page_shows_what_its_commands_print(page: str, tmp_path: Path) -> None:
    """Typed again in an empty folder, every command prints what the page says, but for ids and times."""
    text = (ROOT / page).read_text(encoding="utf-8")
    try:
        now = replayed(text, tmp_path)
    finally:
        end_host(tmp_path / "store")
    assert masked(now) == masked(shown(text))
