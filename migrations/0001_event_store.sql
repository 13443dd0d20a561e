-- The event log, its append function, idempotency records and snapshots.
-- Columns and index names of stored_events are those of the stock `eventsourcing`
-- PostgresApplicationRecorder (originator_id_type=text), so that it can open the table.

CREATE TABLE stored_events (
    originator_id      text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic              text COLLATE "C" NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigint NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    metadata           json,
    PRIMARY KEY (originator_id, originator_version)
) WITH (autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.01);

CREATE UNIQUE INDEX stored_events_notification_id_idx ON stored_events (notification_id ASC);

-- A stock writer inserts without a notification_id, under an EXCLUSIVE table lock. It gets the
-- next position here instead of from a sequence, so its conflicts burn no positions. VOLATILE:
-- each row of a multi-row INSERT sees the rows before it.
CREATE FUNCTION next_position() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN coalesce((SELECT max(notification_id) FROM stored_events), 0) + 1;
END $$;

ALTER TABLE stored_events ALTER COLUMN notification_id SET DEFAULT next_position();

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of recorded events is forbidden', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER stored_events_are_immutable
    BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE idempotency_records (
    key         text COLLATE "C" PRIMARY KEY,
    fingerprint bytea NOT NULL,
    answer      bytea NOT NULL,
    position    bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idempotency_records_recorded_at_idx ON idempotency_records USING brin (recorded_at);

CREATE TABLE stored_snapshots (
    originator_id      text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic              text COLLATE "C" NOT NULL,
    state              bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);

-- Appends a batch of appends to distinct or equal streams in one transaction.
--
-- Per append i: the index of its stream in p_streams, the expected version (-1 any, 0 no
-- stream), its number of events, and an idempotency record where p_keys[i] is not null.
-- Per event: stream, append it belongs to, its place in it (from 0), topic, state, metadata.
-- Answers two arrays with an element an append: versions (new, or current where refused) and
-- positions (of the last event; 0: version refused; -1: idempotency key used before).
--
-- The advisory lock makes positions gapless and commit order position order. ROW EXCLUSIVE is
-- taken before the head is read: a stock writer's EXCLUSIVE lock excludes us and we exclude it,
-- while autovacuum is left in peace.
CREATE FUNCTION append_events(
    p_streams text[], p_stream_of int[], p_expected bigint[], p_count int[],
    p_keys text[], p_fingerprints bytea[], p_answers bytea[],
    e_stream text[], e_append int[], e_offset int[], e_topic text[], e_state bytea[],
    e_metadata text[],
    OUT versions bigint[], OUT positions bigint[])
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    head bigint := 0;
    at timestamptz;
    current bigint[];
    used boolean[];
    base_version bigint[];
    base_position bigint[];
    start bigint;
    s int;
    v bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7163850361);
    LOCK TABLE stored_events IN ROW EXCLUSIVE MODE;
    SELECT notification_id, recorded_at INTO head, at
        FROM stored_events ORDER BY notification_id DESC LIMIT 1;
    head := coalesce(head, 0);
    start := head;
    at := greatest(at, clock_timestamp());
    SELECT array_agg(coalesce((
            SELECT originator_version FROM stored_events
            WHERE originator_id = n.id ORDER BY originator_version DESC LIMIT 1), 0) ORDER BY n.o)
        INTO current FROM unnest(p_streams) WITH ORDINALITY AS n(id, o);
    IF p_keys IS NOT NULL THEN
        SELECT array_agg(EXISTS (SELECT 1 FROM idempotency_records r WHERE r.key = k.key) ORDER BY k.o)
            INTO used FROM unnest(p_keys) WITH ORDINALITY AS k(key, o);
    END IF;

    versions := array_fill(0::bigint, ARRAY[cardinality(p_count)]);
    positions := versions;
    base_version := versions;
    base_position := versions;
    FOR i IN 1 .. cardinality(p_count) LOOP
        s := p_stream_of[i];
        v := current[s];
        IF used[i] THEN
            versions[i] := v;
            positions[i] := -1;
        ELSIF p_expected[i] <> v AND p_expected[i] <> -1 THEN
            versions[i] := v;
        ELSE
            base_version[i] := v + 1;
            base_position[i] := head + 1;
            v := v + p_count[i];
            head := head + p_count[i];
            current[s] := v;
            versions[i] := v;
            positions[i] := head;
        END IF;
    END LOOP;

    IF head > start THEN
        INSERT INTO stored_events (
            originator_id, originator_version, topic, state, notification_id, recorded_at, metadata)
        SELECT e.stream, base_version[e.append] + e.place, e.topic, e.state,
               base_position[e.append] + e.place, at, e.metadata::json
        FROM unnest(e_stream, e_append, e_offset, e_topic, e_state, e_metadata)
            AS e(stream, append, place, topic, state, metadata)
        WHERE base_position[e.append] > 0;
        IF p_keys IS NOT NULL THEN
            INSERT INTO idempotency_records (key, fingerprint, answer, position, recorded_at)
            SELECT k.key, k.fingerprint, k.answer, positions[k.o], at
            FROM unnest(p_keys, p_fingerprints, p_answers) WITH ORDINALITY
                AS k(key, fingerprint, answer, o)
            WHERE k.key IS NOT NULL AND positions[k.o] > 0;
        END IF;
        PERFORM pg_notify('stored_events', head::text);
    END IF;
END $$;
