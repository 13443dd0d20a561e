-- The log outside of this database. A log that was restored to a moment gives its next positions a second time,
-- with other content: from then on it is another incarnation.
CREATE TABLE log_incarnations (
    number int PRIMARY KEY,
    incarnation uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    began_after bigint NOT NULL,  -- up to this position it has what the one before it had
    began_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO log_incarnations (number, began_after) VALUES (1, 0);

-- What is in each topic of Kafka: every event of its category up to a position. `revision` counts the moves: a
-- publisher moves only what it has left itself.
CREATE TABLE kafka_topics (
    topic text PRIMARY KEY,
    category text NOT NULL,
    partitions int NOT NULL,  -- as it was created: which partition a stream is in follows from it
    position bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE kafka_partitions (
    topic text NOT NULL REFERENCES kafka_topics ON DELETE CASCADE,
    partition int NOT NULL,
    position bigint NOT NULL,     -- of the last event that was sent there
    next_offset bigint NOT NULL,  -- what Kafka said, and one
    PRIMARY KEY (topic, partition)
);
