-- The year 9999, and one before there were nanoseconds to count from.
SELECT date_bin('1h', TIMESTAMP '9999-12-31T23:59:59Z') AS late, date_bin('1d', TIMESTAMP '1066-10-14T09:00:00Z') AS early
