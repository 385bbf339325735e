"""The folder of one writer, when somebody deletes it under the writer."""

from __future__ import annotations

from pathlib import Path


def make_again(directory: Path) -> None:
    """Make a writer's folder again, and the folder of all journals around it; nothing above that.

    Who deletes a whole store wants it gone.

    Raises:
        OSError: the store is gone as well, or the file system refuses.
    """
    directory.parent.mkdir(exist_ok=True)
    directory.mkdir(exist_ok=True)
