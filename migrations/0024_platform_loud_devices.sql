-- Devices that send more than is usual, named by whoever takes in what they send: `messages` is how many were beyond
-- that. A device is forgotten when it has been quiet for a while.
CREATE TABLE loud_devices (
    topic text COLLATE "C",
    device text COLLATE "C",
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    messages bigint NOT NULL,
    PRIMARY KEY (topic, device)
);
CREATE INDEX ON loud_devices (last_at DESC);
