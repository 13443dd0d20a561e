-- The last application of each person for each service: while it is open, there is no second one.
-- A row is overwritten by the next application, and forgotten with the person (hourly).
CREATE TABLE last_applications (
    citizen_id     text COLLATE "C" NOT NULL,
    service        text COLLATE "C" NOT NULL,
    application_id text COLLATE "C" NOT NULL,
    taken_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (citizen_id, service)
);

INSERT INTO last_applications (citizen_id, service, application_id)
SELECT DISTINCT ON (citizen_id, service) citizen_id, service, application_id
FROM (
    SELECT convert_from(state, 'UTF8')::json ->> 'citizen_id' AS citizen_id,
           convert_from(state, 'UTF8')::json ->> 'service' AS service,
           originator_id AS application_id,
           notification_id
    FROM stored_events WHERE topic = 'application.submitted'
) AS submitted
ORDER BY citizen_id, service, notification_id DESC;
