"""The sessions that documents show are real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs.generated import ROOT
from docs.session import masked, replayed, shown
from host_ending import end_host


@pytest.mark.parametrize("document", ["README.md", "docs/corrections.md"])
def test_a_document_shows_what_its_commands_print(document: str, tmp_path: Path) -> None:
    """Typed again in an empty folder, every command prints what the document says, but for ids and times."""
    text = (ROOT / document).read_text(encoding="utf-8")
    try:
        now = replayed(text, tmp_path)
    finally:
        end_host(tmp_path / "store")
    assert masked(now) == masked(shown(text))
