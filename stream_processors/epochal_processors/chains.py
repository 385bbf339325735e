"""Chains of blocks: which block of which stream comes next, and the links that tie them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from epochal_processors.blocks import NO_LINK, Block, link
from epochal_processors.columns import BLOCK_SIZE
from epochal_processors.coverage import Ranges

Key = tuple[UUID, str]
"""A stream: writer and channel."""


class Head(NamedTuple):
    """How far a chain goes: the first block that isn't linked, and the last link."""

    next_block: int
    link: bytes


BlockRow = tuple[str, UUID, str, int, int, int, bytes, bytes]
"""A row of ``blocks``: project, writer, channel, block, first_seq, count, digest, link."""

START = Head(0, NO_LINK)


@dataclass
class _Chain:
    head: Head
    resumed: bool
    waiting: dict[int, tuple[str, Block]] = field(default_factory=dict)


class Chains:
    """The chains of all streams that are still growing.

    Full blocks are linked as soon as all blocks before them are; those that come early wait for them.
    """

    def __init__(
        self, head: Callable[[UUID, str], Head], sealed: Callable[[UUID, str], list[tuple[Block, bytes]]]
    ) -> None:
        """Args tell of the store's chain of a stream: how far it goes, asked once; and its blocks with their links."""
        self._head = head
        self._sealed = sealed
        self._chains: dict[Key, _Chain] = {}

    def add(self, project: str, block: Block) -> list[BlockRow]:
        """A full block; the rows that can be linked now. A block linked before gives none."""
        chain = self._chain(block.writer, block.channel)
        if block.block >= chain.head.next_block:
            chain.waiting[block.block] = (project, block)
        return list(self._linked(chain))

    def waiting(self, writer: UUID, channel: str) -> set[int]:
        """The full blocks that wait for one before them."""
        return set(self._chain(writer, channel).waiting)

    def head(self, writer: UUID, channel: str) -> Head:
        """How far the chain of a stream goes."""
        return self._chain(writer, channel).head

    def rewind(self, project: str, writer: UUID, channel: str, held: Ranges) -> None:
        """Go back to the first linked block that has other rows than when it was linked, if there is one.

        That is so when something came after a stream had been read to its end. The blocks behind it wait again.
        """
        chain = self._chain(writer, channel)
        if not chain.resumed or not chain.head.next_block:
            return
        sealed = {block.block: (block, linked) for block, linked in self._sealed(writer, channel)}
        previous, changed, end = NO_LINK, False, chain.head.next_block
        # numbers may be far apart: a stream is what somebody says it is
        for number in sorted(piece for piece in sealed.keys() | set(held.pieces(BLOCK_SIZE)) if piece < end):
            block, linked = sealed.get(number, (None, previous))
            same = held.within(number * BLOCK_SIZE, BLOCK_SIZE) == (block.count if block else 0)
            if not same and not changed:
                chain.head, changed = Head(number, previous), True
            elif block and changed and same:
                chain.waiting[number] = (project, block)
            previous = linked

    def finish(self, project: str, blocks: list[Block], writer: UUID, channel: str) -> list[BlockRow]:
        """The end of a stream: what is left, holes and all, is linked in order; the stream is forgotten."""
        chain = self._chain(writer, channel)
        chain.waiting |= {block.block: (project, block) for block in blocks}
        rows: list[BlockRow] = []
        for number in sorted(chain.waiting):
            chain.head = Head(number, chain.head.link)
            rows += self._linked(chain)
        del self._chains[writer, channel]
        return rows

    def _linked(self, chain: _Chain) -> list[BlockRow]:
        rows: list[BlockRow] = []
        while chain.head.next_block in chain.waiting:
            project, block = chain.waiting.pop(chain.head.next_block)
            linked = link(chain.head.link, block)
            place = (project, block.writer, block.channel, block.block)
            rows.append((*place, block.first_seq, block.count, block.digest, linked))
            chain.head = Head(block.block + 1, linked)
        return rows

    def _chain(self, writer: UUID, channel: str) -> _Chain:
        key = (writer, channel)
        if key not in self._chains:
            head = self._head(writer, channel)
            self._chains[key] = _Chain(head, resumed=head.next_block > 0)
        return self._chains[key]
