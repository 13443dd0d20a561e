-- When the event at a checkpoint was recorded: with its position that is which event it is. Read models in a database
-- of their own find by it that the log went back, and has another one there.
ALTER TABLE projection_checkpoints ADD COLUMN recorded_at timestamptz;
ALTER TABLE streams_ahead ADD COLUMN recorded_at timestamptz;
