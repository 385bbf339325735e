-- The views, as they are written. `python -m epochal_storage.views_sql` makes migrations/0003_views.sql from this
-- file: it puts each block in where {{its name}} stands. A view that called other views would be shorter to read,
-- but the engine analyses a view twice for each that it is nested in.
--
-- A block `when` something holds is a variant for readers that know it does; it must show the same rows:
--   watermark   known_at is a watermark, given as {logs:Array(String)} and {offsets:Array(Int64)} as well
--   one_log     the watermark is of one log only
--   present     there is no as_of
--   undeleted   nothing in {project:String}, the only project that is read, was ever deleted
--   unforked    no run in it continues another
--   uncut       nothing in it was ever deleted or rewound, and nothing is forked
--   original    no point in it was ever corrected or retracted
--   standing    nothing that was said in it was ever undone
--   single      no point of the series that are read can hide another
--   tidy        nor was one of them corrected or retracted, nor does a bound cut a block of theirs
--   uncopied    nor is a second copy of any stored; who asserts it without knowing counts the points that came
--   few         as tidy, but for at most four corrections, which are bound: {repair_components:Array(UUID)} and so on
--   named       of components only {components:Array(UUID)} are read
--   listed      the same, of more of them, as JSON: {components:String}
--   once        of no component anything of the field that is read was said twice
--   known       rows of entities that don't exist are left out of the answer by whoever reads it

-- block within
-- what the bounds keep of a table, from the endings of its time and offset columns: after FINAL, which has to see
-- every copy to keep the first one
({as_of:String} = '' OR {{1}}.occurred{{2}} <= parseDateTime64BestEffort(
     if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
AND {{known: {{1}} | {{2}} | {{3}}}}

-- block within when watermark
{{1}}.occurred{{2}} <= parseDateTime64BestEffort({as_of:String}, 6, 'UTC') AND {{known: {{1}} | {{2}} | {{3}}}}

-- block within when watermark, present
{{known: {{1}} | {{2}} | {{3}}}}

-- block known
-- what known_at keeps of a table: all that bounds a repair, which is true from the time of what it repairs
({known_at:String} = '' OR startsWith({known_at:String}, '{') OR {{1}}.recorded{{2}} <= parseDateTime64BestEffort(
         if({known_at:String} = '' OR startsWith({known_at:String}, '{'), '2299-01-01', {known_at:String}), 6, 'UTC'))
AND (NOT startsWith({known_at:String}, '{')
     OR {{1}}.offset{{3}} <= JSONExtract({known_at:String}, {{1}}.log, 'Nullable(UInt64)')
         -- added, and no condition of its own: that would not be evaluated where nothing passes the one before it
         + throwIf(startsWith({known_at:String}, '{') AND NOT (isValidJSON({known_at:String}) AND arrayAll(
             v -> match(v.2, '^(-1|[0-9]{1,19})$'), JSONExtractKeysAndValuesRaw({known_at:String}))),
             concat('known_at=', {known_at:String}, ' is not a watermark: {"<log>": offset, ...}, offsets from 0 on')))

-- block known when watermark
{{reached: {{1}} | {{3}}}}

-- block reached
-- the watermark covers a row
toInt64({{1}}.offset{{2}}) <= transform({{1}}.log, {logs:Array(String)}, {offsets:Array(Int64)}, toInt64(-1))

-- block reached when one_log
{{1}}.log = {logs:Array(String)}[1] AND {{1}}.offset{{2}} <= {offsets:Array(Int64)}[1]

-- block undone
-- events that count as if they had never been said: of undoing and redoing one the last word counts
SELECT project, kind, entity, toUUIDOrZero(substring(key, 1, 36)), toUInt64OrZero(substring(key, 38))
FROM {database}.facts FINAL
WHERE kind IN ('experiment', 'trial', 'component', 'action', 'context', 'association') AND field = 'undone'
  AND {{known: facts | _at | }}
GROUP BY project, kind, entity, key
HAVING NOT argMax(removed, place)

-- block stands
-- the event of a statement is not undone
({{argument}}.project, {{argument}}.kind, {{argument}}.entity, {{argument}}.writer, {{argument}}.seq) NOT IN (
{{undone}}
)

-- block stands when standing
true

-- block said
-- what the bounds keep of statements, but for those that are undone
{{within: {{argument}} | _at | }} AND {{stands: {{argument}}}}

-- block lives
-- entities that exist, and the place up to which their newest standing deletion hides statements
SELECT
    project, kind, entity,
    arrayMax(d -> if(has(groupArrayIf(key, field = 'restored'), d.1), toUInt256(0), d.2),
             groupArrayIf((key, place), field = 'deleted')) AS horizon
FROM {database}.facts FINAL
WHERE field IN ('opened', 'deleted', 'restored') AND {{said: facts}}
GROUP BY project, kind, entity
HAVING maxIf(place, field = 'opened') > horizon

-- block lives when undeleted
SELECT project, kind, entity, toUInt256(0) AS horizon
FROM {database}.facts FINAL
WHERE project = {project:String} AND field = 'opened' AND {{said: facts}}
GROUP BY project, kind, entity

-- block statements
-- FROM and WHERE: the statements that count, as s
FROM {database}.facts AS s FINAL
INNER JOIN (
{{lives}}
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE {{argument}} AND s.place > l.horizon AND {{said: s}}

-- block statements when undeleted
FROM {database}.facts AS s FINAL
WHERE {{argument}} AND s.project = {project:String} AND {{said: s}}
  AND (s.kind, s.entity) IN (
    SELECT kind, entity
    FROM {database}.facts FINAL
    WHERE project = {project:String} AND field = 'opened' AND {{said: facts}}
  )

-- block statements when undeleted, known
FROM {database}.facts AS s FINAL
WHERE {{argument}} AND s.project = {project:String} AND {{said: s}}

-- block of_entities
-- the same where the opening is among them and `opened` stands in HAVING
{{statements: {{argument}}}}

-- block of_entities when undeleted
FROM {database}.facts AS s FINAL
WHERE {{argument}} AND s.project = {project:String} AND {{said: s}}

-- block opened
true

-- block opened when undeleted
countIf(s.field = 'opened') > 0

-- block of_components
-- statements of components only
{{statements: s.kind = 'component' AND {{argument}}}}

-- block of_components when undeleted
FROM {database}.facts AS s FINAL
WHERE s.kind = 'component' AND {{argument}} AND s.project = {project:String} AND {{named: s}} AND {{said: s}}
  AND s.entity IN (
    SELECT entity
    FROM {database}.facts FINAL
    WHERE project = {project:String} AND kind = 'component' AND field = 'opened'
      AND {{named: facts}} AND {{said: facts}}
  )

-- block of_components when undeleted, known
FROM {database}.facts AS s FINAL
WHERE s.kind = 'component' AND {{argument}} AND s.project = {project:String} AND {{named: s}} AND {{said: s}}

-- block named
true

-- block named when named
{{argument}}.entity IN {components:Array(UUID)}

-- block named when listed
{{argument}}.entity IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))

-- view statements_at
SELECT
    s.project AS project, s.kind AS kind, s.field AS field, s.entity AS entity, s.key AS key,
    s.removed AS removed, s.value AS value, s.type AS type, s.number AS number, s.text AS text, s.rank AS rank,
    s.logged_at AS logged_at, s.occurred_at AS occurred_at, s.recorded_at AS recorded_at,
    s.ordered_at AS ordered_at, s.place AS place,
    s.writer AS writer, s.seq AS seq, s.ord AS ord, s.log AS log, s.offset AS offset
{{statements: s.field NOT IN ('deleted', 'restored', 'corrected', 'undone')}}

-- view cells_at
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
{{statements: s.field NOT IN ('deleted', 'restored', 'corrected', 'undone')}}
GROUP BY s.project, s.kind, s.entity, s.field, s.key
HAVING NOT argMax(s.removed, s.place)

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
{{of_entities: s.kind = 'experiment' AND s.field IN ('opened', 'attr', 'note')}}
GROUP BY s.project, s.entity
HAVING {{opened}}

-- view trials_at
WITH argMaxIf(s.value, s.place, s.field = 'opened') AS opening
SELECT
    s.project AS project, s.entity AS trial,
    toUUIDOrZero(JSONExtractString(opening, 'experiment')) AS experiment,
    argMaxIf(s.text, s.place, s.field = 'attr' AND s.key = 'name') AS name,
    JSONExtractRaw(opening, 'variables') AS variables,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
{{of_entities: s.kind = 'trial' AND s.field IN ('opened', 'attr', 'note')}}
GROUP BY s.project, s.entity
HAVING {{opened}}

-- view memberships_at
SELECT
    s.project AS project, s.entity AS component, toUUIDOrZero(s.key) AS trial,
    argMax(s.occurred_at, s.place) AS attached_at
{{of_components: s.field = 'member'}}
    AND {{of_living_trial}}
GROUP BY s.project, s.entity, s.key
HAVING NOT argMax(s.removed, s.place)

-- block of_living_trial
(s.project, toUUIDOrZero(s.key)) IN (
    SELECT project, entity
    FROM (
    {{lives}}
    )
    WHERE kind = 'trial'
)

-- block of_living_trial when undeleted
toUUIDOrZero(s.key) IN (
    SELECT entity
    FROM {database}.facts FINAL
    WHERE project = {project:String} AND kind = 'trial' AND field = 'opened' AND {{said: facts}}
      AND entity IN (
        SELECT toUUIDOrZero(key)
        FROM {database}.facts
        WHERE project = {project:String} AND kind = 'component' AND field = 'member' AND {{named: facts}}
      )
)

-- view params_at
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
    {{of_components: s.field = 'param' {{argument}}}}
    GROUP BY s.project, s.entity, s.key
    HAVING NOT argMax(s.removed, s.place)
)
WHERE (project, component, path) NOT IN (
{{hidden_params: {{argument}}}}
)

-- block hidden_params
-- paths that a later statement at a path above or below them hides; one that takes away hides nothing above
SELECT upper.project, upper.entity, if(lower.said > upper.place, upper.key, lower.key)
FROM (
    SELECT s.project AS project, s.entity AS entity, s.key AS key, max(s.place) AS place
    {{of_components: s.field = 'param' {{argument}} AND {{dotted}}}}
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
    {{of_components: s.field = 'param' AND position(s.key, '.') > 0 {{argument}} AND {{dotted}}}}
    GROUP BY s.project, s.entity, s.key
) AS lower ON upper.project = lower.project AND upper.entity = lower.entity AND upper.key = lower.above
WHERE lower.said > upper.place OR upper.place > lower.place

-- block dotted
-- components that have a path of several parts: of most there is nothing else to be read
(s.project, s.entity) IN (
    SELECT project, entity
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'param' AND position(key, '.') > 0
)

-- view tags_at
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
{{statements: s.field = 'tag'}}
GROUP BY s.project, s.kind, s.entity, s.key
HAVING NOT argMax(s.removed, s.place)

-- view notes_at
SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity,
    argMax(s.text, s.place) AS note,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
{{statements: s.field = 'note'}}
GROUP BY s.project, s.kind, s.entity

-- block newest_of
-- SELECT: the newest value of each key of a field of components, as json
SELECT
    s.project AS project, s.entity AS component, s.key AS key,
    argMax(s.value, s.place) AS json,
    argMax(s.rank, s.place) AS rank,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
{{of_components: s.field = '{{argument}}'}}
GROUP BY s.project, s.entity, s.key

-- block newest_of when once
SELECT
    s.project AS project, s.entity AS component, s.key AS key, s.value AS json, s.rank AS rank,
    s.logged_at AS logged_at, s.occurred_at AS occurred_at, s.writer AS writer, s.seq AS seq
{{of_components: s.field = '{{argument}}' AND NOT s.removed}}

-- view definitions_at
SELECT
    project, component, key AS metric,
    JSONExtract(json, 'step', 'Nullable(String)') AS step_metric,
    JSONExtract(json, 'goal', 'Nullable(String)') AS goal,
    JSONExtract(json, 'summary', 'Nullable(String)') AS summary,
    logged_at, occurred_at
FROM (
{{newest_of: define}}
)

-- block of_mention
substring(key, 1, position(key, '/') - 1) AS direction,
    substring(key, position(key, '/') + 1) AS name,
    JSONExtract(json, 'uri', 'Nullable(String)') AS uri,
    JSONExtract(json, 'digest', 'Nullable(String)') AS digest,
    JSONExtract(json, 'media_type', 'Nullable(String)') AS media_type,
    JSONExtract(json, 'size', 'Nullable(UInt64)') AS size,
    JSONExtractBool(json, 'stored')::Bool AS stored,
    -- what lineage joins on: the content where it is known, else the place, else nothing but this one mention
    coalesce(digest, uri, concat(toString(component), '/', key)) AS artifact,

-- block artifacts
SELECT
    project, component,
    {{of_mention}}
    logged_at, occurred_at, writer, seq
FROM (
{{newest_of: artifact}}
)

-- view artifacts_at
{{artifacts}}

-- view artifact_failures_at
SELECT
    project, component,
    substring(key, 1, position(key, '/') - 1) AS direction,
    substring(key, position(key, '/') + 1) AS name,
    JSONExtractString(json, 'reason') AS reason,
    logged_at, occurred_at
FROM (
{{newest_of: artifact_failed}}
)

-- block declared
-- SELECT: actions or contexts, by their kind
SELECT
    s.project AS project, s.entity AS {{argument}},
    JSONExtractString(argMaxIf(s.value, s.place, s.field = 'opened'), 'name') AS name,
    argMaxIf(s.text, s.place, s.key = 'type') AS type,
    argMaxIf(s.value, s.place, s.key = 'properties') AS properties,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
{{of_entities: s.kind = '{{argument}}' AND s.field IN ('opened', 'attr', 'note')}}
GROUP BY s.project, s.entity
HAVING {{opened}}

-- view actions_at
{{declared: action}}

-- view contexts_at
{{declared: context}}

-- block associations
-- standing associations, whether their ends exist or not
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
    {{of_entities: s.kind = 'association' AND s.field IN ('opened', 'ends')}}
    GROUP BY s.project, s.entity
    HAVING {{opened}} AND NOT ended
)

-- block associated
-- standing associations between what exists; artifacts always do
SELECT *
FROM (
{{associations}}
)
WHERE (source_kind = 'artifact' OR (project, source_kind, toUUIDOrZero(source)) IN ({{living}}))
  AND (target_kind = 'artifact' OR (project, target_kind, toUUIDOrZero(target)) IN ({{living}}))

-- block living
-- entities that exist, of those that are ends of associations
SELECT project, kind, entity
FROM (
{{lives}}
)
WHERE entity IN (
    SELECT arrayJoin([
        toUUIDOrZero(JSONExtractString(value, 'source')), toUUIDOrZero(JSONExtractString(value, 'target'))])
    FROM {database}.facts
    WHERE kind = 'association' AND field = 'ends'
)

-- view associations_at
{{associated}}

-- view edges_at
SELECT
    project, component, artifact,
    if(direction = 'out', 'Produced', 'ContributedTo') AS relation,
    if(direction = 'out', toString(component), artifact) AS source,
    if(direction = 'out', 'component', 'artifact') AS source_kind,
    if(direction = 'out', artifact, toString(component)) AS target,
    if(direction = 'out', 'artifact', 'component') AS target_kind,
    name, digest, uri, media_type, occurred_at
FROM (
{{artifacts}}
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
    {{forks}}
    )
    UNION ALL
    SELECT
        project, toUUID('00000000-0000-0000-0000-000000000000') AS component,
        relation, source, source_kind, target, target_kind, occurred_at
    FROM (
    {{associated}}
    )
) AS a
GROUP BY a.project, a.relation, a.source, a.source_kind, a.target, a.target_kind

-- view environments_at
SELECT
    project, component,
    toUInt32OrZero(substring(key, 1, position(key, '/') - 1)) AS rank,
    substring(key, position(key, '/') + 1) AS section,
    json AS values,
    logged_at, occurred_at, writer, seq
FROM (
{{newest_of: env}}
) AS e

-- view alerts_at
SELECT
    project, component, key AS event,
    JSONExtractString(json, 'title') AS title,
    JSONExtractString(json, 'text') AS text,
    JSONExtractString(json, 'level') AS level,
    rank, logged_at, occurred_at
FROM (
{{newest_of: alert}}
)

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
            s.project AS project, s.entity AS entity, s.field AS field, s.key AS key, s.value AS value,
            s.occurred_at AS occurred_at, s.ordered_at AS ordered_at, s.place AS place, s.seq AS seq,
            arrayJoin(multiIf(
                s.field IN ('started', 'finished'),
                [(s.writer, ''), (toUUID('00000000-0000-0000-0000-000000000000'), s.key)],
                s.field = 'vanished', [(toUUIDOrZero(s.key), '')],
                [(s.writer, '')])) AS unit
        {{of_components: s.field IN ('started', 'finished', 'writer', 'heartbeat', 'closed', 'vanished')}}
    ) AS s
    GROUP BY project, component, writer, run

-- block clocks_ahead
-- of writers whose clock was more than a minute ahead of the log, by how many seconds at most: such an event counts as
-- said when it was recorded, so that is since when the mark is true. What no copy of it shows is looked for in nothing
-- but two columns.
SELECT
    e.project AS project, e.writer AS writer,
    max(toUnixTimestamp64Micro(e.logged_at) - toUnixTimestamp64Micro(e.recorded_at)) / 1000000 AS ahead
FROM {database}.events AS e FINAL
WHERE e.writer IN (SELECT writer FROM {database}.events WHERE logged_at > recorded_at + INTERVAL 60 SECOND)
  AND e.logged_at > e.recorded_at + INTERVAL 60 SECOND
  AND ({as_of:String} = '' OR e.recorded_at <= parseDateTime64BestEffort(
       if({as_of:String} = '', '2299-01-01', {as_of:String}), 6, 'UTC'))
  AND {{known: e | _at | }}
GROUP BY e.project, e.writer

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
    JSONExtractRaw(u.opening, 'launcher') AS launcher,
    a.ahead AS clock_ahead
FROM (
{{units}}
) AS u
LEFT JOIN (
{{clocks_ahead}}
) AS a ON u.project = a.project AND u.writer = a.writer
WHERE u.opening != ''

-- block attempts
-- one row a rank and attempt; those that a writer belongs to and that never started have started_place 0
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

-- block reference_instant when watermark, present
now64(6, 'UTC')

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

-- block described
-- what was said of components, but for how they ran
SELECT
    s.project AS project, s.entity AS component,
    argMaxIf(s.value, s.place, s.field = 'opened') AS opening,
    argMaxIf(s.text, s.place, s.key = 'display_name') AS display_name,
    argMaxIf(s.value, s.place, s.key = 'resources') AS resources,
    argMaxIf(s.text, s.place, s.key = 'parent') AS parent_text,
    argMaxIf(s.text, s.place, s.field = 'note') AS note,
    minIf(s.ordered_at, s.field = 'opened') AS created_at
{{of_entities: s.kind = 'component' AND s.field IN ('opened', 'attr', 'note') AND {{named: s}}}}
GROUP BY s.project, s.entity
HAVING {{opened}}

-- view components_at
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
{{described}}
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
        {{attempts}}
        ) AS a
        GROUP BY project, component
    )
) AS r ON d.project = r.project AND d.component = r.component

-- block repairs
-- what corrections say of the points of a writer, in order: how many of them are meant, of which rank (-1 for all), from
-- which step to which, what to do, with what
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
    {{corrections}}
    ) AS s
    ARRAY JOIN JSONExtract(s.value, 'covers', 'Array(Tuple(UUID, UInt64))') AS cover
    GROUP BY project, component, writer, s.value, s.place
)
GROUP BY project, component, metric, writer

-- block corrections
-- corrections that stand, in the present life of a component: whenever they were said, if known_at knows of them
SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
INNER JOIN (
{{lives}}
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.kind = 'component' AND s.field = 'corrected' AND s.place > l.horizon
  AND {{known: s | _at | }} AND {{stands: s}}

-- block corrections when undeleted
-- forks read the points of others as these are corrected
SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
WHERE s.project = {project:String} AND s.kind = 'component' AND s.field = 'corrected'
  AND {{known: s | _at | }} AND {{stands: s}}
  AND s.entity IN (
    SELECT entity
    FROM {database}.facts FINAL
    WHERE project = {project:String} AND kind = 'component' AND field = 'opened'
      AND {{said: facts}}
  )

-- block corrections when undeleted, unforked
SELECT s.project AS project, s.entity AS entity, s.value AS value, s.place AS place
FROM {database}.facts AS s FINAL
WHERE s.project = {project:String} AND s.kind = 'component' AND s.field = 'corrected'
  AND {{named: s}} AND {{known: s | _at | }} AND {{stands: s}}
  AND s.entity IN (
    SELECT entity
    FROM {database}.facts FINAL
    WHERE project = {project:String} AND kind = 'component' AND field = 'opened'
      AND {{named: facts}} AND {{said: facts}}
  )

-- block correcting
-- events that correct cells
FROM {database}.events
WHERE (type = 'epochal.params.corrected'
       OR type IN ('epochal.tags.set', 'epochal.note.written', 'epochal.artifact.logged')
          AND JSONHas(payload, 'data', 'correction'))

-- block repairing
-- statements that repair something, whether they stand or not: of entities that exist, said after their last deletion
SELECT
    s.project AS project, s.kind AS kind, s.entity AS entity, s.field AS field, s.key AS key, s.removed AS removed,
    s.value AS value, s.type AS type, s.number AS number, if(s.field = 'corrected', s.value, '') AS correction,
    s.logged_at AS logged_at, s.occurred_at AS occurred_at, s.recorded_at AS recorded_at, s.place AS place,
    s.writer AS writer, s.seq AS seq, concat(toString(s.writer), ':', toString(s.seq)) AS event
FROM {database}.facts AS s FINAL
INNER JOIN (
{{lives}}
) AS l ON s.project = l.project AND s.kind = l.kind AND s.entity = l.entity
WHERE s.place > l.horizon
  AND (s.field IN ('corrected', 'undone') AND {{known: s | _at | }}
       OR s.field IN ('param', 'tag', 'note', 'artifact') AND (s.project, s.writer, s.seq) IN (SELECT project, writer, seq {{correcting}})
           AND {{within: s | _at | }})

-- view repairs_at
-- an event is undone where the last word about it says so; and a word about an event where another one follows
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
    {{repairing}}
    )
) AS r
LEFT JOIN (
    SELECT
        project, kind, entity, key, argMax(concat(toString(writer), ':', toString(seq)), place) AS event
    FROM {database}.facts FINAL
    WHERE field = 'undone' AND {{known: facts | _at | }}
    GROUP BY project, kind, entity, key
    HAVING NOT argMax(removed, place)
) AS w ON r.project = w.project AND r.kind = w.kind AND r.entity = w.entity AND r.event = w.key
LEFT JOIN (
    SELECT DISTINCT
        project, writer, seq, JSONExtractString(payload, 'data', 'correction', 'of') AS of,
        if(of = '', JSONExtractString(payload, 'data', 'reason'),
           JSONExtractString(payload, 'data', 'correction', 'reason')) AS reason
    {{correcting}}
) AS c ON r.project = c.project AND r.writer = c.writer AND r.seq = c.seq
LEFT JOIN (
    SELECT
        e.project AS project, e.writer AS writer,
        JSONExtractString(e.payload, 'data', 'user') AS user, JSONExtractString(e.payload, 'data', 'host') AS host
    FROM {database}.events AS e FINAL
    WHERE e.seq = 0 AND e.type = 'epochal.writer.opened' AND {{known: e | _at | }}
      AND e.writer IN (
        SELECT writer FROM {database}.facts WHERE field IN ('corrected', 'undone')
        UNION ALL
        SELECT writer {{correcting}}
      )
) AS o ON r.project = o.project AND r.writer = o.writer

-- block logged_points
-- the points p as they were logged, with the repairs m of their writers
FROM {database}.metrics AS p FINAL
LEFT JOIN (
{{repairs}}
) AS m ON p.project = m.project AND p.component = m.component AND p.metric = m.metric AND p.writer = m.writer

-- block logged_points when original
FROM {database}.metrics AS p FINAL

-- block covers
x.2 > p.seq AND (x.3 < 0 OR x.3 = p.rank) AND p.step >= x.4 AND p.step <= x.5

-- block value
-- the value of a point after all corrections that cover it, one after the other
arrayFold(
    (value, x) -> multiIf(
        NOT ({{covers}}), value,
        x.6 = 'scale', value * x.7,
        x.6 = 'shift', value + x.7,
        x.6 = 'set', x.7,
        value),
    m.repairs, p.value)

-- block value when original
p.value

-- block kept
-- it was not retracted
NOT arrayExists(x -> x.6 = 'retract' AND {{covers}}, m.repairs)

-- block kept when original
true

-- block main_line
-- the points that are left, and of those at the same step the newest: the one that no other follows at its step; with
-- conditions on p for own points, and on component and metric for those of others that forks continue
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
    {{own_and_continued: {{1}} | {{2}}}}
    ) AS p
    LEFT JOIN (
    {{cuts}}
    ) AS c ON p.project = c.project AND p.component = c.component
    WHERE NOT arrayExists(
          x -> x.1 = p.writer AND p.seq < x.2 AND (x.3 < 0 OR (x.3 = p.rank AND p.step > x.4)), c.cuts)
)
WHERE step != next_step

-- block main_line when uncut
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM (
    SELECT
        p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        {{value}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq,
        leadInFrame(p.step, 1, nan) OVER (
            PARTITION BY p.project, p.component, p.metric, p.rank
            ORDER BY p.step, if(p.logged_at > p.recorded_at + INTERVAL 60 SECOND, p.recorded_at, p.logged_at),
                     toUInt128(p.writer), p.seq
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS next_step
    {{logged_points}}
    WHERE {{1}} AND {{within: p | _at | }} AND {{kept}}
)
WHERE step != next_step

-- block main_line when single
SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    {{value}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq
{{logged_points}}
WHERE {{1}} AND {{within: p | _at | }} AND {{kept}}

-- block main_line when few
WITH
    {{repaired: 1 | p.value}} AS once,
    {{repaired: 2 | once}} AS twice,
    {{repaired: 3 | twice}} AS thrice
SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    {{repaired: 4 | thrice}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at,
    p.recorded_at AS recorded_at, p.writer AS writer, p.seq AS seq
FROM {database}.metrics AS p FINAL
WHERE {{1}} AND {{within: p | _at | }}
  AND NOT {{retracted: 1}} AND NOT {{retracted: 2}} AND NOT {{retracted: 3}} AND NOT {{retracted: 4}}

-- block meant
-- a bound correction covers a point; where there are fewer its count is 0
(p.seq < {repair_counts:Array(UInt64)}[{{argument}}]
 AND p.component = {repair_components:Array(UUID)}[{{argument}}]
 AND p.metric = {repair_metrics:Array(String)}[{{argument}}]
 AND p.writer = {repair_writers:Array(UUID)}[{{argument}}]
 AND ({repair_ranks:Array(Int64)}[{{argument}}] < 0 OR p.rank = {repair_ranks:Array(Int64)}[{{argument}}])
 AND p.step >= {repair_first_steps:Array(Float64)}[{{argument}}]
 AND p.step <= {repair_last_steps:Array(Float64)}[{{argument}}])

-- block repaired
-- a value after one of the bound corrections
multiIf(
    NOT {{meant: {{1}}}}, {{2}},
    {repair_operations:Array(String)}[{{1}}] = 'scale', {{2}} * {repair_operands:Array(Float64)}[{{1}}],
    {repair_operations:Array(String)}[{{1}}] = 'shift', {{2}} + {repair_operands:Array(Float64)}[{{1}}],
    {repair_operands:Array(Float64)}[{{1}}])

-- block retracted
({repair_operations:Array(String)}[{{argument}}] = 'retract' AND {{meant: {{argument}}}})

-- block main_line when tidy
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM {database}.metrics AS p FINAL
WHERE {{1}} AND {{within: p | _at | }}

-- block main_line when tidy, uncopied
SELECT project, component, metric, rank, step, value, occurred_at, logged_at, recorded_at, writer, seq
FROM {database}.metrics AS p
WHERE {{1}} AND {{within: p | _at | }}

-- block own_and_continued
SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    {{value}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
{{logged_points}}
WHERE {{1}} AND {{within: p | _at | }} AND {{kept}}
UNION ALL
SELECT *
FROM (
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
        {{value}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
        p.writer AS writer, p.seq AS seq, f.generation AS generation
    {{logged_points}}
    INNER JOIN (
    {{continued}}
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE {{is_continued}} AND {{within: p | _at | }} AND {{kept}}
      AND p.seq >= f.first_seq AND p.seq < f.until_seq AND p.step <= f.to_step
)
WHERE {{2}}

-- block own_and_continued when unforked
SELECT
    p.project AS project, p.component AS component, p.metric AS metric, p.rank AS rank, p.step AS step,
    {{value}} AS value, p.occurred_at AS occurred_at, p.logged_at AS logged_at, p.recorded_at AS recorded_at,
    p.writer AS writer, p.seq AS seq, toUInt32(4294967295) AS generation
{{logged_points}}
WHERE {{1}} AND {{within: p | _at | }} AND {{kept}}

-- block is_continued
-- a quick condition on p that holds wherever forks continue it; what the machine did is nobody's past
(p.project, p.component) IN (
    SELECT project, arrayJoin(JSONExtract(value, 'past', '{{pieces}}').1)
    FROM {database}.facts
    WHERE kind = 'component' AND field = 'forked' AND {{named: facts}})
AND NOT startsWith(p.metric, 'sys/')

-- block pieces
Array(Tuple(UUID, UUID, UInt64, UInt64, Float64))

-- block continued
-- what forks continue: a row a piece of the points of another component; at one step the greater generation wins
SELECT
    project, component, rank, piece.1 AS source, piece.2 AS writer, piece.3 AS first_seq, piece.4 AS until_seq,
    piece.5 AS to_step, generation
FROM (
    SELECT project, component, rank, JSONExtract(fork.2, 'past', '{{pieces}}') AS past
    FROM (
    {{forks}}
    )
)
ARRAY JOIN past AS piece, arrayMap(p -> toUInt32(indexOf(past.1, p.1)), past) AS generation

-- block forks
-- the fork of each rank that counts, as (event, value, occurred_at): the first that names what it continues, else the
-- first
SELECT
    s.project AS project, s.entity AS component, s.rank AS rank,
    argMin((s.key, s.value, s.occurred_at), (JSONType(s.value, 'past') != 'Array', s.place)) AS fork
{{of_components: s.field = 'forked'}}
GROUP BY s.project, s.entity, s.rank

-- view forks_at
SELECT
    f.project AS project, f.component AS component, f.rank AS rank,
    toUUIDOrZero(JSONExtractString(f.fork.2, 'of')) AS of,
    JSONExtractFloat(f.fork.2, 'step') AS step,
    (JSONType(f.fork.2, 'past') = 'Array')::Bool AS named,
    f.fork.1 AS event, f.fork.3 AS forked_at
FROM (
{{forks}}
) AS f

-- block components_with_cuts
SELECT project, entity FROM {database}.facts WHERE kind = 'component' AND field IN ('deleted', 'rewound', 'forked')

-- block cuts
-- what standing deletions and rewinds take out of the main line: (writer, count, rank or -1 for all, to_step)
SELECT
    project, component,
    arrayConcat(
        arrayMap(a -> (a.1, a.2, toInt64(-1), 0.), deleted),
        arrayFlatten(arrayMap(r -> arrayMap(a -> (a.1, a.2, toInt64(r.3), r.4), r.5), rewinds))) AS cuts
FROM (
{{taken_out}}
)

-- block taken_out
-- a row a component: the points that standing deletions name, (writer, count); and the rewinds that count, in their
-- order: (place, event, rank, to_step, [(writer, count), ...])
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
              AND {{said: facts}} AND (project, entity) IN ({{components_with_cuts}})
        ) AS f
        GROUP BY project, component
    )
)

-- view metrics_at
{{main_line: true | true}}

-- view branch_points_at
-- a point is in the line of the branch that it was logged on, which the first rewind to name it left behind (the newest
-- where none does), and of every later one until a rewind that names it leads to a step before its own
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
        {{own_and_continued: true | true}}
        ) AS p
        LEFT JOIN (
        {{taken_out}}
        ) AS c ON p.project = c.project AND p.component = c.component
        WHERE NOT arrayExists(a -> a.1 = p.writer AND p.seq < a.2, c.deleted)
    )
    ARRAY JOIN branches AS branch
)
WHERE step != next_step

-- view branch_points_at when uncut
SELECT project, component, metric, rank, toUInt32(0) AS branch, step, value, occurred_at, logged_at, recorded_at,
       writer, seq
FROM (
{{main_line: true | true}}
)

-- view branches_at
-- branch 0 of every rank of whom a writer, a start or a rewind tells, and one more for each rewind
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
    {{of_components: s.field IN ('writer', 'started', 'rewound')}}
    GROUP BY s.project, s.entity, s.rank
) AS b

-- block sortable
-- a float that is not NaN as an integer that compares as it does
bitXor(reinterpretAsUInt64({{argument}} + 0.), if({{argument}} < 0, 18446744073709551615, 9223372036854775808))

-- block unsorted
-- the float back from the lower half of an integer
reinterpretAsFloat64(bitXor(toUInt64({{argument}}), if(toUInt64({{argument}}) >= 9223372036854775808, 9223372036854775808, 18446744073709551615)))

-- block value_and_step
-- one integer whose minimum is the least value, at the least step that has it
bitShiftLeft(toUInt128({{sortable: {{1}}}}), 64) + {{sortable: {{2}}}}

-- block has_cuts
(project, component) IN ({{components_with_cuts}})

-- block has_cuts when uncut
false

-- block has_repairs
(project, component, metric) IN (
    SELECT project, entity, JSONExtractString(value, 'metric')
    FROM (
    {{corrections}}
    )
)

-- block has_repairs when original
false

-- block seen_blocks
-- Blocks of points: whether all of one (whole), or any of it (touched), lies within the bounds, and whether its series
-- is tidy: no point of it can hide another and none was repaired, so that partial sums of its blocks may be merged.
SELECT
    *,
    min(increasing AND NOT has_cuts AND NOT has_repairs AND NOT (touched AND extreme) AND step_before < first_step)
        OVER (PARTITION BY project, component, metric, rank) AS tidy
FROM (
    WITH greatest(abs(min), abs(max)) AS size
    SELECT
        project, component, metric, rank, writer, block, n, nan_count, min, argmin, max, argmax, mean, m2,
        first_step, first, last_step, last, increasing,
        ifNull({{within: partials | _until | _until}}, false) AS whole,
        ifNull({{within: partials | _from | _from}}, false) AS touched,
        -- the squares of such values leave what a double can hold
        n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140 AS extreme,
        {{has_cuts}} AS has_cuts,
        {{has_repairs}} AS has_repairs,
        lagInFrame(last_step, 1, -inf) OVER (
            PARTITION BY project, component, metric, rank ORDER BY first_step, last_step
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS step_before
    FROM {database}.partials FINAL
    WHERE {{argument}}
)

-- block tidiness
-- for readers: of which series no point can hide another (single), which of these are tidy, with no block that a bound
-- cuts, or but for corrections would be (few); how many points of such blocks the bounds keep, and how far they reach,
-- whatever the bounds
WITH
    greatest(abs(min), abs(max)) AS size,
    ifNull({{within: partials | _until | _until}}, false) AS whole
SELECT
    component, metric, rank,
    min(first_step) AS low, max(last_step) AS high, sum(n) AS points, sumIf(n, whole) AS kept, sum(nan_count) AS nans,
    max({{has_repairs}}) AS repaired,
    arraySort(groupArray((first_step, last_step))) AS spans,
    min(increasing AND NOT {{has_cuts}})
        AND arrayAll((one, next) -> one.2 < next.1, arrayPopBack(spans), arrayPopFront(spans)) AS single,
    single AND min(
        (whole OR NOT ifNull({{within: partials | _from | _from}}, false))
        AND NOT (n > nan_count AND size != 0 AND NOT isInfinite(size) AND NOT size BETWEEN 1e-120 AND 1e140)) AS few,
    few AND NOT repaired AS tidy
FROM {{series: FINAL}}
WHERE {{argument}}
GROUP BY component, metric, rank

-- block series
-- the blocks of all series, as a table: those that forks continue in part may say a little too much
(
    SELECT
        project, component, metric, rank, n, nan_count, min, max, first_step, last_step, increasing,
        occurred_from, occurred_until, recorded_from, recorded_until, log, offset_from, offset_until
    FROM {database}.partials {{argument}}
    UNION ALL
    SELECT
        p.project AS project, f.component AS component, p.metric AS metric, p.rank AS rank,
        p.n AS n, p.nan_count AS nan_count, p.min AS min, p.max AS max,
        p.first_step AS first_step, least(p.last_step, f.to_step) AS last_step, p.increasing AS increasing,
        p.occurred_from AS occurred_from, p.occurred_until AS occurred_until,
        p.recorded_from AS recorded_from, p.recorded_until AS recorded_until,
        p.log AS log, p.offset_from AS offset_from, p.offset_until AS offset_until
    FROM {database}.partials AS p FINAL
    INNER JOIN (
    {{continued}}
    ) AS f ON p.project = f.project AND p.component = f.source AND p.rank = f.rank AND p.writer = f.writer
    WHERE {{is_continued}} AND p.first_step <= f.to_step
      AND (p.block + 1) * 4096 > f.first_seq AND p.block * 4096 < f.until_seq
) AS partials

-- block series when unforked
{database}.partials {{argument}}

-- block parts_from_blocks
-- the sums of blocks, as parts of summaries
SELECT
    project, component, metric, rank,
    n AS count, nan_count,
    if(n = nan_count, inf, min) AS least,
    if(n = nan_count, -inf, max) AS greatest,
    {{value_and_step: least | argmin}} AS least_at,
    {{value_and_step: (-greatest) | argmax}} AS greatest_at,
    (toInt64(n - nan_count), if(n = nan_count, 0., mean), if(n = nan_count, 0., m2)) AS moments,
    1. AS scale,
    first_step, first, last_step, last
FROM {{whole_blocks: {{argument}}}}

-- block whole_blocks
-- FROM and WHERE: the blocks of tidy series that lie within the bounds
(
{{seen_blocks: {{argument}}}}
)
WHERE tidy AND whole

-- block whole_blocks when tidy
{database}.partials FINAL
WHERE {{argument}} AND ifNull({{within: partials | _until | _until}}, false)

-- block whole_blocks when few
{database}.partials FINAL
WHERE {{argument}} AND ifNull({{within: partials | _until | _until}}, false)
  AND NOT {{corrected_series}}

-- block parts_from_points
-- the same from points: of the blocks that a bound cuts, and of all of a series that is not tidy; deviations of values
-- that are too great or small to be squared are taken on a scale of their own, a power of two
SELECT
    project, component, metric, rank,
    count() AS count,
    countIf(isNaN(p.value)) AS nan_count,
    if(nan_count = count, inf, minIf(p.value, NOT isNaN(p.value))) AS least,
    if(nan_count = count, -inf, maxIf(p.value, NOT isNaN(p.value))) AS greatest,
    if(nan_count = count, bitNot(toUInt128(0)), minIf({{value_and_step: p.value | p.step}}, NOT isNaN(p.value))) AS least_at,
    if(nan_count = count, bitNot(toUInt128(0)), minIf({{value_and_step: (-p.value) | p.step}}, NOT isNaN(p.value)))
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
{{untidy_points: {{argument}}}}
) AS p
GROUP BY project, component, metric, rank

-- block untidy_points
{{main_line: (p.project, p.component, p.metric, p.rank, p.writer, intDiv(p.seq, 4096)) IN (
    SELECT project, component, metric, rank, writer, block
    FROM (
    {{seen_blocks: {{argument}}}}
    )
    WHERE touched AND NOT (tidy AND whole)) | {{argument}}}}

-- block untidy_points when few
{{main_line: {{argument}} AND {{corrected_series}} | true}}

-- block corrected_series
({{corrected: 1}} OR {{corrected: 2}} OR {{corrected: 3}} OR {{corrected: 4}})

-- block corrected
(component = {repair_components:Array(UUID)}[{{argument}}] AND metric = {repair_metrics:Array(String)}[{{argument}}])

-- block summaries
-- Chan's formula over whatever parts a series has: deviations from the common mean, never sums of squares
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
    if(values = 0, nan, {{unsorted: min(u.least_at)}}) AS argmin,
    if(values = 0, nan, max(u.greatest)) AS max,
    if(values = 0, nan, {{unsorted: min(u.greatest_at)}}) AS argmax,
    if(values = 0, nan, average) AS mean,
    if(values < 2, NULL, sqrt(squares / (values - 1)) / max(u.scale)) AS std,
    argMin(u.first, u.first_step) AS first,
    argMax(u.last, u.last_step) AS last
FROM (
{{parts: {{argument}}}}
) AS u
GROUP BY project, component, metric, rank

-- block parts
{{parts_from_blocks: {{argument}}}}
UNION ALL
{{parts_from_points: {{argument}}}}

-- block parts when tidy
{{parts_from_blocks: {{argument}}}}

-- view summaries_at
{{summaries: true}}

-- block wanted
component IN (SELECT arrayJoin(JSONExtract({components:String}, 'Array(UUID)')))

-- view summaries_of
{{summaries: {{wanted}}}}
