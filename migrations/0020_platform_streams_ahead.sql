-- What read models have applied before the log came to it: they are fed from elsewhere, stream by stream.
-- A model has all events up to the position of its checkpoint, and of these streams those up to `version`.
CREATE TABLE streams_ahead (
    projection text COLLATE "C" NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    was        bigint NOT NULL,  -- the version before the last step: a step is taken from where it was planned
    version    bigint NOT NULL,
    position   bigint NOT NULL,  -- of that version's event
    PRIMARY KEY (projection, stream_id)
) WITH (fillfactor = 70);

-- Whether a model is fed: whoever follows the log then looks at what is ahead of it.
ALTER TABLE projection_checkpoints ADD COLUMN fed boolean NOT NULL DEFAULT false;
