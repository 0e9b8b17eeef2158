SELECT count(*) AS rows FROM input WHERE time >= '2026-11-22T11:30:00Z' AND time < '2026-11-22T11:40:00Z'
