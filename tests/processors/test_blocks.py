"""Digests and links of blocks, held to the definition in docs/wire-format.md."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processors.points import COMPONENT, WRITER, Logged, frame, position

from epochal_processors.blocks import NO_LINK, Block, digest_blocks, events_digest, link
from epochal_processors.chains import START, Chains, Head
from epochal_processors.columns import batch_of
from epochal_processors.project import event_digest

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "wire-format.md").read_text(encoding="utf-8")
VECTORS = json.loads(DOCUMENT.split("```json")[1].split("```")[0])


def text(value: str) -> bytes:
    return struct.pack("<I", len(value.encode())) + value.encode()


def slow_points_digest(vector: dict[str, Any]) -> bytes:
    """The definition, row by row."""
    data = text(vector["project"]) + UUID(vector["component"]).bytes + struct.pack("<I", vector["rank"])
    data += struct.pack("<I", len(vector["names"])) + b"".join(text(name) for name in vector["names"])
    rows = vector["rows"]
    for key, kind in (("seq", "Q"), ("name", "I"), ("step", "d")):
        data += b"".join(struct.pack("<" + kind, row[key]) for row in rows)
    data += b"".join(bytes.fromhex(row["v"])[::-1] for row in rows)
    for key in ("logged", "occurred"):
        data += b"".join(struct.pack("<q", row[key]) for row in rows)
    return hashlib.sha256(data).digest()


def slow_link(vector: dict[str, Any], digest: bytes) -> bytes:
    rows = vector.get("rows") or vector["events"]
    channel = {"lifecycle": 0, "metrics": 1}[vector["channel"]]
    place = struct.pack("<QQQ", vector["block"], rows[0]["seq"], len(rows))
    head = b"EPOCHBLK" + struct.pack("<II", 1, channel) + UUID(vector["writer"]).bytes + place
    return hashlib.sha256(bytes.fromhex(vector["previous"]) + head + digest).digest()


def value(bits: str) -> float:
    number: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return number


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["what"])
def test_the_documented_vectors(vector: dict[str, Any]) -> None:
    """Digests and links are, for ever, those that the document defines and lists."""
    if vector["channel"] == "metrics":
        logged = [
            Logged(vector["names"][row["name"]], row["step"], value(row["v"]), row["logged"], row["occurred"])
            for row in vector["rows"]
        ]
        plain = frame(logged, first_seq=vector["rows"][0]["seq"])
        batch = batch_of([(position(0), replace(plain, project=vector["project"], rank=vector["rank"]))])
        (block,) = digest_blocks(batch, [(0, len(batch))])
        assert slow_points_digest(vector) == bytes.fromhex(vector["digest"])
    else:
        digests = [(e["seq"], event_digest(bytes.fromhex(e["salt"]), e["payload"].encode())) for e in vector["events"]]
        block = Block(UUID(vector["writer"]), "lifecycle", vector["block"], 0, len(digests), events_digest(digests))
    assert block.digest.hex() == vector["digest"]
    assert link(bytes.fromhex(vector["previous"]), block).hex() == vector["link"]
    assert slow_link(vector, block.digest).hex() == vector["link"]


@given(
    st.lists(st.tuples(st.text(max_size=3), st.floats(allow_nan=False), st.floats()), min_size=1, max_size=30),
    st.integers(0, 3),
)
def test_blocks_of_any_points(rows: list[tuple[str, float, float]], block: int) -> None:
    """The vectorised digest is the one that the definition gives row by row."""
    first = block * 4096
    logged = [Logged(name, step, v, 1000 + i, 2000 - i) for i, (name, step, v) in enumerate(rows)]
    batch = batch_of([(position(0), frame(logged, first_seq=first))])
    (found,) = digest_blocks(batch, [(0, len(batch))])
    names = sorted({name for name, _, _ in rows}, key=str.encode)
    vector = {
        "project": "p",
        "component": str(COMPONENT),
        "rank": 0,
        "names": names,
        "rows": [
            {
                "seq": first + i,
                "name": names.index(p.name),
                "step": p.step + 0.0,
                "v": struct.pack(">d", p.value).hex(),
                "logged": p.logged_ms,
                "occurred": p.occurred_ms,
            }
            for i, p in enumerate(logged)
        ],
    }
    assert (found.block, found.first_seq, found.count) == (block, first, len(rows))
    assert found.digest == slow_points_digest(vector)


def test_many_blocks_and_streams_at_once() -> None:
    """Blocks of several streams in one batch have the digests that they have alone."""
    other = UUID(int=WRITER.int + 1)
    frames = [
        frame([Logged("ab"[i % 2] + str(i // 4096), i, float(i)) for i in range(10_000)], writer=writer)
        for writer in (WRITER, other)
    ]
    batch = batch_of([(position(i), one) for i, one in enumerate(frames)])
    runs = [(a, min(a + 4096, end)) for begin, end in ((0, 10_000), (10_000, 20_000)) for a in range(begin, end, 4096)]
    together = {(b.writer, b.block): b.digest for b in digest_blocks(batch, runs)}
    assert len(together) == 6
    for one in frames:
        alone = batch_of([(position(0), one)])
        for block in digest_blocks(alone, [(0, 4096), (4096, 8192), (8192, 10_000)]):
            assert together[one.writer, block.block] == block.digest


def nothing_sealed(writer: UUID, channel: str) -> list[tuple[Block, bytes]]:
    return []


def block_at(number: int) -> Block:
    return Block(WRITER, "metrics", number, number * 4096, 4096, bytes([number]) * 32)


@given(st.permutations(range(6)))
def test_links_do_not_depend_on_the_order_of_arrival(order: list[int]) -> None:
    """Blocks that come early wait for those before them; the chain is the same."""
    chains = Chains(lambda writer, channel: START, nothing_sealed)
    rows = [row for number in order for row in chains.add("p", block_at(number))]
    expected, previous = [], NO_LINK
    for number in range(6):
        previous = link(previous, block_at(number))
        expected.append((number, previous))
    assert [(row[3], row[7]) for row in rows] == expected


def test_a_chain_goes_on_where_the_store_says() -> None:
    """After a restart the chain continues from the store's last link, and a block linked before is left alone."""
    chains = Chains(lambda writer, channel: Head(3, b"x" * 32), nothing_sealed)
    assert chains.add("p", block_at(2)) == []
    (row,) = chains.add("p", block_at(3))
    assert row[7] == link(b"x" * 32, block_at(3))


def test_the_end_of_a_stream_links_over_holes() -> None:
    """When nothing more can come, what waits behind a missing block is linked all the same."""
    chains = Chains(lambda writer, channel: START, nothing_sealed)
    assert chains.add("p", block_at(0))
    assert chains.add("p", block_at(2)) == []
    rows = chains.finish("p", [block_at(3)], WRITER, "metrics")
    assert [row[3] for row in rows] == [2, 3]
    assert rows[0][7] == link(link(NO_LINK, block_at(0)), block_at(2))
    assert rows[1][7] == link(rows[0][7], block_at(3))
