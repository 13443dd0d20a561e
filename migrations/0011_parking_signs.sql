-- What devices said of each place, in the order of occurrence, as long as a session may follow from
-- it; and which presence at a place is which session. Rebuilt from the log if they are lost; rows of
-- what is final are forgotten hourly.
CREATE TABLE parking_signs (
    place       text COLLATE "C" NOT NULL,
    sign_id     text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL,
    said_at     timestamptz NOT NULL,
    sign        text NOT NULL,
    device_id   text NOT NULL,
    plate       jsonb,
    confidence  integer,
    characters  integer[],
    by_hand     boolean NOT NULL,
    simulated   boolean NOT NULL,
    session_id  text COLLATE "C",
    PRIMARY KEY (place, sign_id)
);
CREATE INDEX ON parking_signs (place, at) WHERE session_id IS NULL;
CREATE INDEX ON parking_signs (said_at) WHERE sign = 'left' AND session_id IS NULL;

CREATE TABLE parking_presences (
    presence_id text COLLATE "C" PRIMARY KEY,
    place       text COLLATE "C" NOT NULL,
    session_id  text COLLATE "C" NOT NULL,
    zone_id     text COLLATE "C",
    plate_id    text COLLATE "C",
    arrived_at  timestamptz NOT NULL,
    left_at     timestamptz,
    ended_at    timestamptz,
    final       boolean NOT NULL DEFAULT false
);
CREATE INDEX ON parking_presences (place) WHERE NOT final;
CREATE INDEX ON parking_presences (place, left_at);
CREATE INDEX ON parking_presences (plate_id, arrived_at);
CREATE INDEX ON parking_presences (session_id);
CREATE INDEX ON parking_presences (arrived_at) WHERE left_at IS NULL;
