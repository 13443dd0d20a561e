-- Messages to people that could not be sent: tried again, until they went out or are no news any more. A row says of
-- which event and, in the words of its process, to whom (an id or a keyed digest): neither a number nor a text.
CREATE TABLE messages_put_off (
    process    text COLLATE "C",
    position   bigint,
    whom       text COLLATE "C",
    stream_id  text COLLATE "C" NOT NULL,
    put_off_at timestamptz NOT NULL,
    next_at    timestamptz NOT NULL,
    PRIMARY KEY (process, position, whom)
);
CREATE INDEX ON messages_put_off (process, next_at);
CREATE INDEX ON messages_put_off (process, stream_id, whom, position);
