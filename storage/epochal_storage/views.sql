-- The views, as they are written. `python -m epochal_storage.views_sql` makes migrations/0003_views.sql from this
-- file: it puts each block in where {{its name}} stands. A view that called other views would be shorter to read,
-- but the engine analyses a view twice for each that it is nested in.

-- block within
-- what the bounds keep: after FINAL, which has to see every copy to keep the first one
    ({as_of:String} = ''
     OR occurred_at <= parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
    AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')
         OR recorded_at <= parseDateTime64BestEffort(
                if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
    AND (NOT startsWith({known_at:String}, '{')
         OR (JSONHas({known_at:String}, log) AND offset <= JSONExtractUInt({known_at:String}, log)))

-- block lives
-- entities that exist, and the place up to which their newest standing deletion hides statements
    SELECT
        project, kind, entity,
        groupArrayIf((key, place), field = 'deleted') AS deletions,
        groupArrayIf(key, field = 'restored') AS restored,
        arrayMax(d -> if(has(restored, d.1), toUInt256(0), d.2), deletions) AS horizon
    FROM {database}.facts FINAL
    WHERE field IN ('opened', 'deleted', 'restored') AND {{within}}
    GROUP BY project, kind, entity
    HAVING maxIf(place, field = 'opened') > horizon

-- block statements
-- the statements that count
    SELECT
        f.project AS project, f.kind AS kind, f.field AS field, f.entity AS entity, f.key AS key,
        f.removed AS removed, f.value AS value, f.type AS type, f.number AS number, f.text AS text, f.rank AS rank,
        f.logged_at AS logged_at, f.occurred_at AS occurred_at, f.recorded_at AS recorded_at,
        f.ordered_at AS ordered_at, f.place AS place,
        f.writer AS writer, f.seq AS seq, f.ord AS ord, f.log AS log, f.offset AS offset
    FROM (
        SELECT
            project, kind, field, entity, key, removed, value, type, number, text, rank, logged_at, occurred_at,
            recorded_at, ordered_at, place, writer, seq, ord, log, offset
        FROM {database}.facts FINAL
        WHERE {{argument}} AND field NOT IN ('deleted', 'restored') AND {{within}}
    ) AS f
    INNER JOIN (
    {{lives}}
    ) AS l ON f.project = l.project AND f.kind = l.kind AND f.entity = l.entity
    WHERE f.place > l.horizon

-- block cells
-- the newest statement of each key; what was taken away is gone
    SELECT
        project, kind, entity, field, key,
        argMax(s.value, s.place) AS value,
        argMax(s.type, s.place) AS type,
        -- argMax passes over NULLs, so that the number is NULL is carried beside it
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
    FROM (
    {{statements: {{argument}}}}
    ) AS s
    GROUP BY project, kind, entity, field, key
    HAVING NOT argMax(s.removed, s.place)

-- view statements_at
{{statements: true}}

-- view cells_at
{{cells: true}}

-- view experiments_at
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
FROM (
{{statements: kind = 'experiment' AND field IN ('opened', 'attr', 'note')}}
) AS s
GROUP BY project, experiment

-- view trials_at
WITH argMaxIf(s.value, s.place, s.field = 'opened') AS opening
SELECT
    s.project AS project, s.entity AS trial,
    toUUIDOrZero(JSONExtractString(opening, 'experiment')) AS experiment,
    argMaxIf(s.text, s.place, s.field = 'attr' AND s.key = 'name') AS name,
    JSONExtractRaw(opening, 'variables') AS variables,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
FROM (
{{statements: kind = 'trial' AND field IN ('opened', 'attr', 'note')}}
) AS s
GROUP BY project, trial

-- view memberships_at
SELECT project, entity AS component, toUUIDOrZero(key) AS trial, occurred_at AS attached_at
FROM (
{{cells: kind = 'component' AND field = 'member'}}
)
WHERE (project, trial) IN (
    SELECT project, entity
    FROM (
    {{lives}}
    )
    WHERE kind = 'trial'
)

-- view params_at
-- A statement says its place at its own path and at every path above; a path then says its own place to every path
-- below. Whoever was told of a greater place than its own is hidden.
SELECT
    project, component, at AS path,
    anyIf(n.value, n.own) AS value,
    anyIf(n.type, n.own) AS type,
    if(type IN ('number', 'bool'), anyIf(n.number, n.own), NULL) AS number,
    anyIf(n.text, n.own) AS text,
    anyIf(n.logged_at, n.own) AS logged_at,
    anyIf(n.occurred_at, n.own) AS occurred_at,
    anyIf(n.writer, n.own) AS writer,
    anyIf(n.seq, n.own) AS seq
FROM (
    SELECT
        *,
        arrayJoin(arrayPushFront(if(place = 0, [], below), path)) AS at,
        at = path AS own,
        if(own, told_from_below, place) AS told
    FROM (
        SELECT
            s.project AS project, s.entity AS component, s.path AS path,
            maxIf(s.place, s.path = s.key) AS place,
            maxIf(s.place, s.path != s.key) AS told_from_below,
            groupUniqArrayIf(s.key, s.path != s.key) AS below,
            argMaxIf(s.removed, s.place, s.path = s.key) AS removed,
            argMaxIf(s.value, s.place, s.path = s.key) AS value,
            argMaxIf(s.type, s.place, s.path = s.key) AS type,
            argMaxIf(ifNull(s.number, 0), s.place, s.path = s.key) AS number,
            argMaxIf(s.text, s.place, s.path = s.key) AS text,
            argMaxIf(s.logged_at, s.place, s.path = s.key) AS logged_at,
            argMaxIf(s.occurred_at, s.place, s.path = s.key) AS occurred_at,
            argMaxIf(s.writer, s.place, s.path = s.key) AS writer,
            argMaxIf(s.seq, s.place, s.path = s.key) AS seq
        FROM (
            SELECT
                *,
                -- escaped characters are masked: every dot that is left is a border between parts
                replaceAll(replaceAll(key, '\\\\', '\0\0'), '\\.', '\0\0') AS masked,
                arrayJoin(if(position(masked, '.') = 0, [key], arrayPushFront(
                    arrayMap(n -> substring(key, 1, n),
                             arrayFilter(n -> substring(masked, n + 1, 1) = '.', range(length(masked)))),
                    key))) AS path
            FROM (
            {{statements: kind = 'component' AND field = 'param'}}
            )
        ) AS s
        GROUP BY project, component, path
    )
) AS n
GROUP BY project, component, at
HAVING anyIf(n.place, n.own) > max(n.told) AND NOT anyIf(n.removed, n.own)

-- view tags_at
SELECT project, kind, entity, key AS tag, value, type, number, text, logged_at, occurred_at, writer, seq
FROM (
{{cells: field = 'tag'}}
)

-- view notes_at
SELECT project, kind, entity, text AS note, logged_at, occurred_at, writer, seq
FROM (
{{cells: field = 'note'}}
)

-- view definitions_at
SELECT
    project, entity AS component, key AS metric,
    JSONExtract(value, 'step', 'Nullable(String)') AS step_metric,
    JSONExtract(value, 'goal', 'Nullable(String)') AS goal,
    JSONExtract(value, 'summary', 'Nullable(String)') AS summary,
    logged_at, occurred_at
FROM (
{{cells: kind = 'component' AND field = 'define'}}
)

-- block artifacts
    SELECT
        project, entity AS component,
        substring(c.key, 1, position(c.key, '/') - 1) AS direction,
        substring(c.key, position(c.key, '/') + 1) AS name,
        JSONExtract(c.value, 'uri', 'Nullable(String)') AS uri,
        JSONExtract(c.value, 'digest', 'Nullable(String)') AS digest,
        JSONExtract(c.value, 'media_type', 'Nullable(String)') AS media_type,
        JSONExtract(c.value, 'size', 'Nullable(UInt64)') AS size,
        JSONExtractBool(c.value, 'stored')::Bool AS stored,
        -- what lineage joins on: the content where it is known, else the place, else nothing but this one mention
        coalesce(digest, uri, concat(toString(component), '/', c.key)) AS artifact,
        c.logged_at AS logged_at, c.occurred_at AS occurred_at, c.writer AS writer, c.seq AS seq
    FROM (
    {{cells: kind = 'component' AND field = 'artifact'}}
    ) AS c

-- view artifacts_at
{{artifacts}}

-- view artifact_failures_at
SELECT
    project, entity AS component,
    substring(c.key, 1, position(c.key, '/') - 1) AS direction,
    substring(c.key, position(c.key, '/') + 1) AS name,
    JSONExtractString(c.value, 'reason') AS reason,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at
FROM (
{{cells: kind = 'component' AND field = 'artifact_failed'}}
) AS c

-- view edges_at
SELECT
    project, component, artifact,
    if(direction = 'out', 'produced', 'contributed_to') AS relation,
    if(direction = 'out', toString(component), artifact) AS source,
    if(direction = 'out', 'component', 'artifact') AS source_kind,
    if(direction = 'out', artifact, toString(component)) AS target,
    if(direction = 'out', 'artifact', 'component') AS target_kind,
    name, digest, uri, media_type, occurred_at
FROM (
{{artifacts}}
)

-- view environments_at
SELECT
    project, entity AS component,
    toUInt32OrZero(substring(c.key, 1, position(c.key, '/') - 1)) AS rank,
    substring(c.key, position(c.key, '/') + 1) AS section,
    c.value AS values,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at, c.writer AS writer, c.seq AS seq
FROM (
{{cells: kind = 'component' AND field = 'env'}}
) AS c

-- view alerts_at
SELECT
    project, entity AS component, key AS event,
    JSONExtractString(c.value, 'title') AS title,
    JSONExtractString(c.value, 'text') AS text,
    JSONExtractString(c.value, 'level') AS level,
    c.rank AS rank,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at
FROM (
{{cells: kind = 'component' AND field = 'alert'}}
) AS c

-- block units
-- one row a writer, with the signs of life it gave about the component, and one an attempt of a rank
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
            *,
            arrayJoin(multiIf(
                field IN ('started', 'finished'), [(writer, ''), (toUUID('00000000-0000-0000-0000-000000000000'), key)],
                field = 'vanished', [(toUUIDOrZero(key), '')],
                [(writer, '')])) AS unit
        FROM (
        {{statements: kind = 'component'}}
        )
    ) AS s
    GROUP BY project, component, writer, run

-- view writers_at
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
    JSONExtractRaw(u.opening, 'launcher') AS launcher
FROM (
{{units}}
) AS u
WHERE u.opening != ''

-- block attempts
-- one row a rank and attempt; those that a writer belongs to and that never started have started_place 0
    SELECT
        project, component, rank, attempt,
        max(u.started_place) AS started_place,
        started_place > 0 AND started_place = max(started_place) OVER (PARTITION BY project, component, rank) AS newest,
        maxIf(u.started, u.is_run) AS started,
        max(u.world_size) AS world_size,
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
               >= toUnixTimestamp64Micro({{reference_instant}})) AS living
        FROM (
        {{units}}
        )
        -- a writer that never opened here, such as the session that attached the component, belongs to no rank
        WHERE run != '' OR opening != ''
    ) AS u
    GROUP BY project, component, rank, attempt

-- block reference_instant
-- the instant at which a heartbeat may be overdue
if({as_of:String} = '' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')),
                  now64(6, 'UTC'),
                  least(
                      parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'),
                      parseDateTime64BestEffort(
                          if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}),
                          6, 'UTC')))

-- view attempts_at
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
{{attempts}}
) AS a
WHERE a.started_place > 0

-- view components_at
SELECT
    d.project AS project, d.component AS component,
    JSONExtractString(d.opening, 'key') AS key,
    JSONExtractString(d.opening, 'name') AS name,
    JSONExtractString(d.opening, 'kind') AS kind,
    d.display_name AS display_name, d.resources AS resources, toUUIDOrNull(d.parent_text) AS parent,
    d.note AS note, d.created_at AS created_at,
    if(r.ranks = 0, NULL, r.start) AS start,
    if(r.ranks = 0 OR status IN ('running', 'lost'), NULL, r.end) AS end,
    (toUnixTimestamp64Micro(end) - toUnixTimestamp64Micro(start)) / 1000000 AS duration_s,
    multiIf(
        r.ranks = 0, '',
        r.failed > 0, 'failed',
        r.lost_ranks > 0, 'lost',
        r.stopped > 0, 'stopped',
        r.running > 0 OR r.ranks < r.world_size, 'running',
        'completed') AS status,
    JSONExtractString(r.failure, 'error', 'type') AS error_type,
    JSONExtractString(r.failure, 'error', 'message') AS error_message,
    r.ranks AS ranks, toUInt32(r.world_size) AS world_size, r.attempts AS attempts,
    r.created_by AS created_by, r.host AS host,
    if(r.writers = 0, NULL, r.last_seen) AS last_seen,
    r.lost AS lost
FROM (
    SELECT
        s.project AS project, s.entity AS component,
        argMaxIf(s.value, s.place, s.field = 'opened') AS opening,
        argMaxIf(s.text, s.place, s.key = 'display_name') AS display_name,
        argMaxIf(s.value, s.place, s.key = 'resources') AS resources,
        argMaxIf(s.text, s.place, s.key = 'parent') AS parent_text,
        argMaxIf(s.text, s.place, s.field = 'note') AS note,
        minIf(s.ordered_at, s.field = 'opened') AS created_at
    FROM (
    {{statements: kind = 'component' AND field IN ('opened', 'attr', 'note')}}
    ) AS s
    GROUP BY project, component
) AS d
LEFT JOIN (
    SELECT
        project, component,
        countIf(a.newest) AS ranks,
        countIf(a.started_place > 0) AS attempts,
        maxIf(a.world_size, a.newest) AS world_size,
        countIf(a.newest AND a.status = 'failed') AS failed,
        countIf(a.newest AND a.status = 'lost') AS lost_ranks,
        countIf(a.newest AND a.status = 'stopped') AS stopped,
        countIf(a.newest AND a.status = 'running') AS running,
        minIf(a.started, a.started_place > 0) AS start,
        maxIf(a.ended, a.newest) AS end,
        argMinIf(a.finish, a.rank, a.newest AND a.status = 'failed') AS failure,
        argMinIf(a.created_by, a.opened_place, a.opened_place > 0) AS created_by,
        argMinIf(a.host, a.opened_place, a.opened_place > 0) AS host,
        max(a.last_seen) AS last_seen,
        sum(a.writers) AS writers,
        sum(a.lost) AS lost
    FROM (
    {{attempts}}
    ) AS a
    GROUP BY project, component
) AS r ON d.project = r.project AND d.component = r.component

-- block main_line
-- the points that are left, and of those at the same step the newest
    SELECT
        p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        argMax(p.value, p.place) AS value,
        argMax(p.occurred_at, p.place) AS occurred_at,
        argMax(p.logged_at, p.place) AS logged_at,
        argMax(p.recorded_at, p.place) AS recorded_at,
        argMax(p.writer, p.place) AS writer,
        argMax(p.seq, p.place) AS seq
    FROM (
        SELECT
            project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq,
            -- as in facts: a clock more than a minute ahead of the log counts as the log's
            bitShiftLeft(toUInt256(2208988800000000 + toUnixTimestamp64Micro(
                    if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, toDateTime64(logged_at, 6, 'UTC')))), 202)
                + bitShiftLeft(toUInt256(toUInt128(writer)), 74) + seq AS place
        FROM {database}.metrics FINAL
        WHERE {{argument}} AND {{within}}
    ) AS p
    LEFT JOIN (
    {{cuts}}
    ) AS c ON p.project = c.project AND p.component = c.component
    WHERE NOT arrayExists(
        x -> x.1 = p.writer AND p.seq < x.2 AND (x.3 < 0 OR (x.3 = p.rank AND p.step > x.4)), c.cuts)
    GROUP BY project, component, metric, rank, step

-- block cuts
-- what standing deletions and rewinds take out of the main line: (writer, count, rank or -1 for all, to_step)
    SELECT
        project, entity AS component,
        groupArrayIf(key, field = 'restored') AS restored,
        arrayFilter(d -> NOT has(restored, d.1), groupArrayIf((key, place, value), field = 'deleted')) AS deletions,
        arrayMax(d -> d.2, deletions) AS horizon,
        arrayFilter(r -> r.1 > horizon AND maxIf(place, field = 'opened') > horizon,
                    groupArrayIf((place, value), field = 'rewound')) AS rewinds,
        arrayConcat(
            arrayFlatten(arrayMap(
                d -> arrayMap(a -> (a.1, a.2, toInt64(-1), -inf),
                              JSONExtract(d.3, 'abandoned', 'Array(Tuple(UUID, UInt64))')),
                deletions)),
            arrayFlatten(arrayMap(
                r -> arrayMap(a -> (a.1, a.2, JSONExtractInt(r.2, 'rank'),
                                    -- a float that JSON lacks is an object that names it
                                    ifNull(JSONExtract(r.2, 'to_step', 'Nullable(Float64)'),
                                           toFloat64OrZero(JSONExtractString(r.2, 'to_step', '$float')))),
                              JSONExtract(r.2, 'abandoned', 'Array(Tuple(UUID, UInt64))')),
                rewinds))) AS cuts
    FROM {database}.facts FINAL
    WHERE kind = 'component' AND field IN ('opened', 'deleted', 'restored', 'rewound') AND {{within}}
    GROUP BY project, component
    HAVING notEmpty(cuts)

-- view metrics_at
{{main_line: true}}

-- view summaries_at
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
FROM (
{{main_line: true}}
) AS p
GROUP BY project, component, metric, rank
