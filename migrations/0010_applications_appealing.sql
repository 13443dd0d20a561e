-- While an application that had ended is appealed, until the appeal is stored: nobody else takes its turn.
-- A release that does not know it leaves it false.
ALTER TABLE last_applications ADD COLUMN appealing boolean NOT NULL DEFAULT false;
