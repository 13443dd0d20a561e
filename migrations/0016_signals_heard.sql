-- When each controller of a junction, and the process that controls them, was heard last: by its junction's code, or
-- `centre`. No evidence rests on it, so it need not outlive a crash of the server; a row for each junction, rewritten.
CREATE UNLOGGED TABLE signal_heard (
    who      text COLLATE "C" PRIMARY KEY,
    heard_at timestamptz NOT NULL
);
