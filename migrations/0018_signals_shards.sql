-- Junctions are controlled by several processes, each those of its shards: what is handed over says for which
-- (hash of the junction's code). Without: a release that had no shards left it there; whoever finds it passes it on.
ALTER TABLE signal_handed_over ADD COLUMN shard smallint;
