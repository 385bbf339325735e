"""Whether the chain of a stream's blocks follows from its rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from epochal_processors.blocks import NO_LINK, Block, link
from epochal_processors.columns import BLOCK_SIZE
from epochal_processors.findings import Wrong


@dataclass(frozen=True, slots=True)
class Computed:
    """A block as its rows are now; ``settled`` of them lie up to the watermark."""

    block: Block
    settled: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ended at some watermark: its last link, and how many blocks and rows it covers."""

    link: bytes = NO_LINK
    blocks: int = 0
    rows: int = 0

    def then(self, block: Block) -> Head:
        """With one more block."""
        return Head(link(self.link, block), self.blocks + 1, self.rows + block.count)


@dataclass
class ChainCheck:
    """Goes along one chain, some blocks at a time, in order."""

    sealed: int = 0
    open: int = 0
    _previous: tuple[bytes, ...] = (NO_LINK,)
    _next_full: int | None = 0
    _unsealed: list[Computed] = field(default_factory=list)

    def go_on(
        self,
        stored: Sequence[tuple[Block, bytes]],
        computed: Mapping[int, Computed],
        agrees: Callable[[Block], bool],
        explained: Callable[[int], bool],
    ) -> Iterator[Wrong]:
        """What is wrong with the next blocks.

        Args:
            stored: blocks with their links as the store has them, in order.
            computed: blocks by number as their rows make them.
            agrees: whether a stored block is that of some of the rows that are there, as it was sealed before others
                came. Those are open then.
            explained: whether something was said of single rows of a block already.
        """
        known = {block.block: (block, linked) for block, linked in stored}
        for number in sorted(known.keys() | computed.keys()):
            found = computed.get(number)
            if number not in known:
                if found is not None:
                    self._unsealed.append(found)
                continue
            yield from self._passed_over()
            block, linked = known[number]
            yield from self._linked(block, linked, found, agrees, explained)
            self._count(number, block.count)

    def _linked(
        self,
        block: Block,
        linked: bytes,
        found: Computed | None,
        agrees: Callable[[Block], bool],
        explained: Callable[[int], bool],
    ) -> Iterator[Wrong]:
        expected = [link(previous, block) for previous in self._previous]
        fits = linked in expected
        if found is not None and not fits and linked in [link(previous, found.block) for previous in self._previous]:
            yield _of(block, found, "the row of their block in the table blocks was altered: rows and link agree")
        elif not fits:
            yield _of(block, found, "the link of their block doesn't continue the chain of the blocks before it")
        if found is not None and found.block == block:
            self.sealed += 1
        elif agrees(block):
            self.sealed += 1
            self.open += found is not None and found.settled > block.count
        elif fits and not explained(block.block):
            yield _of(block, found, _differs(block, found))
        # what was altered is said once: the next link may continue what this one was
        self._previous = (linked, expected[0])

    def end(self, *, ended: bool) -> Iterator[Wrong]:
        """What is wrong with the end of the chain; ``ended``: everything must be in it."""
        for found in self._unsealed:
            number, settled = found.block.block, found.settled
            full = settled == BLOCK_SIZE and number == self._next_full
            if full or (ended and settled == found.block.count):
                yield _of(found.block, found, "the table blocks has no row of their block")
            else:
                self.open += 1
            self._count(number, settled)

    def _passed_over(self) -> Iterator[Wrong]:
        """Blocks that the chain has left out though it goes on behind them."""
        for found in self._unsealed:
            yield _of(found.block, found, "the table blocks has no row of their block")
            self._previous = (*self._previous, link(self._previous[0], found.block))
        self._unsealed = []

    def _count(self, number: int, count: int) -> None:
        self._next_full = number + 1 if number == self._next_full and count == BLOCK_SIZE else None


def _of(block: Block, found: Computed | None, what: str) -> Wrong:
    last = block.first_seq + block.count - 1 if found is None else found.last_seq
    first = block.first_seq if found is None else min(block.first_seq, found.block.first_seq)
    return Wrong(first, max(last, first), what)


def _differs(block: Block, found: Computed | None) -> str:
    if found is None:
        return f"their block was sealed with {block.count:,} rows, and none is there"
    if found.block.count != block.count:
        return f"their block was sealed with {block.count:,} rows, and {found.block.count:,} are there"
    return "they aren't what their block was sealed with: its digest differs"
