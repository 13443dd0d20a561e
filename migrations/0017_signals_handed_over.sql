-- Observations that reached a process which does not control the junctions, until the one that does
-- takes them away: a fraction of a second. Not in the log of PostgreSQL: they are worth nothing later.
CREATE UNLOGGED TABLE signal_handed_over (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    said_at timestamptz NOT NULL DEFAULT now(),
    items   bytea NOT NULL
);
CREATE INDEX ON signal_handed_over (said_at);
