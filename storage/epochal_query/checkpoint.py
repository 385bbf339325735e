"""Checkpoints: the heads of all chains of a store, in a file that can be signed and kept elsewhere.

The format is defined in docs/wire-format.md ("Checkpoints").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

import rfc8785
from pydantic import BaseModel, ValidationError

from epochal_processors.columns import BLOCK_BITS
from epochal_processors.findings import Finding
from epochal_processors.verifying import Verified
from epochal_query.errors import CheckpointError

FORMAT = 1
KIND = "checkpoint"


class _Head(BaseModel):
    project: str
    component: UUID | None
    writer: UUID
    channel: str
    blocks: int
    rows: int
    link: str


class _Checkpoint(BaseModel):
    format: Literal[1]
    made_at: str
    watermark: dict[str, int]
    logs: dict[str, dict[int, str]]
    streams: list[_Head]


def checkpoint_of(verified: Verified, watermark: Mapping[str, int], made_at: str) -> dict[str, Any]:
    """The heads of all chains at a watermark; ``verified`` has them."""
    return {
        "epochal": KIND,
        "format": FORMAT,
        "made_at": made_at,
        "watermark": dict(sorted(watermark.items())),
        "logs": {
            log: {str(number): digest.hex() for number, digest in pieces.items()}
            for log, pieces in sorted(verified.pieces.items())
        },
        "streams": [
            {
                "project": at.project,
                "component": None if at.component is None else str(at.component),
                "writer": str(key.writer),
                "channel": key.channel,
                "blocks": head.blocks,
                "rows": head.rows,
                "link": head.link.hex(),
            }
            for key, (at, head) in sorted(verified.heads.items())
            if head.blocks
        ],
    }


def signed_bytes(document: Mapping[str, Any]) -> bytes:
    """What a signature is made of: the document without it, as RFC 8785 writes JSON."""
    return rfc8785.dumps({name: value for name, value in document.items() if name != "signature"})


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint in a file.

    Raises:
        CheckpointError: it can't be read, is none, or is of a newer format.
    """
    try:
        found: Any = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} can't be read as a checkpoint: {error}") from error
    document = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if document.get("epochal") != KIND:
        raise CheckpointError(f"{path} is no checkpoint: `epochal checkpoint FILE` writes one")
    if isinstance(document.get("format"), int) and document["format"] > FORMAT:
        raise CheckpointError(
            f"{path} has format {document['format']}, this version reads up to {FORMAT}: upgrade epochal"
        )
    try:
        _Checkpoint.model_validate(document)
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"]))
        raise CheckpointError(f"{path} is damaged: {wrong} can't be read; take another copy of it") from error
    return document


def write_checkpoint(document: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint to a new file.

    Raises:
        CheckpointError: there is a file already, or it can't be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
            file.write("\n")
    except FileExistsError:
        raise CheckpointError(f"{path} exists already, and checkpoints are kept: choose another name") from None
    except OSError as error:
        raise CheckpointError(f"{path} can't be written: {error}") from error


def compared(document: Mapping[str, Any], verified: Verified) -> Iterator[Finding]:
    """What of the store differs from a checkpoint; ``verified`` has the heads at its watermark."""
    heads = {(str(key.writer), key.channel): (at, head) for key, (at, head) in verified.heads.items()}
    erased = {(str(key.writer), key.channel) for key in verified.erased}
    for one in document["streams"]:
        if (one["writer"], one["channel"]) in erased:
            continue  # tombstones say that they are gone, and the chain of their digests was followed
        at, head = heads.get((one["writer"], one["channel"]), (None, None))
        if head is not None and (head.link.hex(), head.rows, head.blocks) == (one["link"], one["rows"], one["blocks"]):
            continue
        component = (at.component if at else None) or (UUID(one["component"]) if one["component"] else None)
        have = f"{head.rows:,} in {head.blocks:,} blocks" if head else "none"
        what = (
            f"they aren't those of the checkpoint of {document['made_at']}: it has {one['rows']:,} rows in "
            f"{one['blocks']:,} blocks, the store {have} up to its watermark"
        )
        last = max(one["rows"] - 1, 0)
        yield Finding(one["project"], component, UUID(one["writer"]), one["channel"], 0, last, what)
    for log, pieces in document["logs"].items():
        found = verified.pieces.get(log, {})
        for number in sorted(map(int, pieces)):
            digest = found.get(number)
            if digest is None or digest.hex() != pieces[str(number)]:
                last = min(((number + 1) << BLOCK_BITS) - 1, document["watermark"].get(log, 0))
                what = f"the ledger isn't that of the checkpoint of {document['made_at']} here"
                yield Finding("", None, None, "", number << BLOCK_BITS, last, what, log)
