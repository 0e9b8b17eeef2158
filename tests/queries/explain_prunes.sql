-- Two files hold the first eight steps; only the second can hold this time.
EXPLAIN FORMAT INDENT SELECT temperature FROM input WHERE time >= '2026-11-22T11:25:00Z' AND time < '2026-11-22T11:30:00Z'
