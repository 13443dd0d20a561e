-- Who waits for whom: applications whose citizen has not been identified for them, so that nothing of
-- them has to be kept in memory until that comes.
CREATE TABLE identity_waits (
    application_id text COLLATE "C" PRIMARY KEY,
    citizen_id     text COLLATE "C" NOT NULL
);
CREATE INDEX ON identity_waits (citizen_id);

-- The deadlines of applications begin where the process of applications is: it has finished with
-- everything before that, and whatever waits is behind it.
INSERT INTO process_checkpoints (process, position)
SELECT 'application-deadlines', position FROM process_checkpoints WHERE process = 'applications';
