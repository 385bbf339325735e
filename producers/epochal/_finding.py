"""Finding in the store what a job needs and can't go on without."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from ._errors import NotAvailableError, NotFoundError

if TYPE_CHECKING:
    from ._artifacts.artifact import Artifact

__all__ = ["find_artifact"]


def find_artifact(project: str, given: str) -> Artifact:
    """The artifact with this digest, URI, alias or name.

    Raises:
        NotFoundError: there is none, or several; the message says which.
        NotAvailableError: reading is not installed.
    """
    try:
        reading = importlib.import_module("epochal_query.for_sdk")
        errors = importlib.import_module("epochal_query.errors")
    except ImportError:
        raise NotAvailableError(
            f"{given!r} has to be looked up in the store: pip install 'epochal[query]', or give the handle"
        ) from None
    try:
        return cast("Artifact", reading.artifact(given, project=project))
    except errors.UnknownNameError as error:
        raise NotFoundError(str(error)) from None
