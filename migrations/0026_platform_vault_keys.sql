-- Which master key wrapped a key: eight bytes that follow from it. Null: the first one of this
-- database, which is that of rows of an older release.
ALTER TABLE person_keys ADD COLUMN wrapped_by bytea;
ALTER TABLE sealed_blobs ADD COLUMN wrapped_by bytea;
CREATE INDEX person_keys_wrapped_by ON person_keys (wrapped_by) WHERE wrapped_key IS NOT NULL;
CREATE INDEX sealed_blobs_named_keys ON sealed_blobs (wrapped_by) WHERE kind = 'named-key';

-- The key of digests, wrapped, and a digest made with it: what a master key is held against.
CREATE TABLE vault_keys (
    name         text COLLATE "C" PRIMARY KEY,
    first_key_id bytea NOT NULL,
    key_id       bytea NOT NULL,
    wrapped      bytea NOT NULL,
    digest       bytea NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
