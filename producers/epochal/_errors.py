"""Everything Epochal raises on purpose.

::

    EpochalError
    ├── SettingsError       a setting (environment variable) has a value nobody can use
    ├── RefusedError        a value was refused (raised in strict mode; otherwise a warning, counted)
    ├── MisuseError         a call that makes no sense where it stands
    ├── JournalError        the journal can't be kept (raised in strict mode; otherwise a warning, counted)
    ├── NotFoundError       nothing by that name or id
    └── NotAvailableError   the part that does this is not installed, or not in this version
"""

from __future__ import annotations

__all__ = [
    "EpochalError",
    "JournalError",
    "MisuseError",
    "NotAvailableError",
    "NotFoundError",
    "RefusedError",
    "SettingsError",
]


class EpochalError(Exception):
    """Base of all errors that Epochal raises on purpose; its text says what to do next."""


class SettingsError(EpochalError):
    """A setting has a value that can't be used; the text names the setting and what is accepted."""


class RefusedError(EpochalError):
    """A value was refused. Raised only in strict mode: otherwise it is a warning, and counted."""


class MisuseError(EpochalError):
    """A call that makes no sense where it stands, such as attaching a component to an experiment."""


class JournalError(EpochalError):
    """The journal can't be written. Raised only in strict mode: otherwise it is a warning, and counted."""


class NotFoundError(EpochalError):
    """Nothing by that name or id is known."""


class NotAvailableError(EpochalError):
    """The part that does this is not installed, or not in this version; the text says which."""
