"""How a writer of this process introduces itself: the event that opens its stream."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from uuid import UUID

from ._elsewhere import host_name
from ._events import Event, writer_opened
from ._values import JSON
from ._version import __version__
from ._writer import Identity

__all__ = ["introduction"]


def introduction(
    identity: Identity,
    role: str,
    process: UUID,
    heartbeat_s: float,
    *,
    world_size: int = 1,
    launcher: Mapping[str, JSON] | None = None,
    command: bool = True,
) -> Event:
    """Who writes, where and, if ``command``, by which command; ``process`` names the lock that says it lives."""
    return writer_opened(
        component=None if identity.component is None else str(identity.component),
        rank=identity.rank,
        attempt=identity.attempt,
        role=role,
        world_size=world_size,
        heartbeat_s=heartbeat_s,
        host=host_name(),
        pid=os.getpid(),
        process=str(process),
        user=_user(),
        command=_command() if command else [],
        python=".".join(map(str, sys.version_info[:3])),
        version=__version__,
        launcher=launcher or {},
    )


def _user() -> str:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return ""


def _command() -> list[str]:
    from ._capture.env import capture_command

    return capture_command(sys.orig_argv)
