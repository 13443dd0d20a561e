-- Payments for parking whose vehicle no camera has read, as long as nobody has said whose they are: to
-- find those of a place and a time. Rebuilt from the log if they are lost; a row goes with the decision.
CREATE TABLE parking_strays (
    stray_id text COLLATE "C" PRIMARY KEY,
    place_id text COLLATE "C" NOT NULL,
    paid_at  timestamptz NOT NULL
);
CREATE INDEX ON parking_strays (place_id, paid_at);
CREATE INDEX ON parking_presences (zone_id, arrived_at) WHERE zone_id IS NOT NULL;
