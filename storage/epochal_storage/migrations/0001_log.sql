-- The log: every event, every metric point, and what was accepted when. Append-only.
-- A row that arrives twice collapses by identity (writer, seq); `version` grows as recorded_at
-- shrinks, so the first copy stays: a plain ReplacingMergeTree would keep the last one.
-- Rollback: dropping these tables loses history; export first.

CREATE TABLE IF NOT EXISTS {database}.events {on_cluster} (
    -- identity
    project LowCardinality(String),
    writer UUID,
    seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    -- what
    type LowCardinality(String) COMMENT 'epochal.<noun>.<past participle>',
    schema_version UInt16 COMMENT 'version of the schema the writer used',
    payload String CODEC(ZSTD(3)) COMMENT 'the envelope as the writer sent it, JSON',
    salt FixedString(16) COMMENT '16 random bytes of the event; digest = SHA-256(salt, payload)',
    digest FixedString(32),
    -- when
    logged_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'the clock of the writer',
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'time= of the caller, else logged_at',
    recorded_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)) COMMENT 'when the log accepted it',
    -- where in the log
    log LowCardinality(String),
    offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    version UInt64 MATERIALIZED 9223372036854775807 - toUnixTimestamp64Micro(recorded_at)
) ENGINE = {engine}(version)
ORDER BY (project, writer, seq);

CREATE TABLE IF NOT EXISTS {database}.metrics {on_cluster} (
    -- the series
    project LowCardinality(String),
    component UUID,
    metric LowCardinality(String),
    rank UInt32 CODEC(ZSTD(1)),
    -- the point
    step Float64 CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    -- when
    logged_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    recorded_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    -- where in the log
    log LowCardinality(String),
    offset UInt64 CODEC(ZSTD(1)),
    -- identity
    writer UUID,
    seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    version UInt64 MATERIALIZED 9223372036854775807 - toUnixTimestamp64Micro(recorded_at) CODEC(ZSTD(1)),
    INDEX seq_range seq TYPE minmax GRANULARITY 1
) ENGINE = {engine}(version)
ORDER BY (project, component, metric, rank, step, writer, seq)
SETTINGS min_rows_to_fsync_after_merge = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS {database}.ledger {on_cluster} (
    -- which range of which stream
    project LowCardinality(String),
    writer UUID,
    channel LowCardinality(String) COMMENT 'lifecycle or metrics',
    first_seq UInt64,
    count UInt64,
    -- where and when
    log LowCardinality(String),
    offset UInt64,
    recorded_at DateTime64(6, 'UTC')
) ENGINE = {engine}
ORDER BY (log, offset);

CREATE TABLE IF NOT EXISTS {database}.blocks {on_cluster} (
    -- 4,096 sequence numbers of one stream; the last block ends with its stream
    project LowCardinality(String),
    writer UUID,
    channel LowCardinality(String),
    block UInt64,
    first_seq UInt64,
    count UInt64,
    digest FixedString(32) COMMENT 'SHA-256 of the canonical rows',
    link FixedString(32) COMMENT 'SHA-256(link before, header, digest)'
) ENGINE = {engine}(count)
ORDER BY (project, writer, channel, block);

CREATE TABLE IF NOT EXISTS {database}.dead_letters {on_cluster} (
    -- what could not be taken in, whole, with the reason
    id UUID,
    received_at DateTime64(6, 'UTC'),
    source String COMMENT 'file or topic it came from, with the place in it',
    reason LowCardinality(String) COMMENT 'a short word for the kind of failure',
    detail String COMMENT 'what exactly was wrong, and what was expected',
    writer Nullable(UUID),
    frame String CODEC(ZSTD(1)) COMMENT 'the bytes as they came'
) ENGINE = {engine}
ORDER BY id;
