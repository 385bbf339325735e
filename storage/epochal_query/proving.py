"""Verifying a store, and making checkpoints of it: what is asked of the processors, and what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from epochal_processors.findings import Finding
from epochal_processors.intake import IntakeError, all_taken
from epochal_processors.ledger_check import INTAKE
from epochal_processors.verifying import Asked, Verified, verify
from epochal_query.checkpoint import checkpoint_of, compared, read_checkpoint
from epochal_query.columns import ids
from epochal_query.connection import Opened
from epochal_query.errors import CheckpointError
from epochal_query.reading import Reading, at
from epochal_query.resolve import Entity, resolve_any
from epochal_query.scope import scope_of
from epochal_query.signing import check_signature, signed
from epochal_query.times import Watermark
from epochal_query.verification import Verification, names_of, verification
from epochal_storage.archive import Progress
from epochal_storage.locate import store_id
from epochal_storage.log_ends import log_ends


def verified(
    opened: Opened,
    reading: Reading,
    given: object,
    checkpoint: Path | None,
    public_key: Path | None,
    progress: Progress,
) -> Verification:
    """A verification of the entire store, or of what ``given`` means, by itself and against a checkpoint.

    Raises:
        UnknownNameError: nothing is meant, or several things are.
        CheckpointError: the checkpoint can't be read or trusted, or only a part of the store was asked for.
    """
    if checkpoint is None and public_key is not None:
        raise CheckpointError("a public key is for a checkpoint: give one, too")
    if checkpoint is not None and given is not None:
        raise CheckpointError("a checkpoint is of an entire store: leave out what else is to be verified")
    document = None if checkpoint is None else read_checkpoint(checkpoint)
    signer = "" if document is None else check_signature(document, public_key)
    entity = None if given is None else resolve_any(reading, given)
    watermark = _reached(reading)
    only = None if entity is None else _only(reading, entity)
    heads_at = None if document is None else document["watermark"]
    found, vouched = _verified(opened, reading, watermark, only, heads_at, progress)
    findings = found.findings
    said = ""
    if document is not None:
        findings = [*findings, *compared(document, found)]
        said = f"{checkpoint} of {document['made_at']}, {len(document['streams']):,} streams, {signer}"
    about = "the entire store" if entity is None else f"{entity.kind} {entity.name} ({entity.id})"
    names = names_of(reading.source, findings)
    return verification(about, findings, found.totals, names, watermark, vouched, said)


def new_checkpoint(
    opened: Opened, reading: Reading, made_at: datetime, key: Path | None, progress: Progress
) -> dict[str, Any]:
    """A checkpoint of the entire store, which is verified for it; signed where there is a key.

    Raises:
        CheckpointError: the store isn't sound, or the key can't be used.
    """
    watermark = _reached(reading)
    found, _ = _verified(opened, reading, watermark, None, watermark, progress)
    if found.findings:
        raise CheckpointError(
            f"no checkpoint is made of a store that isn't sound (findings: {len(found.findings):,}); "
            "`epochal verify` names them"
        )
    document = checkpoint_of(found, watermark, made_at.isoformat())
    return document if key is None else signed(document, key)


def _reached(reading: Reading) -> Watermark:
    """How far every log is in the store; of those that the reading knows of, as far as it goes."""
    ends = log_ends(lambda sql: reading.source.query_arrow(sql, fresh=False))
    return {**ends, **{log: end for log, end in reading.watermark.items() if log in ends}}


def _verified(
    opened: Opened,
    reading: Reading,
    watermark: Watermark,
    only: set[UUID] | None,
    heads_at: Watermark | None,
    progress: Progress,
) -> tuple[Verified, Collection[str]]:
    """The store verified, an embedded one against its intake, too (its host took all of it in before it answered), and
    the logs whose intake that was.
    """

    def query(sql: str, parameters: Mapping[str, object]) -> pa.Table:
        return reading.source.query_arrow(sql, parameters, fresh=False)

    own = "" if opened.directory is None else f"{INTAKE}{store_id(opened.directory) or ''}"
    taken: dict[str, npt.NDArray[np.void]] = {}
    findings: list[Finding] = []
    if opened.directory is not None and own in watermark and only is None:
        try:
            taken[own] = all_taken(opened.directory / "intake" / "intake.log", UUID(own.removeprefix(INTAKE)))
        except (OSError, IntakeError) as error:
            findings.append(Finding("", None, None, "", 0, watermark[own], f"the intake can't be read: {error}", own))
    # what ended up to the watermark is sealed when the host has been asked once more
    reading.source.watermark()
    found = verify(query, Asked(watermark, only, {own}, heads_at, taken), progress)
    return replace(found, findings=[*findings, *found.findings]), taken.keys()


def _only(reading: Reading, entity: Entity) -> set[UUID]:
    """The components that belong to an entity, and whoever said anything of it, of its trials or of them."""
    trials: list[str] = []
    if entity.kind == "component":
        components = [str(entity.id)]
    else:
        owner = (entity.id, None) if entity.kind == "experiment" else (None, entity.id)
        scope = scope_of(reading, *owner)
        sql = f"SELECT DISTINCT component FROM {at('memberships')} WHERE project = {{project:String}} AND {scope.sql}"
        components = [str(one) for one in ids(reading.rows(sql, **scope.parameters), "component")]
    if entity.kind == "experiment":
        sql = f"""SELECT trial FROM {at("trials")}
                  WHERE project = {{project:String}} AND experiment = {{experiment:UUID}}"""
        trials = [str(one) for one in ids(reading.rows(sql, experiment=str(entity.id)), "trial")]
    said = "SELECT DISTINCT writer FROM facts WHERE project = {project:String} AND entity IN {entities:Array(UUID)}"
    table = reading.rows(said, entities=[str(entity.id), *components, *trials])
    return {*map(UUID, components), *ids(table, "writer")}
