-- The views that fold the log. Each takes two texts: as_of (a time: what was true then) and known_at (a time, or a
-- watermark as JSON text {"<log>": offset}: what the system knew then); '' is no bound. Times without a zone are UTC.
-- Made from views.sql by `python -m epochal_storage.views_sql`: change that, not this.
-- Rollback: drop the views; nothing is stored in them.

CREATE OR REPLACE VIEW {database}.statements_at {on_cluster} AS
SELECT
    s.project AS project, s.kind AS kind, s.field AS field, s.entity AS entity, s.key AS key,
    s.removed AS removed, s.value AS value, s.type AS type, s.number AS number, s.text AS text, s.rank AS rank,
    s.logged_at AS logged_at, s.occurred_at AS occurred_at, s.recorded_at AS recorded_at,
    s.ordered_at AS ordered_at, s.place AS place,
    s.writer AS writer, s.seq AS seq, s.ord AS ord, s.log AS log, s.offset AS offset
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.field NOT IN ('deleted', 'restored', 'corrected', 'undone') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
);

CREATE OR REPLACE VIEW {database}.cells_at {on_cluster} AS
SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity, s.field AS field, s.key AS key,
    argMax(s.value, s.place) AS value,
    argMax(s.type, s.place) AS type,
    -- argMax passes over NULLs
    if(type IN ('number', 'bool'), argMax(ifNull(s.number, 0), s.place), NULL) AS number,
    argMax(s.text, s.place) AS text,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.recorded_at, s.place) AS recorded_at,
    max(s.place) AS place,
    min(s.ordered_at) AS first_said_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.field NOT IN ('deleted', 'restored', 'corrected', 'undone') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.kind, s.entity, s.field, s.key
HAVING NOT argMax(s.removed, s.place);

CREATE OR REPLACE VIEW {database}.experiments_at {on_cluster} AS
WITH argMaxIf(s.value, s.place, s.key = 'verdict') AS concluded
SELECT
    s.project AS project, s.entity AS experiment,
    JSONExtractString(argMaxIf(s.value, s.place, s.field = 'opened'), 'name') AS name,
    argMaxIf(s.text, s.place, s.key = 'hypothesis') AS hypothesis,
    argMaxIf(s.text, s.place, s.key = 'objective') AS objective,
    argMaxIf(s.value, s.place, s.key = 'variables') AS variables,
    JSONExtractString(concluded, 'verdict') AS verdict,
    JSONExtractString(concluded, 'note') AS verdict_note,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'experiment' AND s.field IN ('opened', 'attr', 'note') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity
HAVING true;

CREATE OR REPLACE VIEW {database}.trials_at {on_cluster} AS
WITH argMaxIf(s.value, s.place, s.field = 'opened') AS opening
SELECT
    s.project AS project, s.entity AS trial,
    toUUIDOrZero(JSONExtractString(opening, 'experiment')) AS experiment,
    argMaxIf(s.text, s.place, s.field = 'attr' AND s.key = 'name') AS name,
    JSONExtractRaw(opening, 'variables') AS variables,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'trial' AND s.field IN ('opened', 'attr', 'note') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity
HAVING true;

CREATE OR REPLACE VIEW {database}.memberships_at {on_cluster} AS
SELECT
    s.project AS project, s.entity AS component, toUUIDOrZero(s.key) AS trial,
    argMax(s.occurred_at, s.place) AS attached_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'member' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    AND (s.project, toUUIDOrZero(s.key)) IN (
    SELECT project, entity
    FROM (
    SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
    )
    WHERE kind = 'trial'
)
GROUP BY s.project, s.entity, s.key
HAVING NOT argMax(s.removed, s.place);

CREATE OR REPLACE VIEW {database}.params_at {on_cluster} AS
SELECT
    project, component, path, value, type, number, text, logged_at, occurred_at, writer, seq
FROM (
    SELECT
        s.project AS project, s.entity AS component, s.key AS path,
        argMax(s.value, s.place) AS value,
        argMax(s.type, s.place) AS type,
        if(type IN ('number', 'bool'), argMax(ifNull(s.number, 0), s.place), NULL) AS number,
        argMax(s.text, s.place) AS text,
        argMax(s.logged_at, s.place) AS logged_at,
        argMax(s.occurred_at, s.place) AS occurred_at,
        argMax(s.writer, s.place) AS writer,
        argMax(s.seq, s.place) AS seq
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'param'  AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity, s.key
    HAVING NOT argMax(s.removed, s.place)
)
WHERE (project, component, path) NOT IN (
SELECT upper.project, upper.entity, if(lower.said > upper.place, upper.key, lower.key)
FROM (
    SELECT s.project AS project, s.entity AS entity, s.key AS key, max(s.place) AS place
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'param'  AND (s.project, s.entity) IN (
    SELECT project, entity
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'param' AND position(key, '.') > 0
) AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity, s.key
) AS upper
INNER JOIN (
    SELECT
        s.project AS project, s.entity AS entity, s.key AS key,
        max(s.place) AS place, maxIf(s.place, NOT s.removed) AS said,
        -- escaped characters are masked: every dot that is left is a border between parts
        replaceAll(replaceAll(s.key, '\\\\', '\0\0'), '\\.', '\0\0') AS masked,
        arrayJoin(arrayMap(n -> substring(s.key, 1, n),
                           arrayFilter(n -> substring(masked, n + 1, 1) = '.', range(length(masked))))) AS above
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'param' AND position(s.key, '.') > 0  AND (s.project, s.entity) IN (
    SELECT project, entity
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'param' AND position(key, '.') > 0
) AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity, s.key
) AS lower ON upper.project = lower.project AND upper.entity = lower.entity AND upper.key = lower.above
WHERE lower.said > upper.place OR upper.place > lower.place
);

CREATE OR REPLACE VIEW {database}.tags_at {on_cluster} AS
SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity, s.key AS tag,
    argMax(s.value, s.place) AS value,
    argMax(s.type, s.place) AS type,
    if(type IN ('number', 'bool'), argMax(ifNull(s.number, 0), s.place), NULL) AS number,
    argMax(s.text, s.place) AS text,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.field = 'tag' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.kind, s.entity, s.key
HAVING NOT argMax(s.removed, s.place);

CREATE OR REPLACE VIEW {database}.notes_at {on_cluster} AS
SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity,
    argMax(s.text, s.place) AS note,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.field = 'note' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.kind, s.entity;

CREATE OR REPLACE VIEW {database}.definitions_at {on_cluster} AS
SELECT
    project, component, key AS metric,
    JSONExtract(json, 'step', 'Nullable(String)') AS step_metric,
    JSONExtract(json, 'goal', 'Nullable(String)') AS goal,
    JSONExtract(json, 'summary', 'Nullable(String)') AS summary,
    logged_at, occurred_at
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'define' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
);

CREATE OR REPLACE VIEW {database}.artifacts_at {on_cluster} AS
SELECT
    project, component,
    substring(key, 1, position(key, '/') - 1) AS direction,
    substring(key, position(key, '/') + 1) AS name,
    JSONExtract(json, 'uri', 'Nullable(String)') AS uri,
    JSONExtract(json, 'digest', 'Nullable(String)') AS digest,
    JSONExtract(json, 'media_type', 'Nullable(String)') AS media_type,
    JSONExtract(json, 'size', 'Nullable(UInt64)') AS size,
    JSONExtractBool(json, 'stored')::Bool AS stored,
    -- what lineage joins on: the content where it is known, else the place, else nothing but this one mention
    coalesce(digest, uri, concat(toString(component), '/', key)) AS artifact,
    logged_at, occurred_at, writer, seq
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'artifact' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
);

CREATE OR REPLACE VIEW {database}.artifact_failures_at {on_cluster} AS
SELECT
    project, component,
    substring(key, 1, position(key, '/') - 1) AS direction,
    substring(key, position(key, '/') + 1) AS name,
    JSONExtractString(json, 'reason') AS reason,
    logged_at, occurred_at
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'artifact_failed' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
);

CREATE OR REPLACE VIEW {database}.actions_at {on_cluster} AS
SELECT
    s.project AS project, s.entity AS action,
    JSONExtractString(argMaxIf(s.value, s.place, s.field = 'opened'), 'name') AS name,
    argMaxIf(s.text, s.place, s.key = 'type') AS type,
    argMaxIf(s.value, s.place, s.key = 'properties') AS properties,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'action' AND s.field IN ('opened', 'attr', 'note') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity
HAVING true;

CREATE OR REPLACE VIEW {database}.contexts_at {on_cluster} AS
SELECT
    s.project AS project, s.entity AS context,
    JSONExtractString(argMaxIf(s.value, s.place, s.field = 'opened'), 'name') AS name,
    argMaxIf(s.text, s.place, s.key = 'type') AS type,
    argMaxIf(s.value, s.place, s.key = 'properties') AS properties,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'context' AND s.field IN ('opened', 'attr', 'note') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity
HAVING true;

CREATE OR REPLACE VIEW {database}.associations_at {on_cluster} AS
SELECT *
FROM (
SELECT
    project, association,
    JSONExtractString(ends, 'relation') AS relation,
    JSONExtractString(ends, 'source_kind') AS source_kind, JSONExtractString(ends, 'source') AS source,
    JSONExtractString(ends, 'target_kind') AS target_kind, JSONExtractString(ends, 'target') AS target,
    logged_at, occurred_at, writer, seq
FROM (
    SELECT
        s.project AS project, s.entity AS association,
        argMaxIf(s.value, s.place, s.field = 'ends') AS ends,
        argMaxIf(s.removed, s.place, s.field = 'ends') AS ended,
        argMaxIf(s.logged_at, s.place, s.field = 'ends') AS logged_at,
        argMaxIf(s.occurred_at, s.place, s.field = 'ends') AS occurred_at,
        argMaxIf(s.writer, s.place, s.field = 'ends') AS writer,
        argMaxIf(s.seq, s.place, s.field = 'ends') AS seq
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'association' AND s.field IN ('opened', 'ends') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity
    HAVING true AND NOT ended
)
)
WHERE (source_kind = 'artifact' OR (project, source_kind, toUUIDOrZero(source)) IN (SELECT project, kind, entity
FROM (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
)
WHERE entity IN (
    SELECT arrayJoin([
        toUUIDOrZero(JSONExtractString(value, 'source')), toUUIDOrZero(JSONExtractString(value, 'target'))])
    FROM {database}.facts
    WHERE kind = 'association' AND field = 'ends'
)))
  AND (target_kind = 'artifact' OR (project, target_kind, toUUIDOrZero(target)) IN (SELECT project, kind, entity
FROM (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
)
WHERE entity IN (
    SELECT arrayJoin([
        toUUIDOrZero(JSONExtractString(value, 'source')), toUUIDOrZero(JSONExtractString(value, 'target'))])
    FROM {database}.facts
    WHERE kind = 'association' AND field = 'ends'
)));

CREATE OR REPLACE VIEW {database}.edges_at {on_cluster} AS
SELECT
    project, component, artifact,
    if(direction = 'out', 'Produced', 'ContributedTo') AS relation,
    if(direction = 'out', toString(component), artifact) AS source,
    if(direction = 'out', 'component', 'artifact') AS source_kind,
    if(direction = 'out', artifact, toString(component)) AS target,
    if(direction = 'out', 'artifact', 'component') AS target_kind,
    name, digest, uri, media_type, occurred_at
FROM (
SELECT
    project, component,
    substring(key, 1, position(key, '/') - 1) AS direction,
    substring(key, position(key, '/') + 1) AS name,
    JSONExtract(json, 'uri', 'Nullable(String)') AS uri,
    JSONExtract(json, 'digest', 'Nullable(String)') AS digest,
    JSONExtract(json, 'media_type', 'Nullable(String)') AS media_type,
    JSONExtract(json, 'size', 'Nullable(UInt64)') AS size,
    JSONExtractBool(json, 'stored')::Bool AS stored,
    -- what lineage joins on: the content where it is known, else the place, else nothing but this one mention
    coalesce(digest, uri, concat(toString(component), '/', key)) AS artifact,
    logged_at, occurred_at, writer, seq
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'artifact' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
)
)
UNION ALL
-- one edge, whoever says it: a fork, an association, or several
SELECT
    a.project AS project, max(a.component) AS component, '' AS artifact,
    a.relation AS relation, a.source AS source, a.source_kind AS source_kind,
    a.target AS target, a.target_kind AS target_kind,
    '' AS name, NULL AS digest, NULL AS uri, NULL AS media_type, min(a.occurred_at) AS occurred_at
FROM (
    SELECT
        project, component, 'DerivedFrom' AS relation,
        JSONExtractString(fork.2, 'of') AS source, 'component' AS source_kind,
        toString(component) AS target, 'component' AS target_kind, fork.3 AS occurred_at
    FROM (
    SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
    )
    UNION ALL
    SELECT
        project, toUUID('00000000-0000-0000-0000-000000000000') AS component,
        relation, source, source_kind, target, target_kind, occurred_at
    FROM (
    SELECT *
FROM (
SELECT
    project, association,
    JSONExtractString(ends, 'relation') AS relation,
    JSONExtractString(ends, 'source_kind') AS source_kind, JSONExtractString(ends, 'source') AS source,
    JSONExtractString(ends, 'target_kind') AS target_kind, JSONExtractString(ends, 'target') AS target,
    logged_at, occurred_at, writer, seq
FROM (
    SELECT
        s.project AS project, s.entity AS association,
        argMaxIf(s.value, s.place, s.field = 'ends') AS ends,
        argMaxIf(s.removed, s.place, s.field = 'ends') AS ended,
        argMaxIf(s.logged_at, s.place, s.field = 'ends') AS logged_at,
        argMaxIf(s.occurred_at, s.place, s.field = 'ends') AS occurred_at,
        argMaxIf(s.writer, s.place, s.field = 'ends') AS writer,
        argMaxIf(s.seq, s.place, s.field = 'ends') AS seq
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'association' AND s.field IN ('opened', 'ends') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity
    HAVING true AND NOT ended
)
)
WHERE (source_kind = 'artifact' OR (project, source_kind, toUUIDOrZero(source)) IN (SELECT project, kind, entity
FROM (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
)
WHERE entity IN (
    SELECT arrayJoin([
        toUUIDOrZero(JSONExtractString(value, 'source')), toUUIDOrZero(JSONExtractString(value, 'target'))])
    FROM {database}.facts
    WHERE kind = 'association' AND field = 'ends'
)))
  AND (target_kind = 'artifact' OR (project, target_kind, toUUIDOrZero(target)) IN (SELECT project, kind, entity
FROM (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
)
WHERE entity IN (
    SELECT arrayJoin([
        toUUIDOrZero(JSONExtractString(value, 'source')), toUUIDOrZero(JSONExtractString(value, 'target'))])
    FROM {database}.facts
    WHERE kind = 'association' AND field = 'ends'
)))
    )
) AS a
GROUP BY a.project, a.relation, a.source, a.source_kind, a.target, a.target_kind;

CREATE OR REPLACE VIEW {database}.environments_at {on_cluster} AS
SELECT
    project, component,
    toUInt32OrZero(substring(key, 1, position(key, '/') - 1)) AS rank,
    substring(key, position(key, '/') + 1) AS section,
    json AS values,
    logged_at, occurred_at, writer, seq
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'env' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
) AS e;

CREATE OR REPLACE VIEW {database}.alerts_at {on_cluster} AS
SELECT
    project, component, key AS event,
    JSONExtractString(json, 'title') AS title,
    JSONExtractString(json, 'text') AS text,
    JSONExtractString(json, 'level') AS level,
    rank, logged_at, occurred_at
FROM (
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'alert' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.key
);

CREATE OR REPLACE VIEW {database}.writers_at {on_cluster} AS
SELECT
    u.project AS project, u.component AS component, u.writer AS writer,
    toUInt32(JSONExtractUInt(u.opening, 'rank')) AS rank,
    JSONExtractString(u.opening, 'attempt') AS attempt,
    JSONExtractString(u.opening, 'role') AS role,
    toUInt32(JSONExtractUInt(u.opening, 'world_size')) AS world_size,
    JSONExtractFloat(u.opening, 'heartbeat_s') AS heartbeat_s,
    u.opened_at AS opened_at,
    u.last_seen AS last_seen,
    if(u.has_closed, u.closed_at, NULL) AS closed_at,
    multiIf(u.has_closed, 'closed', u.has_vanished AND NOT u.came_back, 'vanished', 'open') AS ended,
    u.greatest_seq AS greatest_seq,
    JSONExtractUInt(u.counted, 'lifecycle') AS lifecycle,
    JSONExtractUInt(u.counted, 'metrics') AS metrics,
    JSONExtractRaw(u.counted, 'lost') AS lost,
    arraySum(x -> x.2, JSONExtractKeysAndValues(u.counted, 'lost', 'UInt64')) AS lost_count,
    JSONExtractString(u.opening, 'host') AS host,
    JSONExtractUInt(u.opening, 'pid') AS pid,
    JSONExtractString(u.opening, 'user') AS user,
    JSONExtract(u.opening, 'command', 'Array(String)') AS command,
    JSONExtractString(u.opening, 'python') AS python,
    JSONExtractString(u.opening, 'version') AS version,
    JSONExtractRaw(u.opening, 'launcher') AS launcher,
    a.ahead AS clock_ahead
FROM (
SELECT
        s.project AS project, s.entity AS component, s.unit.1 AS writer, s.unit.2 AS run,
        argMaxIf(s.value, s.place, s.field = 'writer') AS opening,
        minIf(s.place, s.field = 'writer') AS opened_place,
        minIf(s.occurred_at, s.field = 'writer') AS opened_at,
        -- what the host says of a writer is no sign of its life
        maxIf(s.ordered_at, s.field != 'vanished') AS last_seen,
        maxIf(s.seq, s.field != 'vanished') AS greatest_seq,
        countIf(s.field = 'closed') > 0 AS has_closed,
        maxIf(s.occurred_at, s.field = 'closed') AS closed_at,
        countIf(s.field = 'vanished') > 0 AS has_vanished,
        JSONExtractUInt(argMaxIf(s.value, s.place, s.field = 'vanished'), 'lifecycle') <= greatest_seq AS came_back,
        argMaxIf(s.value, s.place, s.field IN ('heartbeat', 'closed', 'vanished')) AS counted,
        minIf(s.place, s.field = 'started') AS started_place,
        minIf(s.occurred_at, s.field = 'started') AS started,
        maxIf(JSONExtractUInt(if(s.field = 'started', s.value, ''), 'world_size'), s.field = 'started') AS world_size,
        argMaxIf(s.value, s.place, s.field = 'finished') AS finish,
        maxIf(s.place, s.field = 'finished') AS finished_place,
        argMaxIf(s.occurred_at, s.place, s.field = 'finished') AS ended
    FROM (
        SELECT
            s.project AS project, s.entity AS entity, s.field AS field, s.key AS key, s.value AS value,
            s.occurred_at AS occurred_at, s.ordered_at AS ordered_at, s.place AS place, s.seq AS seq,
            arrayJoin(multiIf(
                s.field IN ('started', 'finished'),
                [(s.writer, ''), (toUUID('00000000-0000-0000-0000-000000000000'), s.key)],
                s.field = 'vanished', [(toUUIDOrZero(s.key), '')],
                [(s.writer, '')])) AS unit
        FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field IN ('started', 'finished', 'writer', 'heartbeat', 'closed', 'vanished') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    GROUP BY project, component, writer, run
) AS u
LEFT JOIN (
SELECT
    e.project AS project, e.writer AS writer,
    max(toUnixTimestamp64Micro(e.logged_at) - toUnixTimestamp64Micro(e.recorded_at)) / 1000000 AS ahead
FROM {database}.events AS e FINAL
WHERE e.writer IN (SELECT writer FROM {database}.events WHERE logged_at > recorded_at + INTERVAL 60 SECOND)
  AND e.logged_at > e.recorded_at + INTERVAL 60 SECOND
  AND ({as_of:String} = '' OR e.recorded_at <= parseDateTime64BestEffort(
       if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR e.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR e.offset <= JSONExtract({known_at:String}, e.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY e.project, e.writer
) AS a ON u.project = a.project AND u.writer = a.writer
WHERE u.opening != '';

CREATE OR REPLACE VIEW {database}.attempts_at {on_cluster} AS
SELECT
    project, component, rank, attempt,
    row_number() OVER (PARTITION BY project, component, rank ORDER BY a.started_place) AS number,
    a.newest::Bool AS newest,
    a.started AS started,
    toUInt32(a.world_size) AS world_size,
    if(a.said_status = '', NULL, a.ended) AS ended,
    a.status AS status,
    JSONExtractString(a.finish, 'error', 'type') AS error_type,
    JSONExtractString(a.finish, 'error', 'message') AS error_message
FROM (
SELECT
        project, component, rank, attempt,
        maxIf(u.started_place, u.is_run) AS started_place,
        started_place > 0 AND started_place = max(started_place) OVER (PARTITION BY project, component, rank) AS newest,
        maxIf(u.started, u.is_run) AS started,
        maxIf(u.world_size, u.is_run) AS world_size,
        maxIf(u.finish, u.is_run) AS finish,
        JSONExtractString(finish, 'status') AS said_status,
        maxIf(u.ended, u.is_run) AS ended,
        multiIf(said_status != '', said_status, countIf(u.is_main) = 0 OR countIf(u.is_main AND u.living) > 0, 'running',
                'lost') AS status,
        minIf(u.opened_place, u.is_main) AS opened_place,
        argMinIf(JSONExtractString(u.opening, 'user'), u.opened_place, u.is_main) AS created_by,
        argMinIf(JSONExtractString(u.opening, 'host'), u.opened_place, u.is_main) AS host,
        maxIf(u.last_seen, NOT u.is_run) AS last_seen,
        countIf(NOT u.is_run) AS writers,
        sum(arraySum(x -> x.2, JSONExtractKeysAndValues(u.counted, 'lost', 'UInt64'))) AS lost
    FROM (
        SELECT
            *,
            run != '' AS is_run,
            toUInt32(if(is_run, toUInt64OrZero(substring(run, 1, position(run, '/') - 1)),
                        JSONExtractUInt(opening, 'rank'))) AS rank,
            if(is_run, substring(run, position(run, '/') + 1), JSONExtractString(opening, 'attempt')) AS attempt,
            JSONExtractString(opening, 'role') = 'main' AS is_main,
            if(has_vanished, came_back,
               toUnixTimestamp64Micro(last_seen)
               + greatest(60000000, toInt64(trunc(3 * JSONExtractFloat(opening, 'heartbeat_s') * 1000000)))
               >= toUnixTimestamp64Micro(if({as_of:String} = '' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')),
                  now64(6, 'UTC'),
                  least(
                      parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'),
                      parseDateTime64BestEffort(
                          if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}),
                          6, 'UTC'))))) AS living
        FROM (
        SELECT
        s.project AS project, s.entity AS component, s.unit.1 AS writer, s.unit.2 AS run,
        argMaxIf(s.value, s.place, s.field = 'writer') AS opening,
        minIf(s.place, s.field = 'writer') AS opened_place,
        minIf(s.occurred_at, s.field = 'writer') AS opened_at,
        -- what the host says of a writer is no sign of its life
        maxIf(s.ordered_at, s.field != 'vanished') AS last_seen,
        maxIf(s.seq, s.field != 'vanished') AS greatest_seq,
        countIf(s.field = 'closed') > 0 AS has_closed,
        maxIf(s.occurred_at, s.field = 'closed') AS closed_at,
        countIf(s.field = 'vanished') > 0 AS has_vanished,
        JSONExtractUInt(argMaxIf(s.value, s.place, s.field = 'vanished'), 'lifecycle') <= greatest_seq AS came_back,
        argMaxIf(s.value, s.place, s.field IN ('heartbeat', 'closed', 'vanished')) AS counted,
        minIf(s.place, s.field = 'started') AS started_place,
        minIf(s.occurred_at, s.field = 'started') AS started,
        maxIf(JSONExtractUInt(if(s.field = 'started', s.value, ''), 'world_size'), s.field = 'started') AS world_size,
        argMaxIf(s.value, s.place, s.field = 'finished') AS finish,
        maxIf(s.place, s.field = 'finished') AS finished_place,
        argMaxIf(s.occurred_at, s.place, s.field = 'finished') AS ended
    FROM (
        SELECT
            s.project AS project, s.entity AS entity, s.field AS field, s.key AS key, s.value AS value,
            s.occurred_at AS occurred_at, s.ordered_at AS ordered_at, s.place AS place, s.seq AS seq,
            arrayJoin(multiIf(
                s.field IN ('started', 'finished'),
                [(s.writer, ''), (toUUID('00000000-0000-0000-0000-000000000000'), s.key)],
                s.field = 'vanished', [(toUUIDOrZero(s.key), '')],
                [(s.writer, '')])) AS unit
        FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field IN ('started', 'finished', 'writer', 'heartbeat', 'closed', 'vanished') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    GROUP BY project, component, writer, run
        )
        -- a writer that never opened here, such as the session that attached the component, belongs to no rank
        WHERE run != '' OR opening != ''
    ) AS u
    GROUP BY project, component, rank, attempt
) AS a
WHERE a.started_place > 0;

CREATE OR REPLACE VIEW {database}.components_at {on_cluster} AS
SELECT
    d.project AS project, d.component AS component,
    JSONExtractString(d.opening, 'key') AS key,
    JSONExtractString(d.opening, 'name') AS name,
    JSONExtractString(d.opening, 'kind') AS kind,
    d.display_name AS display_name, d.resources AS resources, toUUIDOrNull(d.parent_text) AS parent,
    d.note AS note, d.created_at AS created_at,
    r.start AS start, r.end AS end,
    (toUnixTimestamp64Micro(r.end) - toUnixTimestamp64Micro(r.start)) / 1000000 AS duration_s,
    r.status AS status,
    JSONExtractString(r.failure, 'error', 'type') AS error_type,
    JSONExtractString(r.failure, 'error', 'message') AS error_message,
    r.ranks AS ranks, r.world_size AS world_size, r.attempts AS attempts,
    r.created_by AS created_by, r.host AS host, r.last_seen AS last_seen, r.lost AS lost
FROM (
SELECT
    s.project AS project, s.entity AS component,
    argMaxIf(s.value, s.place, s.field = 'opened') AS opening,
    argMaxIf(s.text, s.place, s.key = 'display_name') AS display_name,
    argMaxIf(s.value, s.place, s.key = 'resources') AS resources,
    argMaxIf(s.text, s.place, s.key = 'parent') AS parent_text,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field IN ('opened', 'attr', 'note') AND true AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity
HAVING true
) AS d
LEFT JOIN (
    SELECT
        project, component, ranks, world_size, attempts, failure, created_by, host, lost,
        multiIf(
            ranks = 0, '',
            has(statuses, 'failed'), 'failed',
            has(statuses, 'lost'), 'lost',
            has(statuses, 'stopped'), 'stopped',
            has(statuses, 'running') OR ranks < world_size, 'running',
            'completed') AS status,
        if(ranks = 0, NULL, started) AS start,
        if(status IN ('completed', 'failed', 'stopped'), ended, NULL) AS end,
        if(writers = 0, NULL, seen) AS last_seen
    FROM (
        SELECT
            project, component,
            countIf(a.newest) AS ranks,
            countIf(a.started_place > 0) AS attempts,
            toUInt32(maxIf(a.world_size, a.newest)) AS world_size,
            groupUniqArrayIf(a.status, a.newest) AS statuses,
            minIf(a.started, a.started_place > 0) AS started,
            maxIf(a.ended, a.newest) AS ended,
            argMinIf(a.finish, a.rank, a.newest AND a.status = 'failed') AS failure,
            argMinIf(a.created_by, a.opened_place, a.opened_place > 0) AS created_by,
            argMinIf(a.host, a.opened_place, a.opened_place > 0) AS host,
            max(a.last_seen) AS seen,
            sum(a.writers) AS writers,
            sum(a.lost) AS lost
        FROM (
        SELECT
        project, component, rank, attempt,
        maxIf(u.started_place, u.is_run) AS started_place,
        started_place > 0 AND started_place = max(started_place) OVER (PARTITION BY project, component, rank) AS newest,
        maxIf(u.started, u.is_run) AS started,
        maxIf(u.world_size, u.is_run) AS world_size,
        maxIf(u.finish, u.is_run) AS finish,
        JSONExtractString(finish, 'status') AS said_status,
        maxIf(u.ended, u.is_run) AS ended,
        multiIf(said_status != '', said_status, countIf(u.is_main) = 0 OR countIf(u.is_main AND u.living) > 0, 'running',
                'lost') AS status,
        minIf(u.opened_place, u.is_main) AS opened_place,
        argMinIf(JSONExtractString(u.opening, 'user'), u.opened_place, u.is_main) AS created_by,
        argMinIf(JSONExtractString(u.opening, 'host'), u.opened_place, u.is_main) AS host,
        maxIf(u.last_seen, NOT u.is_run) AS last_seen,
        countIf(NOT u.is_run) AS writers,
        sum(arraySum(x -> x.2, JSONExtractKeysAndValues(u.counted, 'lost', 'UInt64'))) AS lost
    FROM (
        SELECT
            *,
            run != '' AS is_run,
            toUInt32(if(is_run, toUInt64OrZero(substring(run, 1, position(run, '/') - 1)),
                        JSONExtractUInt(opening, 'rank'))) AS rank,
            if(is_run, substring(run, position(run, '/') + 1), JSONExtractString(opening, 'attempt')) AS attempt,
            JSONExtractString(opening, 'role') = 'main' AS is_main,
            if(has_vanished, came_back,
               toUnixTimestamp64Micro(last_seen)
               + greatest(60000000, toInt64(trunc(3 * JSONExtractFloat(opening, 'heartbeat_s') * 1000000)))
               >= toUnixTimestamp64Micro(if({as_of:String} = '' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')),
                  now64(6, 'UTC'),
                  least(
                      parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'),
                      parseDateTime64BestEffort(
                          if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}),
                          6, 'UTC'))))) AS living
        FROM (
        SELECT
        s.project AS project, s.entity AS component, s.unit.1 AS writer, s.unit.2 AS run,
        argMaxIf(s.value, s.place, s.field = 'writer') AS opening,
        minIf(s.place, s.field = 'writer') AS opened_place,
        minIf(s.occurred_at, s.field = 'writer') AS opened_at,
        -- what the host says of a writer is no sign of its life
        maxIf(s.ordered_at, s.field != 'vanished') AS last_seen,
        maxIf(s.seq, s.field != 'vanished') AS greatest_seq,
        countIf(s.field = 'closed') > 0 AS has_closed,
        maxIf(s.occurred_at, s.field = 'closed') AS closed_at,
        countIf(s.field = 'vanished') > 0 AS has_vanished,
        JSONExtractUInt(argMaxIf(s.value, s.place, s.field = 'vanished'), 'lifecycle') <= greatest_seq AS came_back,
        argMaxIf(s.value, s.place, s.field IN ('heartbeat', 'closed', 'vanished')) AS counted,
        minIf(s.place, s.field = 'started') AS started_place,
        minIf(s.occurred_at, s.field = 'started') AS started,
        maxIf(JSONExtractUInt(if(s.field = 'started', s.value, ''), 'world_size'), s.field = 'started') AS world_size,
        argMaxIf(s.value, s.place, s.field = 'finished') AS finish,
        maxIf(s.place, s.field = 'finished') AS finished_place,
        argMaxIf(s.occurred_at, s.place, s.field = 'finished') AS ended
    FROM (
        SELECT
            s.project AS project, s.entity AS entity, s.field AS field, s.key AS key, s.value AS value,
            s.occurred_at AS occurred_at, s.ordered_at AS ordered_at, s.place AS place, s.seq AS seq,
            arrayJoin(multiIf(
                s.field IN ('started', 'finished'),
                [(s.writer, ''), (toUUID('00000000-0000-0000-0000-000000000000'), s.key)],
                s.field = 'vanished', [(toUUIDOrZero(s.key), '')],
                [(s.writer, '')])) AS unit
        FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field IN ('started', 'finished', 'writer', 'heartbeat', 'closed', 'vanished') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    GROUP BY project, component, writer, run
        )
        -- a writer that never opened here, such as the session that attached the component, belongs to no rank
        WHERE run != '' OR opening != ''
    ) AS u
    GROUP BY project, component, rank, attempt
        ) AS a
        GROUP BY project, component
    )
) AS r ON d.project = r.project AND d.component = r.component;

CREATE OR REPLACE VIEW {database}.repairs_at {on_cluster} AS
SELECT
    r.project AS project, r.kind AS kind, r.entity AS entity,
    multiIf(r.field = 'undone', if(r.removed, 'redone', 'undone'),
            JSONExtractString(r.correction, 'operation') = 'retract', 'retracted', 'corrected') AS repair,
    multiIf(r.field = 'corrected', concat('metrics.', JSONExtractString(r.correction, 'metric')),
            r.field = 'undone', '', r.field = 'note', 'note', concat(r.field, 's.', r.key)) AS field,
    if(r.field = 'undone', r.key, c.of) AS of,
    multiIf(r.field = 'corrected', JSONExtractString(r.correction, 'operation'), r.field = 'undone', '', 'set')
        AS operation,
    multiIf(r.field = 'corrected', JSONExtractRaw(r.correction, 'operand'), r.field = 'undone', '', r.value) AS value,
    multiIf(
        r.field = 'undone', NULL,
        r.field != 'corrected', if(r.type IN ('number', 'bool'), r.number, NULL),
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(r.correction, 'operand', 'Nullable(Float64)'),
               toFloat64OrNull(JSONExtractString(r.correction, 'operand', '$float')))) AS number,
    JSONExtract(r.correction, 'rank', 'Nullable(UInt32)') AS rank,
    JSONExtract(r.correction, 'first_step', 'Nullable(Float64)') AS first_step,
    JSONExtract(r.correction, 'last_step', 'Nullable(Float64)') AS last_step,
    JSONExtractRaw(r.correction, 'covers') AS covers,
    if(r.field IN ('corrected', 'undone'), JSONExtractString(r.value, 'reason'), c.reason) AS reason,
    o.user AS user, o.host AS host,
    r.logged_at AS logged_at, r.occurred_at AS occurred_at, r.recorded_at AS recorded_at,
    r.event AS event, r.writer AS writer, r.seq AS seq,
    if(r.field = 'undone', r.next, w.event) AS undone_by,
    (undone_by != '')::Bool AS undone
FROM (
    SELECT
        *,
        leadInFrame(event, 1, '') OVER (
            PARTITION BY project, kind, entity, field, key ORDER BY place
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next
    FROM (
    SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity, s.field AS field, s.key AS key, s.removed AS removed,
    s.value AS value, s.type AS type, s.number AS number, if(s.field = 'corrected', s.value, '') AS correction,
    s.logged_at AS logged_at, s.occurred_at AS occurred_at, s.recorded_at AS recorded_at, s.place AS place,
    s.writer AS writer, s.seq AS seq, concat(toString(s.writer), ':', toString(s.seq)) AS event
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.place > l.horizon
  AND (s.field IN ('corrected', 'undone') AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
       OR s.field IN ('param', 'tag', 'note', 'artifact') AND (s.project, s.writer, s.seq) IN (SELECT project, writer, seq FROM {database}.events
WHERE (type = 'epochal.params.corrected'
       OR type IN ('epochal.tags.set', 'epochal.note.written', 'epochal.artifact.logged')
          AND JSONHas(payload, 'data', 'correction')))
           AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))))
    )
) AS r
LEFT JOIN (
    SELECT
        project, kind, entity, key, argMax(concat(toString(writer), ':', toString(seq)), place) AS event
    FROM {database}.facts FINAL
    WHERE field = 'undone' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
    GROUP BY project, kind, entity, key
    HAVING NOT argMax(removed, place)
) AS w ON r.project = w.project AND r.kind = w.kind AND r.entity = w.entity AND r.event = w.key
LEFT JOIN (
    SELECT DISTINCT
        project, writer, seq, JSONExtractString(payload, 'data', 'correction', 'of') AS of,
        if(of = '', JSONExtractString(payload, 'data', 'reason'),
           JSONExtractString(payload, 'data', 'correction', 'reason')) AS reason
    FROM {database}.events
WHERE (type = 'epochal.params.corrected'
       OR type IN ('epochal.tags.set', 'epochal.note.written', 'epochal.artifact.logged')
          AND JSONHas(payload, 'data', 'correction'))
) AS c ON r.project = c.project AND r.writer = c.writer AND r.seq = c.seq
LEFT JOIN (
    SELECT
        e.project AS project, e.writer AS writer,
        JSONExtractString(e.payload, 'data', 'user') AS user, JSONExtractString(e.payload, 'data', 'host') AS host
    FROM {database}.events AS e FINAL
    WHERE e.seq = 0 AND e.type = 'epochal.writer.opened' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR e.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR e.offset <= JSONExtract({known_at:String}, e.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
      AND e.writer IN (
        SELECT writer FROM {database}.facts WHERE field IN ('corrected', 'undone')
        UNION ALL
        SELECT writer FROM {database}.events
WHERE (type = 'epochal.params.corrected'
       OR type IN ('epochal.tags.set', 'epochal.note.written', 'epochal.artifact.logged')
          AND JSONHas(payload, 'data', 'correction'))
      )
) AS o ON r.project = o.project AND r.writer = o.writer;

CREATE OR REPLACE VIEW {database}.forks_at {on_cluster} AS
SELECT
    f.project AS project, f.component AS component, f.rank AS rank,
    toUUIDOrZero(JSONExtractString(f.fork.2, 'of')) AS of,
    JSONExtractFloat(f.fork.2, 'step') AS step,
    (JSONType(f.fork.2, 'past') = 'Array')::Bool AS named,
    f.fork.1 AS event, f.fork.3 AS forked_at
FROM (
SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
) AS f;

CREATE OR REPLACE VIEW {database}.metrics_at {on_cluster} AS
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM (
    SELECT
        p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        p.value AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq,
        leadInFrame(p.step, 1, nan) OVER (
            PARTITION BY p.project, p.component, p.metric, p.rank
            -- as in facts: a clock more than a minute ahead of the log counts as the log's
            ORDER BY p.step, p.generation,
                     if(p.logged_at > p.recorded_at + INTERVAL 60 SECOND, p.recorded_at, p.logged_at),
                     toUInt128(p.writer), p.seq
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_step
    FROM (
    SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
WHERE true AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
UNION ALL
SELECT *
FROM (
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq, f.generation AS generation
    FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
    INNER JOIN (
    SELECT
    project, component, rank, piece.1 AS source, piece.2 AS writer, piece.3 AS first_seq, piece.4 AS until_seq,
    piece.5 AS to_step, generation
FROM (
    SELECT project, component, rank, JSONExtract(fork.2, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))') AS past
    FROM (
    SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
    )
)
ARRAY JOIN past AS piece, arrayMap(p -> toUInt32(indexOf(past.1, p.1)), past) AS generation
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE (p.project, p.component) IN (
    SELECT project, arrayJoin(JSONExtract(value, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))').1)
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'forked' AND true)
AND NOT startsWith(p.metric, 'sys/') AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
      AND p.seq >= f.first_seq AND p.seq < f.until_seq AND p.step <= f.to_step
)
WHERE true
    ) AS p
    LEFT JOIN (
    SELECT
    project, component,
    arrayConcat(
        arrayMap(a -> (a.1, a.2, toInt64(-1), 0.), deleted),
        arrayFlatten(arrayMap(r -> arrayMap(a -> (a.1, a.2, toInt64(r.3), r.4), r.5), rewinds))) AS cuts
FROM (
SELECT
    project, component,
    arrayFlatten(standing.3) AS deleted,
    arraySort(r -> r.1, arrayFilter(r -> r.1 > horizon AND last_opened > horizon, said)) AS rewinds
FROM (
    SELECT
        project, component, said, last_opened,
        arrayFilter(d -> NOT has(restored, d.1), deletions) AS standing,
        arrayMax(standing.2) AS horizon
    FROM (
        SELECT
            f.project AS project, f.entity AS component,
            groupArrayIf(f.key, f.field = 'restored') AS restored,
            groupArrayIf((f.key, f.place, f.abandoned), f.field = 'deleted') AS deletions,
            groupArrayIf((f.place, f.key, f.rank, f.to_step, f.abandoned), f.field = 'rewound') AS said,
            maxIf(f.place, f.field = 'opened') AS last_opened
        FROM (
            SELECT
                project, entity, field, key, rank, place,
                -- a float that JSON lacks is an object that names it
                ifNull(JSONExtract(value, 'to_step', 'Nullable(Float64)'),
                       toFloat64OrZero(JSONExtractString(value, 'to_step', '$float'))) AS to_step,
                JSONExtract(value, 'abandoned', 'Array(Tuple(UUID, UInt64))') AS abandoned
            FROM {database}.facts FINAL
            WHERE kind = 'component' AND field IN ('opened', 'deleted', 'restored', 'rewound')
              AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
) AND (project, entity) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked'))
        ) AS f
        GROUP BY project, component
    )
)
)
    ) AS c ON p.project = c.project AND p.component = c.component
    WHERE NOT arrayExists(
          x -> x.1 = p.writer AND p.seq < x.2 AND (x.3 < 0 OR (x.3 = p.rank AND p.step > x.4)), c.cuts)
)
WHERE step != next_step;

CREATE OR REPLACE VIEW {database}.branch_points_at {on_cluster} AS
SELECT project, component, metric, rank, branch, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM (
    SELECT
        *, branch,
        leadInFrame(step, 1, nan) OVER (
            PARTITION BY project, component, metric, rank, branch
            ORDER BY step, generation, if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, logged_at),
                     toUInt128(writer), seq
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_step
    FROM (
        WITH
            arrayFilter(r -> r.3 = p.rank, c.rewinds) AS own,
            arrayMap(r -> arrayExists(a -> a.1 = p.writer AND p.seq < a.2, r.5), own) AS named,
            indexOf(named, 1) AS left_on,
            arrayFirstIndex((r, n) -> n AND p.step > r.4, own, named) AS left_by
        SELECT
            p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
            p.value AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
            p.writer AS writer, p.seq AS seq, p.generation AS generation,
            range(toUInt32(if(left_on = 0, length(own), left_on - 1)),
                  toUInt32(if(left_by = 0, length(own) + 1, left_by))) AS branches
        FROM (
        SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
WHERE true AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
UNION ALL
SELECT *
FROM (
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq, f.generation AS generation
    FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
    INNER JOIN (
    SELECT
    project, component, rank, piece.1 AS source, piece.2 AS writer, piece.3 AS first_seq, piece.4 AS until_seq,
    piece.5 AS to_step, generation
FROM (
    SELECT project, component, rank, JSONExtract(fork.2, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))') AS past
    FROM (
    SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
    )
)
ARRAY JOIN past AS piece, arrayMap(p -> toUInt32(indexOf(past.1, p.1)), past) AS generation
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE (p.project, p.component) IN (
    SELECT project, arrayJoin(JSONExtract(value, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))').1)
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'forked' AND true)
AND NOT startsWith(p.metric, 'sys/') AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
      AND p.seq >= f.first_seq AND p.seq < f.until_seq AND p.step <= f.to_step
)
WHERE true
        ) AS p
        LEFT JOIN (
        SELECT
    project, component,
    arrayFlatten(standing.3) AS deleted,
    arraySort(r -> r.1, arrayFilter(r -> r.1 > horizon AND last_opened > horizon, said)) AS rewinds
FROM (
    SELECT
        project, component, said, last_opened,
        arrayFilter(d -> NOT has(restored, d.1), deletions) AS standing,
        arrayMax(standing.2) AS horizon
    FROM (
        SELECT
            f.project AS project, f.entity AS component,
            groupArrayIf(f.key, f.field = 'restored') AS restored,
            groupArrayIf((f.key, f.place, f.abandoned), f.field = 'deleted') AS deletions,
            groupArrayIf((f.place, f.key, f.rank, f.to_step, f.abandoned), f.field = 'rewound') AS said,
            maxIf(f.place, f.field = 'opened') AS last_opened
        FROM (
            SELECT
                project, entity, field, key, rank, place,
                -- a float that JSON lacks is an object that names it
                ifNull(JSONExtract(value, 'to_step', 'Nullable(Float64)'),
                       toFloat64OrZero(JSONExtractString(value, 'to_step', '$float'))) AS to_step,
                JSONExtract(value, 'abandoned', 'Array(Tuple(UUID, UInt64))') AS abandoned
            FROM {database}.facts FINAL
            WHERE kind = 'component' AND field IN ('opened', 'deleted', 'restored', 'rewound')
              AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
) AND (project, entity) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked'))
        ) AS f
        GROUP BY project, component
    )
)
        ) AS c ON p.project = c.project AND p.component = c.component
        WHERE NOT arrayExists(a -> a.1 = p.writer AND p.seq < a.2, c.deleted)
    )
    ARRAY JOIN branches AS branch
)
WHERE step != next_step;

CREATE OR REPLACE VIEW {database}.branches_at {on_cluster} AS
SELECT
    b.project AS project, b.component AS component, b.rank AS rank, b.branch.1 AS branch,
    (b.branch.1 = length(b.began))::Bool AS newest,
    b.branch.2 AS event, b.branch.3 AS began_at_step, b.branch.4 AS began_at, b.branch.5 AS attempt
FROM (
    SELECT
        s.project AS project, s.entity AS component, s.rank AS rank,
        arraySort(groupArrayIf((s.place, s.key, s.value, s.occurred_at, s.writer), s.field = 'rewound')) AS began,
        mapFromArrays(groupArrayIf(s.writer, s.field = 'writer'),
                      groupArrayIf(JSONExtractString(s.value, 'attempt'), s.field = 'writer')) AS attempts,
        arrayJoin(arrayPushFront(
            arrayMap((r, n) -> (
                toUInt32(n), r.2,
                ifNull(JSONExtract(r.3, 'to_step', 'Nullable(Float64)'),
                       toFloat64OrZero(JSONExtractString(r.3, 'to_step', '$float')))::Nullable(Float64),
                r.4::Nullable(DateTime64(6, 'UTC')), attempts[r.5]), began, arrayEnumerate(began)),
            (toUInt32(0), '', NULL::Nullable(Float64), NULL::Nullable(DateTime64(6, 'UTC')), ''))) AS branch
    FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field IN ('writer', 'started', 'rewound') AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    GROUP BY s.project, s.entity, s.rank
) AS b;

CREATE OR REPLACE VIEW {database}.summaries_at {on_cluster} AS
WITH
    groupArray(u.moments) AS parts,
    arraySum(parts.1) AS values,
    arraySum(part -> part.2 * (part.1 / values), parts) AS average,
    arraySum(part -> part.3 + part.1 * pow(part.2 - average, 2), parts) AS squares
SELECT
    project, component, metric, rank,
    sum(u.count) AS count,
    sum(u.nan_count) AS nan_count,
    if(values = 0, nan, min(u.least)) AS min,
    if(values = 0, nan, reinterpretAsFloat64(bitXor(toUInt64(min(u.least_at)), if(toUInt64(min(u.least_at)) >= 9223372036854775808, 9223372036854775808, 18446744073709551615)))) AS argmin,
    if(values = 0, nan, max(u.greatest)) AS max,
    if(values = 0, nan, reinterpretAsFloat64(bitXor(toUInt64(min(u.greatest_at)), if(toUInt64(min(u.greatest_at)) >= 9223372036854775808, 9223372036854775808, 18446744073709551615)))) AS argmax,
    if(values = 0, nan, average) AS mean,
    if(values < 2, NULL, sqrt(squares / (values - 1)) / max(u.scale)) AS std,
    argMin(u.first, u.first_step) AS first,
    argMax(u.last, u.last_step) AS last
FROM (
SELECT
    project, component, metric, rank,
    n AS count, nan_count,
    if(n = nan_count, inf, min) AS least,
    if(n = nan_count, -inf, max) AS greatest,
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(least + 0.), if(least < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(argmin + 0.), if(argmin < 0, 18446744073709551615, 9223372036854775808)) AS least_at,
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64((-greatest) + 0.), if((-greatest) < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(argmax + 0.), if(argmax < 0, 18446744073709551615, 9223372036854775808)) AS greatest_at,
    (toInt64(n - nan_count), if(n = nan_count, 0., mean), if(n = nan_count, 0., m2)) AS moments,
    1. AS scale,
    first_step, first, last_step, last
FROM (
SELECT
    *,
    min(increasing AND NOT has_cuts AND NOT has_repairs AND NOT (touched AND extreme) AND step_before < first_step)
        OVER (PARTITION BY project, component, metric, rank) AS tidy
FROM (
    WITH greatest(abs(min), abs(max)) AS size
    SELECT
        project, component, metric, rank, writer, block, n, nan_count, min, argmin, max, argmax, mean, m2,
        first_step, first, last_step, last, increasing,
        ifNull(({as_of:String} = '' OR partials.occurred_until <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_until <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_until <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS whole,
        ifNull(({as_of:String} = '' OR partials.occurred_from <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_from <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_from <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS touched,
        -- the squares of such values leave what a double can hold
        n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140 AS extreme,
        (project, component) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked')) AS has_cuts,
        (project, component, metric) IN (
    SELECT project, entity, JSONExtractString(value, 'metric')
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    )
) AS has_repairs,
        lagInFrame(last_step, 1, -inf) OVER (
            PARTITION BY project, component, metric, rank ORDER BY first_step, last_step
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS step_before
    FROM {database}.partials FINAL
    WHERE true
)
)
WHERE tidy AND whole
UNION ALL
SELECT
    project, component, metric, rank,
    count() AS count,
    countIf(isNaN(p.value)) AS nan_count,
    if(nan_count = count, inf, minIf(p.value, NOT isNaN(p.value))) AS least,
    if(nan_count = count, -inf, maxIf(p.value, NOT isNaN(p.value))) AS greatest,
    if(nan_count = count, bitNot(toUInt128(0)), minIf(bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(p.value + 0.), if(p.value < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(p.step + 0.), if(p.step < 0, 18446744073709551615, 9223372036854775808)), NOT isNaN(p.value))) AS least_at,
    if(nan_count = count, bitNot(toUInt128(0)), minIf(bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64((-p.value) + 0.), if((-p.value) < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(p.step + 0.), if(p.step < 0, 18446744073709551615, 9223372036854775808)), NOT isNaN(p.value)))
        AS greatest_at,
    (
        toInt64(count - nan_count),
        multiIf(
            nan_count = count, 0.,
            isInfinite(avgIf(p.value, NOT isNaN(p.value))) AND NOT isInfinite(least) AND NOT isInfinite(greatest),
            avgIf(p.value * exp2(-64), NOT isNaN(p.value)) * exp2(64),
            avgIf(p.value, NOT isNaN(p.value))),
        multiIf(
            nan_count = count, 0.,
            isInfinite(least) OR isInfinite(greatest), nan,
            scale = 1, varPopStableIf(p.value, NOT isNaN(p.value)),
            scale < 1, varPopStableIf(p.value * exp2(-600), NOT isNaN(p.value)),
            varPopStableIf(p.value * exp2(600), NOT isNaN(p.value))) * (count - nan_count)
    ) AS moments,
    multiIf(
        isInfinite(least) OR isInfinite(greatest) OR greatest = least, 1.,
        greatest - least > 1e140, exp2(-600),
        greatest - least < 1e-140, exp2(600),
        1.) AS scale,
    min(p.step) AS first_step,
    argMin(p.value, p.step) AS first,
    max(p.step) AS last_step,
    argMax(p.value, p.step) AS last
FROM (
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM (
    SELECT
        p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        p.value AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq,
        leadInFrame(p.step, 1, nan) OVER (
            PARTITION BY p.project, p.component, p.metric, p.rank
            -- as in facts: a clock more than a minute ahead of the log counts as the log's
            ORDER BY p.step, p.generation,
                     if(p.logged_at > p.recorded_at + INTERVAL 60 SECOND, p.recorded_at, p.logged_at),
                     toUInt128(p.writer), p.seq
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_step
    FROM (
    SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
WHERE (p.project, p.component, p.metric, p.rank, p.writer, intDiv(p.seq, 4096)) IN (
    SELECT project, component, metric, rank, writer, block
    FROM (
    SELECT
    *,
    min(increasing AND NOT has_cuts AND NOT has_repairs AND NOT (touched AND extreme) AND step_before < first_step)
        OVER (PARTITION BY project, component, metric, rank) AS tidy
FROM (
    WITH greatest(abs(min), abs(max)) AS size
    SELECT
        project, component, metric, rank, writer, block, n, nan_count, min, argmin, max, argmax, mean, m2,
        first_step, first, last_step, last, increasing,
        ifNull(({as_of:String} = '' OR partials.occurred_until <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_until <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_until <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS whole,
        ifNull(({as_of:String} = '' OR partials.occurred_from <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_from <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_from <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS touched,
        -- the squares of such values leave what a double can hold
        n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140 AS extreme,
        (project, component) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked')) AS has_cuts,
        (project, component, metric) IN (
    SELECT project, entity, JSONExtractString(value, 'metric')
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    )
) AS has_repairs,
        lagInFrame(last_step, 1, -inf) OVER (
            PARTITION BY project, component, metric, rank ORDER BY first_step, last_step
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS step_before
    FROM {database}.partials FINAL
    WHERE true
)
    )
    WHERE touched AND NOT (tidy AND whole)) AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
UNION ALL
SELECT *
FROM (
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq, f.generation AS generation
    FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
    INNER JOIN (
    SELECT
    project, component, rank, piece.1 AS source, piece.2 AS writer, piece.3 AS first_seq, piece.4 AS until_seq,
    piece.5 AS to_step, generation
FROM (
    SELECT project, component, rank, JSONExtract(fork.2, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))') AS past
    FROM (
    SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
    )
)
ARRAY JOIN past AS piece, arrayMap(p -> toUInt32(indexOf(past.1, p.1)), past) AS generation
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE (p.project, p.component) IN (
    SELECT project, arrayJoin(JSONExtract(value, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))').1)
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'forked' AND true)
AND NOT startsWith(p.metric, 'sys/') AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
      AND p.seq >= f.first_seq AND p.seq < f.until_seq AND p.step <= f.to_step
)
WHERE true
    ) AS p
    LEFT JOIN (
    SELECT
    project, component,
    arrayConcat(
        arrayMap(a -> (a.1, a.2, toInt64(-1), 0.), deleted),
        arrayFlatten(arrayMap(r -> arrayMap(a -> (a.1, a.2, toInt64(r.3), r.4), r.5), rewinds))) AS cuts
FROM (
SELECT
    project, component,
    arrayFlatten(standing.3) AS deleted,
    arraySort(r -> r.1, arrayFilter(r -> r.1 > horizon AND last_opened > horizon, said)) AS rewinds
FROM (
    SELECT
        project, component, said, last_opened,
        arrayFilter(d -> NOT has(restored, d.1), deletions) AS standing,
        arrayMax(standing.2) AS horizon
    FROM (
        SELECT
            f.project AS project, f.entity AS component,
            groupArrayIf(f.key, f.field = 'restored') AS restored,
            groupArrayIf((f.key, f.place, f.abandoned), f.field = 'deleted') AS deletions,
            groupArrayIf((f.place, f.key, f.rank, f.to_step, f.abandoned), f.field = 'rewound') AS said,
            maxIf(f.place, f.field = 'opened') AS last_opened
        FROM (
            SELECT
                project, entity, field, key, rank, place,
                -- a float that JSON lacks is an object that names it
                ifNull(JSONExtract(value, 'to_step', 'Nullable(Float64)'),
                       toFloat64OrZero(JSONExtractString(value, 'to_step', '$float'))) AS to_step,
                JSONExtract(value, 'abandoned', 'Array(Tuple(UUID, UInt64))') AS abandoned
            FROM {database}.facts FINAL
            WHERE kind = 'component' AND field IN ('opened', 'deleted', 'restored', 'rewound')
              AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
) AND (project, entity) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked'))
        ) AS f
        GROUP BY project, component
    )
)
)
    ) AS c ON p.project = c.project AND p.component = c.component
    WHERE NOT arrayExists(
          x -> x.1 = p.writer AND p.seq < x.2 AND (x.3 < 0 OR (x.3 = p.rank AND p.step > x.4)), c.cuts)
)
WHERE step != next_step
) AS p
GROUP BY project, component, metric, rank
) AS u
GROUP BY project, component, metric, rank;

CREATE OR REPLACE VIEW {database}.summaries_of {on_cluster} AS
WITH
    groupArray(u.moments) AS parts,
    arraySum(parts.1) AS values,
    arraySum(part -> part.2 * (part.1 / values), parts) AS average,
    arraySum(part -> part.3 + part.1 * pow(part.2 - average, 2), parts) AS squares
SELECT
    project, component, metric, rank,
    sum(u.count) AS count,
    sum(u.nan_count) AS nan_count,
    if(values = 0, nan, min(u.least)) AS min,
    if(values = 0, nan, reinterpretAsFloat64(bitXor(toUInt64(min(u.least_at)), if(toUInt64(min(u.least_at)) >= 9223372036854775808, 9223372036854775808, 18446744073709551615)))) AS argmin,
    if(values = 0, nan, max(u.greatest)) AS max,
    if(values = 0, nan, reinterpretAsFloat64(bitXor(toUInt64(min(u.greatest_at)), if(toUInt64(min(u.greatest_at)) >= 9223372036854775808, 9223372036854775808, 18446744073709551615)))) AS argmax,
    if(values = 0, nan, average) AS mean,
    if(values < 2, NULL, sqrt(squares / (values - 1)) / max(u.scale)) AS std,
    argMin(u.first, u.first_step) AS first,
    argMax(u.last, u.last_step) AS last
FROM (
SELECT
    project, component, metric, rank,
    n AS count, nan_count,
    if(n = nan_count, inf, min) AS least,
    if(n = nan_count, -inf, max) AS greatest,
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(least + 0.), if(least < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(argmin + 0.), if(argmin < 0, 18446744073709551615, 9223372036854775808)) AS least_at,
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64((-greatest) + 0.), if((-greatest) < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(argmax + 0.), if(argmax < 0, 18446744073709551615, 9223372036854775808)) AS greatest_at,
    (toInt64(n - nan_count), if(n = nan_count, 0., mean), if(n = nan_count, 0., m2)) AS moments,
    1. AS scale,
    first_step, first, last_step, last
FROM (
SELECT
    *,
    min(increasing AND NOT has_cuts AND NOT has_repairs AND NOT (touched AND extreme) AND step_before < first_step)
        OVER (PARTITION BY project, component, metric, rank) AS tidy
FROM (
    WITH greatest(abs(min), abs(max)) AS size
    SELECT
        project, component, metric, rank, writer, block, n, nan_count, min, argmin, max, argmax, mean, m2,
        first_step, first, last_step, last, increasing,
        ifNull(({as_of:String} = '' OR partials.occurred_until <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_until <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_until <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS whole,
        ifNull(({as_of:String} = '' OR partials.occurred_from <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_from <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_from <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS touched,
        -- the squares of such values leave what a double can hold
        n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140 AS extreme,
        (project, component) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked')) AS has_cuts,
        (project, component, metric) IN (
    SELECT project, entity, JSONExtractString(value, 'metric')
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    )
) AS has_repairs,
        lagInFrame(last_step, 1, -inf) OVER (
            PARTITION BY project, component, metric, rank ORDER BY first_step, last_step
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS step_before
    FROM {database}.partials FINAL
    WHERE component IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))
)
)
WHERE tidy AND whole
UNION ALL
SELECT
    project, component, metric, rank,
    count() AS count,
    countIf(isNaN(p.value)) AS nan_count,
    if(nan_count = count, inf, minIf(p.value, NOT isNaN(p.value))) AS least,
    if(nan_count = count, -inf, maxIf(p.value, NOT isNaN(p.value))) AS greatest,
    if(nan_count = count, bitNot(toUInt128(0)), minIf(bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(p.value + 0.), if(p.value < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(p.step + 0.), if(p.step < 0, 18446744073709551615, 9223372036854775808)), NOT isNaN(p.value))) AS least_at,
    if(nan_count = count, bitNot(toUInt128(0)), minIf(bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64((-p.value) + 0.), if((-p.value) < 0, 18446744073709551615, 9223372036854775808))), 64) + bitXor(reinterpretAsUInt64(p.step + 0.), if(p.step < 0, 18446744073709551615, 9223372036854775808)), NOT isNaN(p.value)))
        AS greatest_at,
    (
        toInt64(count - nan_count),
        multiIf(
            nan_count = count, 0.,
            isInfinite(avgIf(p.value, NOT isNaN(p.value))) AND NOT isInfinite(least) AND NOT isInfinite(greatest),
            avgIf(p.value * exp2(-64), NOT isNaN(p.value)) * exp2(64),
            avgIf(p.value, NOT isNaN(p.value))),
        multiIf(
            nan_count = count, 0.,
            isInfinite(least) OR isInfinite(greatest), nan,
            scale = 1, varPopStableIf(p.value, NOT isNaN(p.value)),
            scale < 1, varPopStableIf(p.value * exp2(-600), NOT isNaN(p.value)),
            varPopStableIf(p.value * exp2(600), NOT isNaN(p.value))) * (count - nan_count)
    ) AS moments,
    multiIf(
        isInfinite(least) OR isInfinite(greatest) OR greatest = least, 1.,
        greatest - least > 1e140, exp2(-600),
        greatest - least < 1e-140, exp2(600),
        1.) AS scale,
    min(p.step) AS first_step,
    argMin(p.value, p.step) AS first,
    max(p.step) AS last_step,
    argMax(p.value, p.step) AS last
FROM (
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM (
    SELECT
        p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        p.value AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq,
        leadInFrame(p.step, 1, nan) OVER (
            PARTITION BY p.project, p.component, p.metric, p.rank
            -- as in facts: a clock more than a minute ahead of the log counts as the log's
            ORDER BY p.step, p.generation,
                     if(p.logged_at > p.recorded_at + INTERVAL 60 SECOND, p.recorded_at, p.logged_at),
                     toUInt128(p.writer), p.seq
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_step
    FROM (
    SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
WHERE (p.project, p.component, p.metric, p.rank, p.writer, intDiv(p.seq, 4096)) IN (
    SELECT project, component, metric, rank, writer, block
    FROM (
    SELECT
    *,
    min(increasing AND NOT has_cuts AND NOT has_repairs AND NOT (touched AND extreme) AND step_before < first_step)
        OVER (PARTITION BY project, component, metric, rank) AS tidy
FROM (
    WITH greatest(abs(min), abs(max)) AS size
    SELECT
        project, component, metric, rank, writer, block, n, nan_count, min, argmin, max, argmax, mean, m2,
        first_step, first, last_step, last, increasing,
        ifNull(({as_of:String} = '' OR partials.occurred_until <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_until <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_until <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS whole,
        ifNull(({as_of:String} = '' OR partials.occurred_from <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR partials.recorded_from <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR partials.offset_from <= JSONExtract({known_at:String}, partials.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))), false) AS touched,
        -- the squares of such values leave what a double can hold
        n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140 AS extreme,
        (project, component) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked')) AS has_cuts,
        (project, component, metric) IN (
    SELECT project, entity, JSONExtractString(value, 'metric')
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    )
) AS has_repairs,
        lagInFrame(last_step, 1, -inf) OVER (
            PARTITION BY project, component, metric, rank ORDER BY first_step, last_step
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS step_before
    FROM {database}.partials FINAL
    WHERE component IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))
)
    )
    WHERE touched AND NOT (tidy AND whole)) AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
UNION ALL
SELECT *
FROM (
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        arrayFold(
    (value, x) -> multiIf(
        NOT (x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value) AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq, f.generation AS generation
    FROM {database}.metrics AS p FINAL
LEFT JOIN (
SELECT
    project, component, metric, writer,
    arraySort(groupArray((place, count, rank, first_step, last_step, operation, operand))) AS repairs
FROM (
    SELECT
        s.project AS project, s.entity AS component, JSONExtractString(s.value, 'metric') AS metric,
        cover.1 AS writer, max(cover.2) AS count, s.place AS place,
        JSONExtract(s.value, 'rank', 'Nullable(Int64)') AS of_rank, ifNull(of_rank, -1) AS rank,
        ifNull(JSONExtract(s.value, 'first_step', 'Nullable(Float64)'), -inf) AS first_step,
        ifNull(JSONExtract(s.value, 'last_step', 'Nullable(Float64)'), inf) AS last_step,
        JSONExtractString(s.value, 'operation') AS operation,
        -- a float that JSON lacks is an object that names it
        ifNull(JSONExtract(s.value, 'operand', 'Nullable(Float64)'),
               toFloat64OrZero(JSONExtractString(s.value, 'operand', '$float'))) AS operand
    FROM (
    SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer
    INNER JOIN (
    SELECT
    project, component, rank, piece.1 AS source, piece.2 AS writer, piece.3 AS first_seq, piece.4 AS until_seq,
    piece.5 AS to_step, generation
FROM (
    SELECT project, component, rank, JSONExtract(fork.2, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))') AS past
    FROM (
    SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
FROM {database}.facts AS s FINAL
INNER JOIN (
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'forked' AND s.place > l.horizon AND ({as_of:String} = '' OR s.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR s.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR s.offset <= JSONExtract({known_at:String}, s.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (s.project, s.kind, s.entity, s.writer, s.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
)
GROUP BY s.project, s.entity, s.rank
    )
)
ARRAY JOIN past AS piece, arrayMap(p -> toUInt32(indexOf(past.1, p.1)), past) AS generation
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE (p.project, p.component) IN (
    SELECT project, arrayJoin(JSONExtract(value, 'past', 'Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))').1)
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'forked' AND true)
AND NOT startsWith(p.metric, 'sys/') AND ({as_of:String} = '' OR p.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR p.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR p.offset <= JSONExtract({known_at:String}, p.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND NOT arrayExists(x -> x.6 = 'retract' AND x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5, m.repairs)
      AND p.seq >= f.first_seq AND p.seq < f.until_seq AND p.step <= f.to_step
)
WHERE component IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))
    ) AS p
    LEFT JOIN (
    SELECT
    project, component,
    arrayConcat(
        arrayMap(a -> (a.1, a.2, toInt64(-1), 0.), deleted),
        arrayFlatten(arrayMap(r -> arrayMap(a -> (a.1, a.2, toInt64(r.3), r.4), r.5), rewinds))) AS cuts
FROM (
SELECT
    project, component,
    arrayFlatten(standing.3) AS deleted,
    arraySort(r -> r.1, arrayFilter(r -> r.1 > horizon AND last_opened > horizon, said)) AS rewinds
FROM (
    SELECT
        project, component, said, last_opened,
        arrayFilter(d -> NOT has(restored, d.1), deletions) AS standing,
        arrayMax(standing.2) AS horizon
    FROM (
        SELECT
            f.project AS project, f.entity AS component,
            groupArrayIf(f.key, f.field = 'restored') AS restored,
            groupArrayIf((f.key, f.place, f.abandoned), f.field = 'deleted') AS deletions,
            groupArrayIf((f.place, f.key, f.rank, f.to_step, f.abandoned), f.field = 'rewound') AS said,
            maxIf(f.place, f.field = 'opened') AS last_opened
        FROM (
            SELECT
                project, entity, field, key, rank, place,
                -- a float that JSON lacks is an object that names it
                ifNull(JSONExtract(value, 'to_step', 'Nullable(Float64)'),
                       toFloat64OrZero(JSONExtractString(value, 'to_step', '$float'))) AS to_step,
                JSONExtract(value, 'abandoned', 'Array(Tuple(UUID, UInt64))') AS abandoned
            FROM {database}.facts FINAL
            WHERE kind = 'component' AND field IN ('opened', 'deleted', 'restored', 'rewound')
              AND ({as_of:String} = '' OR facts.occurred_at <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on'))) AND (facts.project, facts.kind, facts.entity, facts.writer, facts.seq) NOT IN (
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{') OR facts.recorded_at <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR facts.offset <= JSONExtract({known_at:String}, facts.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)
) AND (project, entity) IN (SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked'))
        ) AS f
        GROUP BY project, component
    )
)
)
    ) AS c ON p.project = c.project AND p.component = c.component
    WHERE NOT arrayExists(
          x -> x.1 = p.writer AND p.seq < x.2 AND (x.3 < 0 OR (x.3 = p.rank AND p.step > x.4)), c.cuts)
)
WHERE step != next_step
) AS p
GROUP BY project, component, metric, rank
) AS u
GROUP BY project, component, metric, rank;
