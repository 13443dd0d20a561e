-- During which opening of a barrier a vehicle passed: to find the others that passed during it.
ALTER TABLE parking_signs ADD COLUMN opening text;
CREATE INDEX ON parking_signs (opening) WHERE opening IS NOT NULL;
