-- Who ran: writers, attempts, the status of ranks and of components.
-- Rollback: drop the views; nothing is stored in them.

CREATE OR REPLACE VIEW {database}.writers_at {on_cluster} AS
SELECT
    o.project AS project, o.entity AS component, toUUIDOrZero(o.key) AS writer,
    toUInt32(JSONExtractUInt(o.opening, 'rank')) AS rank,
    JSONExtractString(o.opening, 'attempt') AS attempt,
    JSONExtractString(o.opening, 'role') AS role,
    toUInt32(JSONExtractUInt(o.opening, 'world_size')) AS world_size,
    JSONExtractFloat(o.opening, 'heartbeat_s') AS heartbeat_s,
    o.opened_at AS opened_at,
    g.last_seen AS last_seen,
    o.closed_at AS closed_at,
    g.greatest_seq AS greatest_seq,
    toBool(o.has_vanished) AS has_vanished,
    -- it vanished, and then more of it came in after all
    toBool(o.has_vanished AND g.greatest_seq >= o.vanished_after) AS spoke_again,
    multiIf(o.was_closed, 'closed', o.has_vanished AND NOT spoke_again, 'vanished', 'open') AS ended,
    o.lifecycle AS lifecycle, o.metrics AS metrics, o.lost AS lost,
    arraySum(arrayMap(x -> x.2, JSONExtractKeysAndValues(o.lost, 'UInt64'))) AS lost_count,
    JSONExtractString(o.opening, 'host') AS host,
    JSONExtractUInt(o.opening, 'pid') AS pid,
    JSONExtractString(o.opening, 'user') AS user,
    JSONExtract(o.opening, 'command', 'Array(String)') AS command,
    JSONExtractString(o.opening, 'python') AS python,
    JSONExtractString(o.opening, 'version') AS version,
    JSONExtractRaw(o.opening, 'launcher') AS launcher
FROM (
    SELECT
        s.project AS project, s.entity AS entity, s.key AS key,
        argMaxIf(s.value, s.place, s.field = 'writer') AS opening,
        minIf(s.occurred_at, s.field = 'writer') AS opened_at,
        countIf(s.field = 'closed') > 0 AS was_closed,
        if(was_closed, argMaxIf(s.occurred_at, s.place, s.field = 'closed'), NULL) AS closed_at,
        countIf(s.field = 'vanished') > 0 AS has_vanished,
        JSONExtractUInt(argMaxIf(s.value, s.place, s.field = 'vanished'), 'lifecycle') AS vanished_after,
        argMaxIf(s.value, s.place, s.field != 'writer') AS counted,
        JSONExtractUInt(counted, 'lifecycle') AS lifecycle,
        JSONExtractUInt(counted, 'metrics') AS metrics,
        JSONExtractRaw(counted, 'lost') AS lost
    FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
    WHERE s.kind = 'component' AND s.field IN ('writer', 'heartbeat', 'closed', 'vanished')
    GROUP BY project, entity, key
    HAVING countIf(s.field = 'writer') > 0
) AS o
INNER JOIN (
    SELECT s.project AS project, s.entity AS entity, toString(s.writer) AS key,
           max(s.ordered_at) AS last_seen, max(s.seq) AS greatest_seq
    FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
    WHERE s.kind = 'component'
    GROUP BY project, entity, key
) AS g ON o.project = g.project AND o.entity = g.entity AND o.key = g.key;

CREATE OR REPLACE VIEW {database}.attempts_at {on_cluster} AS
SELECT
    a.project AS project, a.component AS component, a.rank AS rank, a.attempt AS attempt,
    row_number() OVER (PARTITION BY a.project, a.component, a.rank ORDER BY a.opened_place) AS number,
    toBool(number = count() OVER (PARTITION BY a.project, a.component, a.rank)) AS newest,
    a.started AS started, a.world_size AS world_size,
    if(a.said_status != '', a.ended, NULL) AS ended,
    multiIf(
        a.said_status != '', a.said_status,
        w.mains = 0 OR w.living > 0, 'running',
        'lost') AS status,
    a.error_type AS error_type, a.error_message AS error_message
FROM (
    SELECT
        s.project AS project, s.entity AS component,
        toUInt32(JSONExtractUInt(s.value, 'rank')) AS rank,
        JSONExtractString(s.value, 'attempt') AS attempt,
        minIf(s.place, s.field = 'started') AS opened_place,
        minIf(s.occurred_at, s.field = 'started') AS started,
        toUInt32(maxIf(JSONExtractUInt(s.value, 'world_size'), s.field = 'started')) AS world_size,
        argMaxIf(s.value, s.place, s.field = 'finished') AS finish,
        argMaxIf(s.occurred_at, s.place, s.field = 'finished') AS ended,
        JSONExtractString(finish, 'status') AS said_status,
        JSONExtractString(finish, 'error', 'type') AS error_type,
        JSONExtractString(finish, 'error', 'message') AS error_message
    FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
    WHERE s.kind = 'component' AND s.field IN ('started', 'finished')
    GROUP BY project, component, rank, attempt
    HAVING countIf(s.field = 'started') > 0
) AS a
LEFT JOIN (
    SELECT
        project, component, rank, attempt,
        count() AS mains,
        -- a writer that closed without finishing its run falls silent like any other
        countIf(if(has_vanished, spoke_again,
            toUnixTimestamp64Micro(last_seen) + greatest(60000000, toInt64(trunc(3 * heartbeat_s * 1000000)))
            >= toUnixTimestamp64Micro(if(
                {as_of:String} = '' AND ({known_at:String} = '' OR startsWith({known_at:String}, '{')),
                now64(6, 'UTC'),
                least(
                    parseDateTime64BestEffort(if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'),
                    parseDateTime64BestEffort(
                        if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}),
                        6, 'UTC')))))) AS living
    FROM {database}.writers_at(as_of = {as_of:String}, known_at = {known_at:String})
    WHERE role = 'main'
    GROUP BY project, component, rank, attempt
) AS w ON a.project = w.project AND a.component = w.component AND a.rank = w.rank AND a.attempt = w.attempt;

CREATE OR REPLACE VIEW {database}.components_at {on_cluster} AS
SELECT
    d.project AS project, d.component AS component,
    d.key AS key, d.name AS name, d.kind AS kind, d.display_name AS display_name,
    d.resources AS resources, d.parent AS parent, d.note AS note, d.created_at AS created_at,
    if(r.ranks = 0, NULL, r.start) AS start,
    if(r.ranks = 0 OR status IN ('running', 'lost'), NULL, r.end) AS end,
    if(isNull(end) OR isNull(start), NULL, dateDiff('microsecond', assumeNotNull(start), assumeNotNull(end)) / 1e6)
        AS duration_s,
    multiIf(
        r.ranks = 0, '',
        has(r.statuses, 'failed'), 'failed',
        has(r.statuses, 'lost'), 'lost',
        has(r.statuses, 'stopped'), 'stopped',
        has(r.statuses, 'running'), 'running',
        r.ranks >= r.world_size, 'completed',
        'running') AS status,
    r.error_type AS error_type, r.error_message AS error_message,
    r.ranks AS ranks, r.world_size AS world_size, r.attempts AS attempts,
    w.created_by AS created_by, w.host AS host,
    if(w.writers = 0, NULL, w.last_seen) AS last_seen,
    w.lost AS lost
FROM (
    SELECT
        c.project AS project, c.entity AS component,
        maxIf(c.value, c.field = 'opened') AS opening,
        JSONExtractString(opening, 'key') AS key,
        JSONExtractString(opening, 'name') AS name,
        JSONExtractString(opening, 'kind') AS kind,
        maxIf(c.text, c.field = 'attr' AND c.key = 'display_name') AS display_name,
        maxIf(c.value, c.field = 'attr' AND c.key = 'resources') AS resources,
        toUUIDOrNull(maxIf(c.text, c.field = 'attr' AND c.key = 'parent')) AS parent,
        maxIf(c.text, c.field = 'note') AS note,
        maxIf(c.first_said_at, c.field = 'opened') AS created_at
    FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
    WHERE c.kind = 'component' AND c.field IN ('opened', 'attr', 'note')
    GROUP BY project, component
    HAVING countIf(c.field = 'opened') > 0
) AS d
LEFT JOIN (
    SELECT
        project, component,
        countIf(newest) AS ranks,
        count() AS attempts,
        maxIf(world_size, newest) AS world_size,
        groupUniqArrayIf(status, newest) AS statuses,
        min(started) AS start,
        maxIf(ended, newest) AS end,
        argMinIf(error_type, rank, newest AND status = 'failed') AS error_type,
        argMinIf(error_message, rank, newest AND status = 'failed') AS error_message
    FROM {database}.attempts_at(as_of = {as_of:String}, known_at = {known_at:String})
    GROUP BY project, component
) AS r ON d.project = r.project AND d.component = r.component
LEFT JOIN (
    SELECT
        project, component,
        count() AS writers,
        argMin(user, (role != 'main', rank, opened_at)) AS created_by,
        argMin(host, (role != 'main', rank, opened_at)) AS host,
        max(last_seen) AS last_seen,
        sum(lost_count) AS lost
    FROM {database}.writers_at(as_of = {as_of:String}, known_at = {known_at:String})
    GROUP BY project, component
) AS w ON d.project = w.project AND d.component = w.component;
