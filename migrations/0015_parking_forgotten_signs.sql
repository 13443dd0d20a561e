-- Signs are forgotten by when they were said, whoever's they are: also those that are of no session.
CREATE INDEX ON parking_signs (said_at);
