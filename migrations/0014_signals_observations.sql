-- What detectors counted in five minutes each, and which readings that rests on, as long as late ones
-- are still taken in. No source of truth: observations are no events. `published_` is what was known
-- when the five minutes were first shown as over; that is never rewritten.
CREATE TABLE signal_observations (
    junction           text COLLATE "C" NOT NULL,
    detector           text COLLATE "C" NOT NULL,
    begins             timestamptz NOT NULL,
    readings           integer NOT NULL DEFAULT 0,
    vehicles           integer,
    occupancy          double precision,
    speed              double precision,
    queue_mean         double precision,
    queue_most         integer,
    known_ms           integer NOT NULL DEFAULT 0,
    marks              text[] NOT NULL DEFAULT '{}',
    heard_at           bigint,
    occupied           boolean,
    unbroken_since     bigint,
    published_at       timestamptz,
    published_readings integer,
    published_vehicles integer,
    said               bytea,
    PRIMARY KEY (junction, detector, begins)
);
CREATE INDEX ON signal_observations (begins);

-- How each detector stands, as the process that controls its junction judged it last.
CREATE TABLE signal_detectors (
    junction  text COLLATE "C" NOT NULL,
    detector  text COLLATE "C" NOT NULL,
    standing  text NOT NULL,
    fault     text,
    since     bigint NOT NULL,
    heard_at  bigint,
    PRIMARY KEY (junction, detector)
);
