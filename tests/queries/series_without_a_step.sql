SELECT * FROM generate_series(1, 5, 0)
