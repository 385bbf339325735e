-- What workers need: to find a writer's ranges among those of all others, and to know which dead letters were sent
-- again. Rollback: drop the index and the table; dead letters count as parked again then.

ALTER TABLE {database}.ledger {on_cluster}
    -- a writer's rows lie close together in a log, and there are many writers
    ADD INDEX IF NOT EXISTS writers writer TYPE bloom_filter(0.01) GRANULARITY 1;

CREATE TABLE IF NOT EXISTS {database}.replays {on_cluster} (
    -- which dead letter was sent again, as it was or repaired
    id UUID COMMENT 'the dead letter',
    replayed_at DateTime64(6, 'UTC'),
    log LowCardinality(String) COMMENT 'the log it was sent to',
    offset UInt64 COMMENT 'where it is in it',
    repaired Bool COMMENT 'other bytes were sent than the letter holds',
    by LowCardinality(String) COMMENT 'the user who sent it'
) ENGINE = {engine}
ORDER BY (id, log, offset);
