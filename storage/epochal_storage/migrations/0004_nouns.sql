-- The nouns without bounds: everything there is, as known now. Their columns are the documented interface;
-- `<noun>_at(as_of = '...', known_at = '...')` has the same ones at any place in both times (`metrics_at` for points).
-- Rollback: drop the views; nothing is stored in them.

CREATE OR REPLACE VIEW {database}.statements {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `kind` LowCardinality(String) COMMENT 'experiment, trial, component, action, context or association',
    `field` LowCardinality(String) COMMENT 'what kind of statement, see architecture.md',
    `entity` UUID COMMENT 'id of what the statement is about',
    `key` String COMMENT 'which of that kind: a path, a tag, a trial, a writer, ...',
    `removed` Bool COMMENT 'the statement takes the value away',
    `value` String COMMENT 'JSON text',
    `type` LowCardinality(String) COMMENT 'number, text, bool, null, list, object or repr',
    `number` Nullable(Float64) COMMENT 'the value where it is a number or a bool',
    `text` String COMMENT 'the value where it is text, without quotes',
    `rank` UInt32 COMMENT 'rank that said it',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'when the log accepted it; known_at bounds it',
    `ordered_at` DateTime64(6, 'UTC') COMMENT 'logged_at; recorded_at where the writer''s clock was more than a minute ahead of the log',
    `place` UInt256 COMMENT 'ordered_at, writer, seq and ord in one number: of statements that compete the greatest wins',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>',
    `ord` UInt32 COMMENT 'place among the statements of one event',
    `log` LowCardinality(String) COMMENT 'log that holds it',
    `offset` UInt64 COMMENT 'place in that log'
) AS SELECT * FROM {database}.statements_at(as_of = '', known_at = '')
COMMENT 'every statement of a lifecycle event that counts: within the bounds, of an entity that exists, said after its last deletion';

CREATE OR REPLACE VIEW {database}.cells {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `kind` LowCardinality(String) COMMENT 'experiment, trial, component, action, context or association',
    `entity` UUID COMMENT 'id',
    `field` LowCardinality(String) COMMENT 'what kind of statement, see architecture.md',
    `key` String COMMENT 'which of that kind',
    `value` String COMMENT 'JSON text',
    `type` String COMMENT 'number, text, bool, null, list, object or repr',
    `number` Nullable(Float64) COMMENT 'the value where it is a number or a bool',
    `text` String COMMENT 'the value where it is text, without quotes',
    `rank` UInt32 COMMENT 'rank that said it',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'when the log accepted it; known_at bounds it',
    `place` UInt256 COMMENT 'order of the statement that holds the cell',
    `first_said_at` DateTime64(6, 'UTC') COMMENT 'when the cell was first stated in this life',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.cells_at(as_of = '', known_at = '')
COMMENT 'the statement that holds each (kind, entity, field, key); what was taken away is gone';

CREATE OR REPLACE VIEW {database}.experiments {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `experiment` UUID COMMENT 'id',
    `name` String COMMENT 'unique in the project',
    `hypothesis` String COMMENT 'empty where none was given',
    `objective` String COMMENT 'empty where none was given',
    `variables` String COMMENT 'the declared space: JSON object of lists; empty where none was declared',
    `verdict` String COMMENT 'accepted, rejected, inconclusive; empty before',
    `verdict_note` String COMMENT 'the reason given with the verdict',
    `note` String COMMENT 'newest note',
    `created_at` DateTime64(6, 'UTC') COMMENT 'first opening in this life, UTC'
) AS SELECT * FROM {database}.experiments_at(as_of = '', known_at = '')
COMMENT 'one row an experiment';

CREATE OR REPLACE VIEW {database}.trials {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `trial` UUID COMMENT 'id',
    `experiment` UUID COMMENT 'id of its experiment',
    `name` String COMMENT 'display name; empty where none was given',
    `variables` String COMMENT 'JSON object: what identifies the trial',
    `note` String COMMENT 'newest note',
    `created_at` DateTime64(6, 'UTC') COMMENT 'first opening in this life, UTC'
) AS SELECT * FROM {database}.trials_at(as_of = '', known_at = '')
COMMENT 'one row a trial';

CREATE OR REPLACE VIEW {database}.memberships {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `trial` UUID COMMENT 'id of the trial',
    `attached_at` DateTime64(6, 'UTC') COMMENT 'since when, UTC'
) AS SELECT * FROM {database}.memberships_at(as_of = '', known_at = '')
COMMENT 'one row a component and trial it belongs to, where both exist';

CREATE OR REPLACE VIEW {database}.params {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `path` String COMMENT 'keys from the outside in, joined by ''.''; ''.'' and ''\\'' inside a key are escaped by ''\\''',
    `value` String COMMENT 'JSON text',
    `type` String COMMENT 'number, text, bool, null, list, object or repr',
    `number` Nullable(Float64) COMMENT 'the value where it is a number or a bool',
    `text` String COMMENT 'the value where it is text, without quotes',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.params_at(as_of = '', known_at = '')
COMMENT 'one row a parameter: a later value hides older ones at, above and below its path, unsetting those at and below';

CREATE OR REPLACE VIEW {database}.tags {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `kind` LowCardinality(String) COMMENT 'experiment, trial, component, action or context',
    `entity` UUID COMMENT 'id of what is tagged',
    `tag` String COMMENT 'the word or the key',
    `value` String COMMENT 'JSON text',
    `type` String COMMENT 'number, text, bool, null, list, object or repr',
    `number` Nullable(Float64) COMMENT 'the value where it is a number or a bool',
    `text` String COMMENT 'the value where it is text, without quotes',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.tags_at(as_of = '', known_at = '')
COMMENT 'one row a tag: a word has the value true';

CREATE OR REPLACE VIEW {database}.notes {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `kind` LowCardinality(String) COMMENT 'experiment, trial, component, action or context',
    `entity` UUID COMMENT 'id',
    `note` String COMMENT 'free text',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.notes_at(as_of = '', known_at = '')
COMMENT 'the newest note of each entity';

CREATE OR REPLACE VIEW {database}.definitions {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `metric` String COMMENT 'name',
    `step_metric` Nullable(String) COMMENT 'metric that is its x axis',
    `goal` Nullable(String) COMMENT 'min or max: which way is better',
    `summary` Nullable(String) COMMENT 'the statistic that stands for it',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it'
) AS SELECT * FROM {database}.definitions_at(as_of = '', known_at = '')
COMMENT 'what was defined of a metric';

CREATE OR REPLACE VIEW {database}.artifacts {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `direction` String COMMENT 'in or out',
    `name` String COMMENT 'name of the artifact',
    `uri` Nullable(String) COMMENT 'where it lies',
    `digest` Nullable(String) COMMENT 'sha256:<hex> of the content',
    `media_type` Nullable(String) COMMENT 'as given',
    `size` Nullable(UInt64) COMMENT 'bytes',
    `stored` Bool COMMENT 'whether the content lies in the artifact store',
    `artifact` String COMMENT 'what lineage joins on: the digest, else the uri, else <component>/<direction>/<name>',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.artifacts_at(as_of = '', known_at = '')
COMMENT 'one row a component, direction and name: what went in and what came out';

CREATE OR REPLACE VIEW {database}.artifact_failures {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `direction` String COMMENT 'in or out',
    `name` String COMMENT 'name of the artifact',
    `reason` String COMMENT 'why',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it'
) AS SELECT * FROM {database}.artifact_failures_at(as_of = '', known_at = '')
COMMENT 'content that was to be stored and could not be';

CREATE OR REPLACE VIEW {database}.environments {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `rank` UInt32 COMMENT 'rank',
    `section` String COMMENT 'code, packages, env, host, ...',
    `values` String COMMENT 'JSON object',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.environments_at(as_of = '', known_at = '')
COMMENT 'one row a rank and section of what surrounded it';

CREATE OR REPLACE VIEW {database}.alerts {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `event` String COMMENT 'id of the event, <writer>:<seq>',
    `title` String COMMENT 'title',
    `text` String COMMENT 'text',
    `level` String COMMENT 'info, warning or error',
    `rank` UInt32 COMMENT 'rank that raised it',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it'
) AS SELECT * FROM {database}.alerts_at(as_of = '', known_at = '')
COMMENT 'one row an alert';

CREATE OR REPLACE VIEW {database}.actions {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `action` UUID COMMENT 'id',
    `name` String COMMENT 'unique among the project''s actions',
    `type` String COMMENT 'approval, deployment, ...; empty where none was given',
    `properties` String COMMENT 'JSON object; empty where none were given',
    `note` String COMMENT 'newest note',
    `created_at` DateTime64(6, 'UTC') COMMENT 'first opening in this life, UTC'
) AS SELECT * FROM {database}.actions_at(as_of = '', known_at = '')
COMMENT 'one row an action: something that was done, such as an approval';

CREATE OR REPLACE VIEW {database}.contexts {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `context` UUID COMMENT 'id',
    `name` String COMMENT 'unique among the project''s contexts',
    `type` String COMMENT 'endpoint, alias, ...; empty where none was given',
    `properties` String COMMENT 'JSON object; empty where none were given',
    `note` String COMMENT 'newest note',
    `created_at` DateTime64(6, 'UTC') COMMENT 'first opening in this life, UTC'
) AS SELECT * FROM {database}.contexts_at(as_of = '', known_at = '')
COMMENT 'one row a context: something that others belong to, such as an endpoint';

CREATE OR REPLACE VIEW {database}.associations {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `association` UUID COMMENT 'id',
    `relation` String COMMENT 'ContributedTo, Produced, DerivedFrom, AssociatedWith or SameAs',
    `source_kind` String COMMENT 'artifact, component, trial, experiment, action or context',
    `source` String COMMENT 'where the edge begins: an id, or the artifact''s digest, else its uri',
    `target_kind` String COMMENT 'likewise',
    `target` String COMMENT 'where the edge ends',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream: the event is <writer>:<seq>'
) AS SELECT * FROM {database}.associations_at(as_of = '', known_at = '')
COMMENT 'one row a standing association, where both ends exist';

CREATE OR REPLACE VIEW {database}.edges {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component; of a fork the fork; of an association zeros',
    `artifact` String COMMENT 'digest, else uri, else <component>/<direction>/<name>; of forks and associations empty',
    `relation` String COMMENT 'ContributedTo, Produced, DerivedFrom, AssociatedWith or SameAs',
    `source` String COMMENT 'where the edge begins: an id, or the artifact',
    `source_kind` String COMMENT 'artifact, component, trial, experiment, action or context',
    `target` String COMMENT 'where the edge ends',
    `target_kind` String COMMENT 'likewise',
    `name` String COMMENT 'name of the artifact for this component; of an association empty',
    `digest` Nullable(String) COMMENT 'sha256:<hex>',
    `uri` Nullable(String) COMMENT 'where it lies',
    `media_type` Nullable(String) COMMENT 'as given',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it'
) AS SELECT * FROM {database}.edges_at(as_of = '', known_at = '')
COMMENT 'lineage, in the direction of time: component -Produced-> artifact, artifact -ContributedTo-> component, component -DerivedFrom-> its fork, and associations';

CREATE OR REPLACE VIEW {database}.writers {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `writer` UUID COMMENT 'id',
    `rank` UInt32 COMMENT 'rank',
    `attempt` String COMMENT 'attempt of the rank',
    `role` String COMMENT 'main, helper',
    `world_size` UInt32 COMMENT 'ranks expected',
    `heartbeat_s` Float64 COMMENT 'seconds between signs of life',
    `opened_at` DateTime64(6, 'UTC') COMMENT 'UTC',
    `last_seen` DateTime64(6, 'UTC') COMMENT 'last sign of life: that it opened, started, finished, closed, or a heartbeat, UTC',
    `closed_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'NULL where it did not say good-bye',
    `ended` String COMMENT 'closed, vanished (and nothing more came in of it) or open',
    `greatest_seq` UInt64 COMMENT 'greatest sequence number of its signs of life',
    `lifecycle` UInt64 COMMENT 'lifecycle events it said it wrote',
    `metrics` UInt64 COMMENT 'metric points it said it wrote',
    `lost` String COMMENT 'JSON object: what it could not keep, by reason',
    `lost_count` UInt64 COMMENT 'all of lost',
    `host` String COMMENT 'host name',
    `pid` UInt64 COMMENT 'process id',
    `user` String COMMENT 'user name',
    `command` Array(String) COMMENT 'command line',
    `python` String COMMENT 'version of Python',
    `version` String COMMENT 'version of Epochal',
    `launcher` String COMMENT 'JSON object: what started the ranks',
    `clock_ahead` Float64 COMMENT 'by how many seconds its clock was ahead of the log at most, where more than 60; else 0'
) AS SELECT * FROM {database}.writers_at(as_of = '', known_at = '')
COMMENT 'one row a process that wrote to a component';

CREATE OR REPLACE VIEW {database}.attempts {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `rank` UInt32 COMMENT 'rank',
    `attempt` String COMMENT 'text id of the attempt',
    `number` UInt64 COMMENT 'place in the order of opening, from 1',
    `newest` Bool COMMENT 'the attempt that counts for its rank',
    `started` DateTime64(6, 'UTC') COMMENT 'UTC',
    `world_size` UInt32 COMMENT 'ranks expected',
    `ended` Nullable(DateTime64(6, 'UTC')) COMMENT 'NULL while it has not finished',
    `status` String COMMENT 'completed, failed, stopped, lost or running',
    `error_type` String COMMENT 'class of the exception that ended it',
    `error_message` String COMMENT 'its message'
) AS SELECT * FROM {database}.attempts_at(as_of = '', known_at = '')
COMMENT 'one row an attempt of a rank of a component';

CREATE OR REPLACE VIEW {database}.components {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `key` String COMMENT 'text that identifies it in its project',
    `name` String COMMENT 'name',
    `kind` String COMMENT 'training, metadata, ...',
    `display_name` String COMMENT 'empty where none was given',
    `resources` String COMMENT 'JSON object; empty where none was given',
    `parent` Nullable(UUID) COMMENT 'component it was made inside',
    `note` String COMMENT 'newest note',
    `created_at` DateTime64(6, 'UTC') COMMENT 'first opening in this life, UTC',
    `start` Nullable(DateTime64(6, 'UTC')) COMMENT 'first start of any attempt; NULL where nothing ran',
    `end` Nullable(DateTime64(6, 'UTC')) COMMENT 'last end of the newest attempts; NULL while it runs or when it was lost',
    `duration_s` Nullable(Float64) COMMENT 'seconds from start to end',
    `status` String COMMENT 'of the newest attempt of every rank: failed > lost > stopped > running > completed; empty where nothing ran',
    `error_type` String COMMENT 'class of the exception that ended the lowest failed rank',
    `error_message` String COMMENT 'its message',
    `ranks` UInt64 COMMENT 'ranks that started',
    `world_size` UInt32 COMMENT 'ranks expected',
    `attempts` UInt64 COMMENT 'attempts of all ranks',
    `created_by` String COMMENT 'user of its first main writer',
    `host` String COMMENT 'host of its first main writer',
    `last_seen` Nullable(DateTime64(6, 'UTC')) COMMENT 'last sign of life of any writer, UTC',
    `lost` UInt64 COMMENT 'points and events that its writers could not keep'
) AS SELECT * FROM {database}.components_at(as_of = '', known_at = '')
COMMENT 'one row a component';

CREATE OR REPLACE VIEW {database}.points {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `metric` LowCardinality(String) COMMENT 'name',
    `rank` UInt32 COMMENT 'rank',
    `step` Float64 COMMENT 'step',
    `value` Float64 COMMENT 'value; NaN and infinities as logged',
    `occurred_at` DateTime64(3, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `logged_at` DateTime64(3, 'UTC') COMMENT 'the writer''s clock, UTC',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'when the log accepted it; known_at bounds it',
    `writer` UUID COMMENT 'who logged it',
    `seq` UInt64 COMMENT 'its place in the writer''s metrics stream'
) AS SELECT * FROM {database}.metrics_at(as_of = '', known_at = '')
COMMENT 'the main line: one row a series and step, after deletions and rewinds; of points at the same step the newest; a fork has the points that it continues, too';

CREATE OR REPLACE VIEW {database}.branches {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `rank` UInt32 COMMENT 'rank',
    `branch` UInt32 COMMENT '0 is what the rank logged before any rewind; each rewind begins the next',
    `newest` Bool COMMENT 'its line is the main line',
    `event` String COMMENT 'the rewind that began it, <writer>:<seq>; empty for 0',
    `began_at_step` Nullable(Float64) COMMENT 'step that was rewound to; NULL for 0',
    `began_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'when it was rewound; NULL for 0',
    `attempt` String COMMENT 'attempt that rewound; empty for 0'
) AS SELECT * FROM {database}.branches_at(as_of = '', known_at = '')
COMMENT 'one row a branch of a rank: what it logged until it was rewound, and after each rewind';

CREATE OR REPLACE VIEW {database}.branch_points {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `metric` LowCardinality(String) COMMENT 'name',
    `rank` UInt32 COMMENT 'rank',
    `branch` UInt32 COMMENT 'branch in whose line the point is; a point that several lines share has a row in each',
    `step` Float64 COMMENT 'step',
    `value` Float64 COMMENT 'value; NaN and infinities as logged',
    `occurred_at` DateTime64(3, 'UTC') COMMENT 'when it was so: time= of the caller, else logged_at; as_of bounds it',
    `logged_at` DateTime64(3, 'UTC') COMMENT 'the writer''s clock, UTC',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'when the log accepted it; known_at bounds it',
    `writer` UUID COMMENT 'who logged it',
    `seq` UInt64 COMMENT 'its place in the writer''s metrics stream'
) AS SELECT * FROM {database}.branch_points_at(as_of = '', known_at = '')
COMMENT 'the lines of all branches, also of abandoned ones as they were when they were left: one row a series, branch and step; that of the newest branch is what points shows';

CREATE OR REPLACE VIEW {database}.forks {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component that continues another',
    `rank` UInt32 COMMENT 'rank',
    `of` UUID COMMENT 'id of the component that it continues',
    `step` Float64 COMMENT 'up to which step, that one included',
    `named` Bool COMMENT 'the points that it continues are named; not where the store could not be read, and then none are',
    `event` String COMMENT 'the fork, <writer>:<seq>',
    `forked_at` DateTime64(6, 'UTC') COMMENT 'when'
) AS SELECT * FROM {database}.forks_at(as_of = '', known_at = '')
COMMENT 'one row a rank that continues the past of another component, whose points it then has as its own';

CREATE OR REPLACE VIEW {database}.repairs {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `kind` LowCardinality(String) COMMENT 'experiment, trial, component, action, context or association',
    `entity` UUID COMMENT 'id of what is repaired',
    `repair` String COMMENT 'corrected, retracted, undone, or redone: what was undone counts again',
    `field` String COMMENT 'what is corrected, as histories call it: metrics.loss, params.lr, tags.team, note, artifacts.out/model; empty where an event is undone',
    `of` String COMMENT 'the event that is undone, redone or corrected, <writer>:<seq>; empty for points and params',
    `operation` String COMMENT 'of points scale, shift, set or retract; of all else set; empty where an event is undone',
    `value` String COMMENT 'JSON text: what values are multiplied by, what is added to them, or what it is; empty where there is none',
    `number` Nullable(Float64) COMMENT 'the same where it is a number or a bool',
    `rank` Nullable(UInt32) COMMENT 'rank whose points are meant; NULL for all',
    `first_step` Nullable(Float64) COMMENT 'first step that is meant; NULL for no end',
    `last_step` Nullable(Float64) COMMENT 'last step that is meant, included; NULL for no end',
    `covers` String COMMENT 'JSON list of the streams whose points are meant: [writer, how many from the first on]',
    `reason` String COMMENT 'as given',
    `user` String COMMENT 'user whose process said it',
    `host` String COMMENT 'where',
    `logged_at` DateTime64(6, 'UTC') COMMENT 'when it was said: the writer''s clock, UTC',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'since when a corrected value is so; else logged_at',
    `recorded_at` DateTime64(6, 'UTC') COMMENT 'when the log accepted it; known_at bounds it',
    `event` String COMMENT 'the repair, <writer>:<seq>',
    `writer` UUID COMMENT 'who said it',
    `seq` UInt64 COMMENT 'its event''s place in the writer''s lifecycle stream',
    `undone_by` String COMMENT 'the event that undid it, or said something else of the same event since; empty where it counts',
    `undone` Bool COMMENT 'whether it counts no more'
) AS SELECT * FROM {database}.repairs_at(as_of = '', known_at = '')
COMMENT 'one row a value, or a range of points, that was corrected or retracted, and an event that was undone or counts again; those that count no more, too';

CREATE OR REPLACE VIEW {database}.summaries {on_cluster} (
    `project` LowCardinality(String) COMMENT 'outermost name space',
    `component` UUID COMMENT 'id of the component',
    `metric` LowCardinality(String) COMMENT 'name',
    `rank` UInt32 COMMENT 'rank',
    `count` UInt64 COMMENT 'all points',
    `nan_count` UInt64 COMMENT 'those that are NaN',
    `min` Float64 COMMENT 'of the points that are not NaN; NaN where all are',
    `argmin` Float64 COMMENT 'smallest step of the minimum',
    `max` Float64 COMMENT 'of the points that are not NaN',
    `argmax` Float64 COMMENT 'smallest step of the maximum',
    `mean` Float64 COMMENT 'of the points that are not NaN',
    `std` Nullable(Float64) COMMENT 'sample standard deviation of the points that are not NaN; NULL below two',
    `first` Float64 COMMENT 'value at the smallest step',
    `last` Float64 COMMENT 'value at the greatest step'
) AS SELECT * FROM {database}.summaries_at(as_of = '', known_at = '')
COMMENT 'statistics of every series over its main line';
