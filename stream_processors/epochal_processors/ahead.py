"""Reading in threads of their own, a little ahead of who works with what was read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Piece = TypeVar("Piece")
Read = TypeVar("Read")

AHEAD: Final = 2
"""So many pieces are read at once while the caller works with one: the engine answers two questions on two threads,
and more would only take memory."""


def ahead(read: Callable[[Piece], Read], pieces: Iterable[Piece]) -> Iterator[Read]:
    """What ``read`` makes of each piece, in order; the next ones are read while the caller works with one.

    A caller that lets go of one before it asks for the next has at most one more than are read ahead in memory.

    Raises what ``read`` raises, where its piece would have come.
    """
    with ThreadPoolExecutor(AHEAD, "epochal-reading") as threads:
        begun: deque[Future[Read]] = deque()
        for piece in pieces:
            begun.append(threads.submit(read, piece))
            if len(begun) > AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
