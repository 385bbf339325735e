"""An event-sourced experiment tracker.

The front door: everything here is public, everything behind it is private. What reads the store comes from the
package ``epochal_query`` and is loaded when it is first asked for, so that a training process never pays for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._associating import Entity, action, alias, associate, context, dissociate
from ._errors import (
    EpochalError,
    JournalError,
    MisuseError,
    NotAvailableError,
    NotFoundError,
    RefusedError,
    SettingsError,
)
from ._experiment import Experiment
from ._front import component, current, experiment, finish, init, log
from ._position import Position
from ._run import Run
from ._trial import Trial
from ._version import __version__

if TYPE_CHECKING:
    from epochal_query import Store, open

    from ._artifacts.artifact import Artifact

__all__ = [
    "Artifact",
    "Entity",
    "EpochalError",
    "Experiment",
    "JournalError",
    "MisuseError",
    "NotAvailableError",
    "NotFoundError",
    "Position",
    "RefusedError",
    "Run",
    "SettingsError",
    "Store",
    "Trial",
    "__version__",
    "action",
    "alias",
    "associate",
    "component",
    "context",
    "current",
    "dissociate",
    "experiment",
    "finish",
    "init",
    "log",
    "open",
]

_READING = ("Store", "open")


def __getattr__(name: str) -> Any:
    if name == "Artifact":  # what log_output and log_input return; a run that logs no artifact never loads it
        return importlib.import_module("epochal._artifacts.artifact").Artifact
    if name not in _READING:
        raise AttributeError(f"module 'epochal' has no attribute {name!r}")
    try:
        reading = importlib.import_module("epochal_query")
    except ImportError as error:
        raise NotAvailableError(f"epochal.{name} reads the store: pip install 'epochal[query]' ({error})") from error
    return getattr(reading, name)


def __dir__() -> list[str]:
    return sorted(__all__)
