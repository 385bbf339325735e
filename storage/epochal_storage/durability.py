"""Making what was written survive a loss of power."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def sync_filesystem(path: Path) -> None:
    """Write everything that the file system of `path` still holds in memory to its disk.

    Guarantees: what was written before the call, by whatever process, is on the disk when it returns.
    Raises: OSError where the disk refuses; nothing may be counted as safe then.
    """
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        # macOS has no call for a single file system
        os.sync()
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)
