SELECT max(value) FROM generate_series(1, 9223372036854775807)
