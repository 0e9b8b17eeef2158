SELECT value FROM generate_series(DATE '2026-02-27', DATE '2026-03-02')
