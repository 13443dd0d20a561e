-- How far each projection and process manager has come, and what they had to set aside.

CREATE TABLE projection_checkpoints (
    projection text COLLATE "C" PRIMARY KEY,
    version    int NOT NULL,
    position   bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- An event that a projection could not apply, and the later events of its stream: they wait
-- here in order until they are retried, so that the model never applies a stream out of order.
CREATE TABLE parked_events (
    projection text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    error      text NOT NULL,
    attempts   int NOT NULL DEFAULT 1,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (projection, position)
);

CREATE TABLE process_checkpoints (
    process    text COLLATE "C" PRIMARY KEY,
    position   bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE parked_commands (
    process   text COLLATE "C" NOT NULL,
    position  bigint NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    topic     text COLLATE "C" NOT NULL,
    error     text NOT NULL,
    attempts  int NOT NULL DEFAULT 1,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (process, position)
);
