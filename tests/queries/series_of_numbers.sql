SELECT value FROM generate_series(10, 1, -4)
