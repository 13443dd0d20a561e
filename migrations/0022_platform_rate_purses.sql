-- What callers may still send, of that part of their limit that all processes have together. The key is
-- a digest of who calls. A crash empties the table, and everybody begins with a full purse.
CREATE UNLOGGED TABLE rate_purses (
    purse bigint PRIMARY KEY,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL
);

-- Takes up to `wanted` tokens of a purse that fills by `per_second` up to `burst`; how many, and how
-- many are left. Whoever finds it empty writes nothing.
CREATE FUNCTION take_of_purse(
    the_purse bigint, wanted double precision, per_second double precision, burst double precision,
    OUT taken double precision, OUT left_over double precision
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO rate_purses AS p VALUES (the_purse, burst, clock_timestamp())
    ON CONFLICT (purse) DO NOTHING;
    SELECT least(burst, p.tokens + per_second * greatest(0, extract(epoch FROM clock_timestamp() - p.at)))
    INTO left_over FROM rate_purses p WHERE p.purse = the_purse FOR UPDATE;
    taken := least(wanted, floor(left_over));
    IF taken >= 1 THEN
        left_over := left_over - taken;
        UPDATE rate_purses p SET tokens = left_over, at = clock_timestamp() WHERE p.purse = the_purse;
    ELSE
        taken := 0;
    END IF;
END $$;
