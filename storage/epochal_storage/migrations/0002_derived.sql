-- What is derived from the log and can be dropped and rebuilt from it at any time.

CREATE TABLE IF NOT EXISTS {database}.facts {on_cluster} (
    -- what is stated, of what
    project LowCardinality(String),
    kind LowCardinality(String) COMMENT 'experiment, trial or component',
    field LowCardinality(String) COMMENT 'see docs/architecture.md',
    entity UUID,
    key String,
    -- the statement
    removed Bool COMMENT 'this statement takes the value away',
    value String CODEC(ZSTD(1)) COMMENT 'JSON',
    type LowCardinality(String) COMMENT 'number, text, bool, null, list, object or repr',
    number Nullable(Float64) COMMENT 'the value where it is a number or a bool',
    text String CODEC(ZSTD(1)) COMMENT 'the value where it is text, without quotes',
    rank UInt32,
    -- when
    logged_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    recorded_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    -- where in the log
    log LowCardinality(String),
    offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    -- identity
    writer UUID,
    seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    ord UInt32 COMMENT 'place among the statements of one event',
    -- who wins: a clock more than a minute ahead of the log counts as the log's
    ordered_at DateTime64(6, 'UTC') MATERIALIZED if(logged_at > recorded_at + INTERVAL 60 SECOND, recorded_at, logged_at)
        CODEC(DoubleDelta, ZSTD(1)),
    -- ordered_at (from 1900 on), writer, seq and ord in one number that compares as they do
    place UInt256 MATERIALIZED
        bitShiftLeft(toUInt256(toUnixTimestamp64Micro(ordered_at) + 2208988800000000), 202)
        + bitShiftLeft(toUInt256(toUInt128(writer)), 74) + bitShiftLeft(toUInt256(seq), 32) + ord
        CODEC(ZSTD(1)),
    version UInt64 MATERIALIZED 9223372036854775807 - toUnixTimestamp64Micro(recorded_at)
) ENGINE = {engine}(version)
ORDER BY (project, kind, field, entity, key, writer, seq, ord)
-- most reads are about few components: with FINAL a granule is read of every part
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS {database}.partials {on_cluster} (
    -- one row of partial sums a series and block; of several the one with most points counts
    project LowCardinality(String),
    component UUID,
    metric LowCardinality(String),
    rank UInt32,
    writer UUID,
    block UInt64,
    -- all points, and those that are not NaN
    n UInt64,
    nan_count UInt64,
    min Float64,
    argmin Float64 COMMENT 'step of the minimum, the smallest if there are several',
    max Float64,
    argmax Float64,
    mean Float64 COMMENT 'of the values that are not NaN',
    m2 Float64 COMMENT 'sum of squared differences from the mean',
    first_step Float64,
    first Float64 COMMENT 'value at the smallest step',
    last_step Float64,
    last Float64 COMMENT 'value at the greatest step',
    increasing Bool COMMENT 'steps strictly increase with seq inside the block',
    -- bounds of what is in it: least and greatest
    occurred_from DateTime64(3, 'UTC'),
    occurred_until DateTime64(3, 'UTC'),
    recorded_from DateTime64(6, 'UTC'),
    recorded_until DateTime64(6, 'UTC'),
    log LowCardinality(String),
    offset_from UInt64,
    offset_until UInt64
) ENGINE = {engine}(n)
ORDER BY (project, component, metric, rank, writer, block)
SETTINGS index_granularity = 1024;
