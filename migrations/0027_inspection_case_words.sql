-- By which words and telephones cases are found, as keyed digests: who has the table alone reads none. A row goes
-- when its case is erased, or what it was made of is kept no more.
CREATE TABLE case_words (
    digest     bytea NOT NULL,
    case_id    text COLLATE "C" NOT NULL,
    kept_until timestamptz,
    PRIMARY KEY (digest, case_id)
);
CREATE INDEX ON case_words (case_id);
CREATE INDEX ON case_words (kept_until) WHERE kept_until IS NOT NULL;
