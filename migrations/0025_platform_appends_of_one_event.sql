-- append_events again: where each append of a batch has one event, no event is joined with the append
-- that it belongs to. That join is a fifth of what a batch costs.
-- The function of 0003 has its arguments in another order; it stays for servers of the previous
-- release.

-- As in 0003. `e_append` and `e_place` are null where the events are those of the appends, one each
-- and in their order.
CREATE FUNCTION append_events(
    p_streams text[], p_stream text[], p_stream_of int[], p_expected bigint[], p_count int[],
    p_metadata text[], p_keys text[], p_fingerprints bytea[], p_answers bytea[],
    e_topic text[], e_state bytea[], e_append int[], e_place int[],
    OUT versions bigint[], OUT positions bigint[])
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off
SET enable_mergejoin = off SET jit = off AS $$
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
        IF e_append IS NULL THEN
            INSERT INTO stored_events (
                originator_id, originator_version, topic, state, notification_id, recorded_at, metadata)
            SELECT a.stream, a.version, a.topic, a.state, a.position, at, a.metadata::json
            FROM unnest(p_stream, base_version, base_position, p_metadata, e_topic, e_state)
                AS a(stream, version, position, metadata, topic, state)
            WHERE a.position > 0;
        ELSE
            INSERT INTO stored_events (
                originator_id, originator_version, topic, state, notification_id, recorded_at, metadata)
            SELECT a.stream, a.version + e.place, e.topic, e.state, a.position + e.place, at, a.metadata
            FROM unnest(e_append, e_place, e_topic, e_state) AS e(append, place, topic, state)
            JOIN (SELECT p.append, p.stream, p.version, p.position, p.metadata::json
                  FROM unnest(p_stream, base_version, base_position, p_metadata) WITH ORDINALITY
                      AS p(stream, version, position, metadata, append)
                  WHERE p.position > 0 OFFSET 0) AS a USING (append);
        END IF;
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
