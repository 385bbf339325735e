"""What readers of journals get: points as NumPy rows, lifecycle events as bytes, and damage in words.

Readers ``pread`` and never map, hold no descriptor between calls, and change nothing. A live journal's tail that
is not valid yet is no damage; a hole with valid data behind it is, once it has stayed the same for a second or
the writer is known to be gone (``final=True``).
"""

from .events_reader import EventsReader
from .metrics_reader import MetricsReader
from .reading import Damage, Points, Record
from .slots import POINT

__all__ = ["POINT", "Damage", "EventsReader", "MetricsReader", "Points", "Record"]
