"""Dead letters: what is there, what is in one, and taking it in again, as it is or repaired."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from epochal._settings import Settings
from epochal_processors.decode import CLOCK_AHEAD
from epochal_processors.parcels import Letter, Parcel, ParcelError, as_files, as_frame, from_files, parcel_of
from epochal_processors.replaying import Place, Replay, packed_replays, write_down
from epochal_query.errors import ReadError, UnknownNameError
from epochal_query.reading import Source
from epochal_storage.endpoint import Endpoint, posted
from epochal_storage.location import Embedded, Location

ABOUT, CONTENT = "about.json", "content"
"""The files of a letter that was saved: what is said about it, and its bytes."""
_SOURCE = """
FROM (SELECT * FROM dead_letters FINAL) AS d
LEFT JOIN (SELECT id, max(replayed_at) AS last, argMax(by, replayed_at) AS user FROM replays GROUP BY id) AS r
    ON r.id = d.id
"""
_LISTED = f"""
SELECT toString(d.id) AS id, d.received_at AS received, d.reason AS reason, d.source AS source,
       ifNull(toString(d.writer), '') AS writer, length(d.frame) AS bytes,
       if(toUnixTimestamp64Micro(r.last) = 0, NULL, r.last) AS replayed, d.detail AS detail
{_SOURCE}
WHERE ({{reason:String}} = '' OR d.reason = {{reason:String}})
  AND ({{writer:String}} = '' OR toString(d.writer) = {{writer:String}})
  AND ({{waiting:UInt8}} = 0 OR toUnixTimestamp64Micro(r.last) = 0 AND d.reason != '{CLOCK_AHEAD}')
ORDER BY d.received_at, d.id
"""
_AHEAD = """
SELECT toString(writer) AS writer, max(toUnixTimestamp64Micro(logged_at) - toUnixTimestamp64Micro(recorded_at)) AS by_us
FROM events FINAL
WHERE writer IN (SELECT writer FROM events WHERE logged_at > recorded_at + INTERVAL 60 SECOND)
  AND logged_at > recorded_at + INTERVAL 60 SECOND
GROUP BY writer ORDER BY by_us DESC, writer
"""
_FOUND = f"""
SELECT d.id AS id, d.received_at AS received_at, d.source AS source, d.reason AS reason, d.detail AS detail,
       d.writer AS writer, d.frame AS frame, l.projects AS projects, r.user AS user,
       if(toUnixTimestamp64Micro(r.last) = 0, NULL, r.last) AS replayed_at
{_SOURCE}
LEFT JOIN (
    SELECT writer, groupUniqArray(toString(project)) AS projects FROM ledger WHERE count > 0 AND writer IN (
        SELECT assumeNotNull(writer) FROM dead_letters WHERE startsWith(toString(id), {{id:String}}))
    GROUP BY writer
) AS l ON l.writer = assumeNotNull(d.writer)
WHERE startsWith(toString(d.id), {{id:String}})
"""


@dataclass(frozen=True)
class Found:
    """A dead letter with all that is known of it."""

    letter: Letter
    about: dict[str, Any]

    @property
    def parcel(self) -> Parcel:
        """What is in it. Raises ParcelError: nothing that could be sent again."""
        return parcel_of(self.letter)


def listed(source: Source, reason: str = "", writer: str = "", *, waiting: bool = False) -> pd.DataFrame:
    """One row a dead letter, the oldest first: id, received, reason, source, writer, bytes, replayed, detail.

    The remarks (``attrs["epochal"]``) name whose clock was more than a minute ahead: what they say is taken in, and
    kept here, too, where it was more than a day (``clock ahead``).

    Args:
        source: the store.
        reason: only those with this one.
        writer: only those of this one.
        waiting: only those that were never replayed.
    """
    asked = {"reason": reason, "writer": writer, "waiting": int(waiting)}
    frame: pd.DataFrame = source.query_arrow(_LISTED, asked).to_pandas()
    frame.attrs["epochal"] = {
        "remarks": [
            f"writer {row['writer']}: clock ahead by {row['by_us'] / 1e6:,.0f} s; what it said is taken in and "
            "counts as said when it was recorded"
            for row in source.query_arrow(_AHEAD, {}).to_pylist()
            if writer in ("", row["writer"])
        ]
    }
    return frame


def find(source: Source, id_: str) -> Found:
    """The dead letter whose id begins so.

    Raises:
        UnknownNameError: there is none, or there are several.
    """
    rows = source.query_arrow(_FOUND, {"id": id_.lower()})
    rows = rows.set_column(rows.column_names.index("frame"), "frame", rows["frame"].cast(pa.binary()))
    found = rows.to_pylist()
    if len(found) != 1:
        said = "several dead letters have ids that begin" if found else "no dead letter has an id that begins"
        raise UnknownNameError(f"{said} with {id_!r}; `epochal dead-letters ls` lists them")
    (row,) = found
    projects = row["projects"]
    letter = Letter(
        row["id"], row["source"], row["reason"], row["writer"], row["frame"], projects[0] if projects else ""
    )
    shown = {name: row[name] for name in ("id", "received_at", "reason", "detail", "source", "writer", "replayed_at")}
    return Found(letter, {**shown, "replayed_by": row["user"] or None, "bytes": len(row["frame"])})


def save(found: Found, directory: Path) -> None:
    """Write what is in a letter into a new directory, to be repaired there: `about.json`, and `content` as it is.

    Raises:
        ParcelError: it holds nothing that could be sent again.
        ReadError: the directory is there already, or can't be made.
    """
    about, content = as_files(found.parcel)
    try:
        directory.mkdir(parents=True)
        (directory / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (directory / CONTENT).write_bytes(content)
    except OSError as error:
        raise ReadError(f"the letter can't be written to {directory}: {error}; give a directory of its own") from None


def repaired(directory: Path) -> Parcel:
    """What was repaired in a directory.

    Raises:
        ReadError: it can't be read.
        ParcelError: it makes no sense any more.
    """
    try:
        about: Mapping[str, Any] = json.loads((directory / ABOUT).read_text(encoding="utf-8"))
        content = (directory / CONTENT).read_bytes()
    except (OSError, ValueError) as error:
        raise ReadError(f"{directory} isn't what `epochal dead-letters show --save` wrote: {error}") from None
    return from_files(about, content)


def replays_of(letters: Sequence[Found], repair: Path | None) -> list[Replay]:
    """What is to be taken in again: what the letters hold, or what was repaired of the one letter there is.

    Raises:
        ParcelError: one of them holds nothing that could be taken in, or has nothing to be repaired.
        ReadError: what was repaired can't be read.
    """
    user = getpass.getuser()
    if repair is not None:
        for one in letters:
            if one.letter.reason == CLOCK_AHEAD:
                raise ParcelError(
                    f"dead letter {one.letter.id} was taken in as it is, and counts as said when it was recorded: a "
                    "second version of the event would contradict it. Correct what it says with `epochal correct`"
                )
        return [Replay(letter.letter.id, repaired(repair), True, user) for letter in letters]
    return [Replay(letter.letter.id, letter.parcel, False, user) for letter in letters]


def replay(replays: Sequence[Replay], settings: Settings, where: Location, now_us: int) -> list[Place]:
    """Take replays in again, through Kafka where there is one, else through the host; where each is now.

    What was taken in before changes nothing. It is written down which letters were replayed, when and by whom.

    Raises:
        SendingError: Kafka didn't take them.
        ParcelError: one of them can't be read, which a host is not asked to take.
        ReadError: the store is a server, and EPOCHAL_KAFKA isn't set.
        StoreError: the store refused.
    """
    if settings.kafka is not None:
        return _through_kafka(replays, settings, where, now_us)
    if not isinstance(where, Embedded):
        raise ReadError(f"{where} takes events in from Kafka; set EPOCHAL_KAFKA to send dead letters there again")
    for one in replays:
        as_frame(one.parcel)
    said = posted(_writer(where), "/epochal/replay", body=packed_replays(replays))
    places: Any = said["places"]
    return [(str(log), int(offset)) for log, offset in places]


def _through_kafka(replays: Sequence[Replay], settings: Settings, where: Location, now_us: int) -> list[Place]:
    # here and not at the top: only who has Kafka has its client
    from epochal._host import spawn
    from epochal._kafka.client import connection
    from epochal_processors.sending_again import send_again
    from epochal_storage.remote import open_remote

    prefix = settings.kafka_topic_prefix
    topics = {"lifecycle": f"{prefix}events", "metrics": f"{prefix}metrics"}
    places = send_again(replays, topics, connection(settings))
    store = open_remote(where, spawn)
    try:
        write_down(replays, places, store, now_us)
    finally:
        store.close()
    return places


def _writer(where: Embedded) -> Endpoint:
    from epochal._host import spawn
    from epochal_storage.locate import find_or_start

    return find_or_start(where.directory, "writer", spawn)
