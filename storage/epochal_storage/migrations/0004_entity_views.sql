-- What is said of experiments, trials and components, one view a noun; each is a selection of cells.
-- Rollback: drop the views; nothing is stored in them.

CREATE OR REPLACE VIEW {database}.experiments_at {on_cluster} AS
SELECT
    c.project AS project, c.entity AS experiment,
    JSONExtractString(maxIf(c.value, c.field = 'opened'), 'name') AS name,
    maxIf(c.text, c.field = 'attr' AND c.key = 'hypothesis') AS hypothesis,
    maxIf(c.text, c.field = 'attr' AND c.key = 'objective') AS objective,
    maxIf(c.value, c.field = 'attr' AND c.key = 'variables') AS variables,
    JSONExtractString(maxIf(c.value, c.field = 'attr' AND c.key = 'verdict'), 'verdict') AS verdict,
    JSONExtractString(maxIf(c.value, c.field = 'attr' AND c.key = 'verdict'), 'note') AS verdict_note,
    maxIf(c.text, c.field = 'note') AS note,
    maxIf(c.first_said_at, c.field = 'opened') AS created_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE c.kind = 'experiment' AND c.field IN ('opened', 'attr', 'note')
GROUP BY project, experiment
HAVING countIf(c.field = 'opened') > 0;

CREATE OR REPLACE VIEW {database}.trials_at {on_cluster} AS
SELECT
    c.project AS project, c.entity AS trial,
    toUUIDOrZero(JSONExtractString(maxIf(c.value, c.field = 'opened'), 'experiment')) AS experiment,
    maxIf(c.text, c.field = 'attr' AND c.key = 'name') AS name,
    JSONExtractRaw(maxIf(c.value, c.field = 'opened'), 'variables') AS variables,
    maxIf(c.text, c.field = 'note') AS note,
    maxIf(c.first_said_at, c.field = 'opened') AS created_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE c.kind = 'trial' AND c.field IN ('opened', 'attr', 'note')
GROUP BY project, trial
HAVING countIf(c.field = 'opened') > 0;

CREATE OR REPLACE VIEW {database}.memberships_at {on_cluster} AS
SELECT c.project AS project, c.entity AS component, toUUIDOrZero(c.key) AS trial, c.occurred_at AS attached_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
INNER JOIN {database}.lives_at(as_of = {as_of:String}, known_at = {known_at:String}) AS l
    ON c.project = l.project AND toUUIDOrZero(c.key) = l.entity
WHERE c.kind = 'component' AND c.field = 'member' AND l.kind = 'trial' AND l.alive;

CREATE OR REPLACE VIEW {database}.param_statements_at {on_cluster} AS
SELECT
    project, entity AS component, key AS path,
    argMax(s.removed, s.place) AS removed,
    argMax(s.value, s.place) AS value,
    argMax(s.type, s.place) AS type,
    if(argMax(isNull(s.number), s.place), NULL, argMax(ifNull(s.number, 0), s.place)) AS number,
    argMax(s.text, s.place) AS text,
    argMax(s.logged_at, s.place) AS logged_at,
    argMax(s.occurred_at, s.place) AS occurred_at,
    max(s.place) AS place,
    argMax(s.writer, s.place) AS writer,
    argMax(s.seq, s.place) AS seq
FROM {database}.statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS s
WHERE s.kind = 'component' AND s.field = 'param'
GROUP BY project, component, path;

-- every path that has a dot, with each of the paths above it
CREATE OR REPLACE VIEW {database}.param_ancestors_at {on_cluster} AS
SELECT
    project, component, path, place,
    -- escaped characters are masked, so that every dot left is a border between parts
    replaceAll(replaceAll(path, '\\\\', '\0\0'), '\\.', '\0\0') AS masked,
    arrayJoin(arrayMap(
        n -> substring(path, 1, n),
        arrayFilter(n -> substring(masked, n + 1, 1) = '.', range(length(masked))))) AS ancestor
FROM {database}.param_statements_at(as_of = {as_of:String}, known_at = {known_at:String})
WHERE position(path, '.') > 0;

CREATE OR REPLACE VIEW {database}.params_at {on_cluster} AS
SELECT
    p.project AS project, p.component AS component, p.path AS path, p.value AS value, p.type AS type,
    p.number AS number, p.text AS text, p.logged_at AS logged_at, p.occurred_at AS occurred_at,
    p.writer AS writer, p.seq AS seq
FROM {database}.param_statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS p
LEFT JOIN (
    SELECT project, component, path, max(place) AS hidden_until
    FROM (
        -- a statement below hides what is above
        SELECT project, component, ancestor AS path, place
        FROM {database}.param_ancestors_at(as_of = {as_of:String}, known_at = {known_at:String})
        UNION ALL
        -- a statement above hides what is below
        SELECT a.project AS project, a.component AS component, a.path AS path, above.place AS place
        FROM {database}.param_ancestors_at(as_of = {as_of:String}, known_at = {known_at:String}) AS a
        INNER JOIN {database}.param_statements_at(as_of = {as_of:String}, known_at = {known_at:String}) AS above
            ON a.project = above.project AND a.component = above.component AND a.ancestor = above.path
    )
    GROUP BY project, component, path
) AS h ON p.project = h.project AND p.component = h.component AND p.path = h.path
WHERE NOT p.removed AND p.place > h.hidden_until;

CREATE OR REPLACE VIEW {database}.tags_at {on_cluster} AS
SELECT project, kind, entity, key AS tag, value, type, number, text, logged_at, occurred_at, writer, seq
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String})
WHERE field = 'tag';

CREATE OR REPLACE VIEW {database}.notes_at {on_cluster} AS
SELECT project, kind, entity, text AS note, logged_at, occurred_at, writer, seq
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String})
WHERE field = 'note';

CREATE OR REPLACE VIEW {database}.definitions_at {on_cluster} AS
SELECT
    project, entity AS component, key AS metric,
    JSONExtract(value, 'step', 'Nullable(String)') AS step_metric,
    JSONExtract(value, 'goal', 'Nullable(String)') AS goal,
    JSONExtract(value, 'summary', 'Nullable(String)') AS summary,
    logged_at, occurred_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String})
WHERE kind = 'component' AND field = 'define';

CREATE OR REPLACE VIEW {database}.artifacts_at {on_cluster} AS
SELECT
    project, entity AS component,
    if(startsWith(c.key, 'in/'), 'in', 'out') AS direction,
    substring(c.key, position(c.key, '/') + 1) AS name,
    JSONExtract(c.value, 'uri', 'Nullable(String)') AS uri,
    JSONExtract(c.value, 'digest', 'Nullable(String)') AS digest,
    JSONExtract(c.value, 'media_type', 'Nullable(String)') AS media_type,
    JSONExtract(c.value, 'size', 'Nullable(UInt64)') AS size,
    toBool(JSONExtractBool(c.value, 'stored')) AS stored,
    -- what lineage joins on: the content where it is known, else the place, else nothing but this one mention
    coalesce(digest, uri, concat(toString(component), '/', c.key)) AS artifact,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at, c.writer AS writer, c.seq AS seq
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE kind = 'component' AND field = 'artifact';

CREATE OR REPLACE VIEW {database}.artifact_failures_at {on_cluster} AS
SELECT
    project, entity AS component,
    if(startsWith(c.key, 'in/'), 'in', 'out') AS direction,
    substring(c.key, position(c.key, '/') + 1) AS name,
    JSONExtractString(c.value, 'reason') AS reason,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE kind = 'component' AND field = 'artifact_failed';

CREATE OR REPLACE VIEW {database}.environments_at {on_cluster} AS
SELECT
    project, entity AS component,
    toUInt32OrZero(substring(c.key, 1, position(c.key, '/') - 1)) AS rank,
    substring(c.key, position(c.key, '/') + 1) AS section,
    c.value AS values,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at, c.writer AS writer, c.seq AS seq
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE kind = 'component' AND field = 'env';

CREATE OR REPLACE VIEW {database}.alerts_at {on_cluster} AS
SELECT
    project, entity AS component, key AS event,
    JSONExtractString(c.value, 'title') AS title,
    JSONExtractString(c.value, 'text') AS text,
    JSONExtractString(c.value, 'level') AS level,
    c.rank AS rank,
    c.logged_at AS logged_at, c.occurred_at AS occurred_at
FROM {database}.cells_at(as_of = {as_of:String}, known_at = {known_at:String}) AS c
WHERE kind = 'component' AND field = 'alert';

CREATE OR REPLACE VIEW {database}.edges_at {on_cluster} AS
SELECT
    project, component, artifact, relation,
    if(relation = 'produced', toString(component), artifact) AS source,
    if(relation = 'produced', 'component', 'artifact') AS source_kind,
    if(relation = 'produced', artifact, toString(component)) AS target,
    if(relation = 'produced', 'artifact', 'component') AS target_kind,
    name, digest, uri, media_type, occurred_at
FROM (
    SELECT *, if(direction = 'out', 'produced', 'contributed_to') AS relation
    FROM {database}.artifacts_at(as_of = {as_of:String}, known_at = {known_at:String})
);
