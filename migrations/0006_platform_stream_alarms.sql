-- "Wake this stream at that time": what process managers with deadlines keep, a row for each stream
-- that has to be woken. `alarm_at` follows from the state of the stream at `stream_version`, so that
-- of two who write it the one who has seen more prevails.
CREATE TABLE stream_alarms (
    process        text COLLATE "C" NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    alarm_at       timestamptz NOT NULL,
    PRIMARY KEY (process, stream_id)
);
CREATE INDEX ON stream_alarms (process, alarm_at);

-- `case_alarms` is what the release before this one keeps and reads. As long as a process of it may
-- run, the two tables follow each other, whichever release leads. The release after this one drops
-- `case_alarms`, with it its triggers, and the triggers and functions below.
CREATE FUNCTION case_alarms_to_stream_alarms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM stream_alarms WHERE process = 'case-deadlines' AND stream_id = OLD.case_id;
    ELSE
        INSERT INTO stream_alarms (process, stream_id, stream_version, alarm_at)
        VALUES ('case-deadlines', NEW.case_id, 0, NEW.alarm_at)
        ON CONFLICT (process, stream_id) DO UPDATE SET alarm_at = excluded.alarm_at;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION stream_alarms_to_case_alarms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM case_alarms WHERE case_id = OLD.stream_id;
    ELSE
        INSERT INTO case_alarms (case_id, alarm_at) VALUES (NEW.stream_id, NEW.alarm_at)
        ON CONFLICT (case_id) DO UPDATE SET alarm_at = excluded.alarm_at;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER to_stream_alarms AFTER INSERT OR UPDATE OR DELETE ON case_alarms
    FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION case_alarms_to_stream_alarms();
CREATE TRIGGER inserted_to_case_alarms AFTER INSERT ON stream_alarms
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NEW.process = 'case-deadlines')
    EXECUTE FUNCTION stream_alarms_to_case_alarms();
CREATE TRIGGER moved_to_case_alarms AFTER UPDATE ON stream_alarms
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NEW.process = 'case-deadlines'
                       AND NEW.alarm_at IS DISTINCT FROM OLD.alarm_at)
    EXECUTE FUNCTION stream_alarms_to_case_alarms();
CREATE TRIGGER deleted_to_case_alarms AFTER DELETE ON stream_alarms
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.process = 'case-deadlines')
    EXECUTE FUNCTION stream_alarms_to_case_alarms();

INSERT INTO stream_alarms (process, stream_id, stream_version, alarm_at)
SELECT 'case-deadlines', case_id, 0, alarm_at FROM case_alarms;
