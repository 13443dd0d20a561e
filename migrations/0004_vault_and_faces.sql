-- The vault: a wrapped key for each person (destroyed: null), and what is kept sealed with it.

CREATE TABLE person_keys (
    person_id    text COLLATE "C" PRIMARY KEY,
    wrapped_key  bytea,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE TABLE sealed_blobs (
    blob_id      uuid PRIMARY KEY,
    person_id    text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    content      bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    delete_after timestamptz
);
CREATE INDEX ON sealed_blobs (person_id);
CREATE INDEX ON sealed_blobs (delete_after) WHERE delete_after IS NOT NULL;

-- A person is found by a keyed digest of what identifies them; one person for each digest.
CREATE TABLE person_blind_indexes (
    purpose   text COLLATE "C" NOT NULL,
    digest    bytea NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (purpose, digest)
);
CREATE INDEX ON person_blind_indexes (person_id);

-- A challenge is answered once: `used_at` is set by whoever comes first.
CREATE TABLE face_challenges (
    challenge_id uuid PRIMARY KEY,
    person_id    text COLLATE "C" NOT NULL,
    purpose      text COLLATE "C" NOT NULL,
    nonce        text COLLATE "C" NOT NULL,
    steps        text[] NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX ON face_challenges (expires_at);
CREATE INDEX ON face_challenges (person_id, expires_at);

-- Digests of pictures seen lately: a picture is used once.
CREATE TABLE face_samples_seen (
    sha256          bytea PRIMARY KEY,
    person_id       text COLLATE "C" NOT NULL,
    difference_hash bigint NOT NULL,
    seen_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON face_samples_seen (person_id, seen_at);
CREATE INDEX ON face_samples_seen (seen_at);

-- Attempts of a device in ten minutes, for its limit.
CREATE TABLE face_attempts (
    device       text COLLATE "C" NOT NULL,
    window_start timestamptz NOT NULL,
    attempts     integer NOT NULL,
    PRIMARY KEY (device, window_start)
);
CREATE INDEX ON face_attempts (window_start);

-- One-time codes: only a keyed digest is kept, and how often it was tried.
CREATE TABLE identity_codes (
    code_id    uuid PRIMARY KEY,
    person_id  text COLLATE "C" NOT NULL,
    purpose    text COLLATE "C" NOT NULL,
    digest     bytea NOT NULL,
    tries      integer NOT NULL DEFAULT 0,
    sent_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX ON identity_codes (person_id, sent_at);
CREATE INDEX ON identity_codes (sent_at);
