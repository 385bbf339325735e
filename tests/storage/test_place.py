"""Where a store may begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from epochal_storage.errors import LocationError
from epochal_storage.hostfile import make_place


@pytest.mark.parametrize("there", [[], [".hidden", "lost+found"], ["artifacts"], ["journals", "notes.txt"]])
def test_a_store_begins_where_nothing_else_is(tmp_path: Path, there: list[str]) -> None:
    """Or where a job has stored contents already, before anybody read."""
    for name in there:
        (tmp_path / name).mkdir()
    make_place(tmp_path)


@pytest.mark.parametrize("there", [["photos"], ["artifacts", "photos"]])
def test_somebody_elses_directory_is_none(tmp_path: Path, there: list[str]) -> None:
    """What lies there is named."""
    for name in there:
        (tmp_path / name).mkdir()
    with pytest.raises(LocationError, match=r"there is no store in .*photos"):
        make_place(tmp_path)
