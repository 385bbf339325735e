-- The fold over metric points: the main line of every series, and its statistics.
-- Rollback: drop the views; nothing is stored in them.

-- the points that deletions and rewinds take out of the main line, per component and writer
CREATE OR REPLACE VIEW {database}.cuts_at {on_cluster} AS
SELECT project, component, writer,
       groupArray((every_rank, rank, count, to_step)) AS cuts
FROM (
    SELECT l.project AS project, l.entity AS component, cut.1 AS writer,
           true AS every_rank, toUInt32(0) AS rank, cut.2 AS count, -inf AS to_step
    FROM {database}.lives_at(as_of = {as_of:String}, known_at = {known_at:String}) AS l
    ARRAY JOIN arrayFlatten(arrayMap(
        d -> JSONExtract(d.3, 'abandoned', 'Array(Tuple(UUID, UInt64))'), l.standing_deletions)) AS cut
    WHERE l.kind = 'component'
    UNION ALL
    SELECT s.project AS project, s.entity AS component, cut.1 AS writer,
           false AS every_rank, toUInt32(JSONExtractUInt(s.value, 'rank')) AS rank,
           cut.2 AS count,
           -- a float that JSON lacks is an object that names it
           ifNull(JSONExtract(s.value, 'to_step', 'Nullable(Float64)'),
                  toFloat64OrZero(JSONExtractString(s.value, 'to_step', '$float'))) AS to_step
    FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
    ARRAY JOIN JSONExtract(s.value, 'abandoned', 'Array(Tuple(UUID, UInt64))') AS cut
    WHERE s.kind = 'component' AND s.field = 'rewound'
)
GROUP BY project, component, writer;

-- every stored point within the bounds, once
CREATE OR REPLACE VIEW {database}.stored_points_at {on_cluster} AS
SELECT
    project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq, log, offset,
    bitShiftLeft(toUInt256(toUnixTimestamp64Micro(
            if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, toDateTime64(logged_at, 6, 'UTC')))
        + 2208988800000000), 202)
        + bitShiftLeft(toUInt256(toUInt128(writer)), 74) + seq AS place
FROM {database}.metrics FINAL
WHERE ({as_of:String} = ''
       OR occurred_at <= parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
  AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')
       OR recorded_at <= parseDateTime64BestEffort(
            if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
  AND (NOT startsWith({known_at:String}, '{')
       OR (JSONHas({known_at:String}, log) AND offset <= JSONExtractUInt({known_at:String}, log)));

CREATE OR REPLACE VIEW {database}.metrics_at {on_cluster} AS
SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    argMax(p.value, p.place) AS value,
    argMax(p.occurred_at, p.place) AS occurred_at,
    argMax(p.logged_at, p.place) AS logged_at,
    argMax(p.recorded_at, p.place) AS recorded_at,
    argMax(p.writer, p.place) AS writer,
    argMax(p.seq, p.place) AS seq
FROM (
    -- components that nothing was ever cut from
    SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq, place
    FROM {database}.stored_points_at(as_of = {as_of:String}, known_at = {known_at:String})
    WHERE (project, component) NOT IN (
        SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound'))
    UNION ALL
    SELECT
        s.project AS project, s.component AS component, s.metric AS metric, s.rank AS rank, s.step AS step,
        s.value AS value, s.occurred_at AS occurred_at, s.logged_at AS logged_at, s.recorded_at AS recorded_at,
        s.writer AS writer, s.seq AS seq, s.place AS place
    FROM (
        SELECT *
        FROM {database}.stored_points_at(as_of = {as_of:String}, known_at = {known_at:String})
        WHERE (project, component) IN (
            SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound'))
    ) AS s
    LEFT JOIN {database}.cuts_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
        ON s.project = c.project AND s.component = c.component AND s.writer = c.writer
    WHERE NOT arrayExists(
        x -> (x.1 OR (x.2 = s.rank AND s.step > x.4)) AND s.seq < x.3, c.cuts)
) AS p
GROUP BY project, component, metric, rank, step;

CREATE OR REPLACE VIEW {database}.summaries_at {on_cluster} AS
SELECT
    project, component, metric, rank,
    count() AS count,
    countIf(isNaN(p.value)) AS nan_count,
    if(nan_count = count, nan, minIf(p.value, NOT isNaN(p.value))) AS min,
    if(nan_count = count, nan, argMinIf(p.step, (p.value, p.step), NOT isNaN(p.value))) AS argmin,
    if(nan_count = count, nan, maxIf(p.value, NOT isNaN(p.value))) AS max,
    if(nan_count = count, nan, argMinIf(p.step, (-p.value, p.step), NOT isNaN(p.value))) AS argmax,
    avgIf(p.value, NOT isNaN(p.value)) AS mean,
    if(count - nan_count < 2, NULL, stddevSampStableIf(p.value, NOT isNaN(p.value))) AS std,
    argMin(p.value, p.step) AS first,
    argMax(p.value, p.step) AS last
FROM {database}.metrics_at(as_of = {as_of:String}, known_at = {known_at:String}) AS p
GROUP BY project, component, metric, rank;
