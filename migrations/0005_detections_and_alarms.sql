-- What the process managers of inspection cases keep: where detections were seen, what is planned
-- with them, and when a case has to be looked at again.

-- Where and when a case's problem was seen: detections at one place, none later than the class's
-- window after the one before, are one row. `origin_case_id` is the case that they first belonged to,
-- `case_id` the one that it has been merged into. `cell` is a square of 0.0005 degrees.
CREATE TABLE sighting_places (
    origin_case_id text COLLATE "C" NOT NULL,
    case_id        text COLLATE "C" NOT NULL,
    class_code     text COLLATE "C" NOT NULL,
    cell           bigint NOT NULL,
    latitude       double precision NOT NULL,
    longitude      double precision NOT NULL,
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL
);
CREATE INDEX ON sighting_places (class_code, cell);
CREATE INDEX ON sighting_places (case_id, origin_case_id);

-- The cases that detections made. `apart`: a person has separated it, so it is not merged by itself.
CREATE TABLE sighted_cases (
    case_id   text COLLATE "C" PRIMARY KEY,
    first_at  timestamptz NOT NULL,
    closed_at timestamptz,
    apart     boolean NOT NULL DEFAULT false,
    gone      boolean NOT NULL DEFAULT false
);

-- What becomes of a detection is planned before it is done, so that a crash between repeats it.
CREATE TABLE detection_plans (
    detection_id text COLLATE "C" PRIMARY KEY,
    case_id      text COLLATE "C" NOT NULL,
    opens        boolean NOT NULL,
    detection    jsonb NOT NULL,
    planned_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied      boolean NOT NULL DEFAULT false,
    parked       boolean NOT NULL DEFAULT false
);
CREATE INDEX ON detection_plans (planned_at, detection_id) WHERE NOT applied AND NOT parked;
CREATE TABLE merge_plans (
    source_case_id text COLLATE "C" NOT NULL,
    target_case_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (source_case_id, target_case_id)
);

-- When a camera last said that it works; only changes are events.
CREATE TABLE camera_heartbeats (
    camera_id text COLLATE "C" PRIMARY KEY,
    heard_at  timestamptz NOT NULL
);

-- When a case has to be looked at: a warning, an escalation, the end of a deferral, a recheck.
CREATE TABLE case_alarms (
    case_id  text COLLATE "C" PRIMARY KEY,
    alarm_at timestamptz NOT NULL
);
CREATE INDEX ON case_alarms (alarm_at);

-- The read model `case_desk` has taken the place of `open_cases`.
DROP SCHEMA IF EXISTS open_cases CASCADE;
DELETE FROM projection_checkpoints WHERE projection = 'open_cases';
DELETE FROM parked_events WHERE projection = 'open_cases';
