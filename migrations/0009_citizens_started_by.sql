-- Who asked for a challenge or a code: what others begin does not use up a person's own.
-- Rows without it are of the release before, and live for minutes.

ALTER TABLE face_challenges ADD COLUMN started_by text COLLATE "C";
ALTER TABLE identity_codes ADD COLUMN started_by text COLLATE "C";
