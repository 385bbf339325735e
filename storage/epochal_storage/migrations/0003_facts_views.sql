-- The fold over facts: what counts within the bounds, after lives, and which statement holds each cell.
-- Every view `<noun>_at` takes two texts: as_of (a time; '' = no bound; what was true then) and known_at
-- (a time, or a watermark: JSON text {"<log>": offset}; '' = no bound; what the system knew then).
-- Bounds are applied after FINAL: FINAL has to see every copy to keep the first one.
-- Rollback: drop the views; nothing is stored in them.

CREATE OR REPLACE VIEW {database}.facts_at {on_cluster} AS
SELECT
    project, kind, field, entity, key,
    removed, value, type, number, text, rank,
    logged_at, occurred_at, recorded_at,
    -- a clock more than a minute ahead of the log counts as the log's
    if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, logged_at) AS ordered_at,
    -- ordered_at (from 1900 on), writer, seq, ord in one number that compares as they do
    bitShiftLeft(toUInt256(toUnixTimestamp64Micro(ordered_at) + 2208988800000000), 202)
        + bitShiftLeft(toUInt256(toUInt128(writer)), 74)
        + bitShiftLeft(toUInt256(seq), 32) + ord AS place,
    writer, seq, ord, log, offset
FROM {database}.facts FINAL
WHERE ({as_of:String} = ''
       OR occurred_at <= parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')
       OR recorded_at <= parseDateTime64BestEffort(
            if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
  AND (NOT startsWith({known_at:String}, '{')
       OR (JSONHas({known_at:String}, log) AND offset <= JSONExtractUInt({known_at:String}, log)));

CREATE OR REPLACE VIEW {database}.lives_at {on_cluster} AS
SELECT
    project, kind, entity,
    -- the greatest place of a deletion that was not restored; statements up to it are hidden
    arrayMax(arrayPushFront(
        arrayMap(d -> d.2, arrayFilter(d -> NOT has(restored, d.1), deletions)), toUInt256(0))) AS horizon,
    last_opened > horizon AS alive,
    arrayFilter(d -> NOT has(restored, d.1), deletions) AS standing_deletions
FROM (
    SELECT
        project, kind, entity,
        maxIf(place, field = 'opened') AS last_opened,
        groupArrayIf((key, place, value), field = 'deleted') AS deletions,
        groupUniqArrayIf(key, field = 'restored') AS restored
    FROM {database}.facts_at(as_of = {as_of:String}, known_at = {known_at:String})
    WHERE field IN ('opened', 'deleted', 'restored')
    GROUP BY project, kind, entity
);

CREATE OR REPLACE VIEW {database}.statements_at {on_cluster} AS
SELECT
    f.project AS project, f.kind AS kind, f.entity AS entity, f.field AS field, f.key AS key,
    f.removed AS removed, f.value AS value, f.type AS type, f.number AS number, f.text AS text, f.rank AS rank,
    f.logged_at AS logged_at, f.occurred_at AS occurred_at, f.recorded_at AS recorded_at,
    f.ordered_at AS ordered_at, f.place AS place,
    f.writer AS writer, f.seq AS seq, f.ord AS ord, f.log AS log, f.offset AS offset
FROM {database}.facts_at(as_of = {as_of:String}, known_at = {known_at:String}) AS f
INNER JOIN {database}.lives_at(as_of = {as_of:String}, known_at = {known_at:String}) AS l
    ON f.project = l.project AND f.kind = l.kind AND f.entity = l.entity
WHERE l.alive AND f.place > l.horizon AND f.field NOT IN ('deleted', 'restored');

CREATE OR REPLACE VIEW {database}.cells_at {on_cluster} AS
SELECT
    project, kind, entity, field, key,
    argMax(s.value, s.place) AS value,
    argMax(s.type, s.place) AS type,
    -- argMax passes over NULLs, so the null-ness is carried beside the number
    if(argMax(isNull(s.number), s.place), NULL, argMax(ifNull(s.number, 0), s.place)) AS number,
    argMax(s.text, s.place) AS text,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.recorded_at, s.place) AS recorded_at,
    max(s.place) AS place,
    min(s.ordered_at) AS first_said_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
GROUP BY project, kind, entity, field, key
HAVING NOT argMax(s.removed, s.place);
