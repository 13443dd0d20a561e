-- What streams began under: each version of a definition that a process ever started with. Its file may be edited or
-- taken away; what began under it goes on under what stands here.
CREATE TABLE kept_definitions (
    kind    text COLLATE "C",
    code    text COLLATE "C",
    version text COLLATE "C",
    content text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, code, version)
);
