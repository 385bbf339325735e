"""What can go wrong when reading.

::

    ReadError
    ├── FilterError          a filter, an order or a selection that can't be understood
    ├── UnknownNameError     a name or an id that nothing in the store has
    │   └── AmbiguousNameError  a name that several things have, where one is meant
    ├── TimeError            a time or a watermark that can't be understood
    ├── TooManyColumnsError  a report wider than a person or a frame can use
    ├── QueryError           the engine refused a query
    ├── DeletionError        a deletion that isn't confirmed, or that something stands against
    ├── RepairError          a correction, a retraction or an undoing that has nothing to act on, or can't be understood
    ├── CheckpointError      a checkpoint that can't be made, read or trusted
    └── WaitTimeoutError     what was waited for did not happen in time

Messages are written for the person who typed the call: what happened, what is accepted, what to do next.
"""

from __future__ import annotations

from epochal._errors import EpochalError


class ReadError(EpochalError):
    """Base of everything that reading raises on purpose."""


class FilterError(ReadError):
    """A filter, an order or a selection that can't be understood, or that can't match anything."""


class UnknownNameError(ReadError):
    """Nothing in the store has this name or id; the message lists near ones."""


class AmbiguousNameError(UnknownNameError):
    """Several things in the store have this name, where one is meant; the message lists their ids."""


class TimeError(ReadError):
    """A time or a watermark that can't be understood."""


class TooManyColumnsError(ReadError):
    """A report would be wider than the limit; the message says how to choose columns."""


class QueryError(ReadError):
    """The engine refused a query; the message is the engine's own, without its internals."""


class DeletionError(ReadError):
    """A deletion that isn't confirmed, or that something stands against; the message says what."""


class RepairError(ReadError):
    """A correction, a retraction or an undoing that has nothing to act on, or can't be understood."""


class CheckpointError(ReadError):
    """A checkpoint or a key that can't be made, read or trusted."""


class WaitTimeoutError(ReadError):
    """What was waited for did not happen in time."""


def no_text(error: UnicodeEncodeError) -> QueryError:
    """What to say of text that UTF-8 can't carry."""
    return QueryError(
        f"{error.object[:80]!r} can't be asked for: it holds {error.object[error.start]!r}, half of a character; "
        "stored text has U+FFFD (\ufffd) in the place of such halves"
    )


def erased_meanwhile(what: str) -> FilterError:
    """What to say where something that was found isn't there any more when it is read."""
    return FilterError(f"{what} was found, and was erased meanwhile: begin again")
