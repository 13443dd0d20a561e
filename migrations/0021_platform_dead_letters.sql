-- A parked event is a dead letter: where it was read, and whether Kafka has it as a letter (decision 0032).
ALTER TABLE parked_events
    ADD COLUMN source text COLLATE "C",  -- topic/partition/offset; the log where absent
    ADD COLUMN announced boolean NOT NULL DEFAULT false;

-- Why a model stands still: it has come to an event that is newer than the release that keeps it.
ALTER TABLE projection_checkpoints ADD COLUMN stopped text;
