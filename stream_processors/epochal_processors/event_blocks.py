"""Blocks of lifecycle events: the digests of events, until their block is full or their stream has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

from epochal_processors.blocks import Block, events_digest
from epochal_processors.chains import BlockRow, Chains
from epochal_processors.columns import BLOCK_BITS, BLOCK_SIZE
from epochal_processors.coverage import Coverage
from epochal_processors.frames import LIFECYCLE


class DigestLoader(Protocol):
    """Reads back the digests of one block of events."""

    def event_digests(self, writer: UUID, block: int) -> Mapping[int, bytes]:
        """Sequence number to digest, of all records of a block that the store holds (dead letters too)."""
        ...


class EventBlocks:
    """Keeps the digests of the blocks that aren't full yet, by writer and block."""

    def __init__(self, loader: DigestLoader, coverage: Coverage) -> None:
        self._loader = loader
        self._coverage = coverage
        self._kept: dict[tuple[UUID, int], dict[int, bytes]] = {}

    def add(self, writer: UUID, digests: Iterable[tuple[int, bytes]]) -> list[Block]:
        """Take in digests of one writer's events; the blocks that are full now."""
        touched: dict[int, dict[int, bytes]] = {}
        for seq, digest in digests:
            block = seq >> BLOCK_BITS
            if block not in touched:
                touched[block] = self._held(writer, block)
            touched[block].setdefault(seq, digest)
        full = [_block(writer, block, held) for block, held in touched.items() if len(held) == BLOCK_SIZE]
        for block, held in touched.items():
            self._kept[writer, block] = held
        for done in full:
            del self._kept[writer, done.block]
        return full

    def finish(self, project: str, writer: UUID, chains: Chains) -> list[BlockRow]:
        """The end of a stream: every block that isn't linked yet is, with the events it has."""
        covered = self._coverage.of(writer, LIFECYCLE)
        chains.rewind(project, writer, LIFECYCLE, covered)
        first = chains.head(writer, LIFECYCLE).next_block
        waiting = chains.waiting(writer, LIFECYCLE)
        held = {
            block: self._held(writer, block)
            for block in covered.pieces(BLOCK_SIZE)
            if block >= first and block not in waiting
        }
        for key in [key for key in self._kept if key[0] == writer]:
            del self._kept[key]
        blocks = [_block(writer, block, digests) for block, digests in held.items() if digests]
        return chains.finish(project, blocks, writer, LIFECYCLE)

    def _held(self, writer: UUID, block: int) -> dict[int, bytes]:
        kept = self._kept.get((writer, block), {})
        expected = self._coverage.of(writer, LIFECYCLE).within(block << BLOCK_BITS, BLOCK_SIZE)
        return dict(self._loader.event_digests(writer, block)) | kept if expected > len(kept) else kept


def _block(writer: UUID, block: int, digests: Mapping[int, bytes]) -> Block:
    rows = sorted(digests.items())
    return Block(writer, LIFECYCLE, block, rows[0][0], len(rows), events_digest(rows))
