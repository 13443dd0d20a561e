-- What a database of its own for read models has beside their schemas: the tables of these names that the
-- database of the log has too, as they are after migration 0023. A test holds both to the same columns.
CREATE TABLE projection_checkpoints (
    projection  text COLLATE "C" PRIMARY KEY,
    version     int NOT NULL,
    position    bigint NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    fed         boolean NOT NULL DEFAULT false,
    stopped     text,
    recorded_at timestamptz
);

CREATE TABLE parked_events (
    projection text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    error      text NOT NULL,
    attempts   int NOT NULL DEFAULT 1,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    source     text COLLATE "C",
    announced  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (projection, position)
);

CREATE TABLE streams_ahead (
    projection  text COLLATE "C" NOT NULL,
    stream_id   text COLLATE "C" NOT NULL,
    was         bigint NOT NULL,
    version     bigint NOT NULL,
    position    bigint NOT NULL,
    recorded_at timestamptz,
    PRIMARY KEY (projection, stream_id)
) WITH (fillfactor = 70);
