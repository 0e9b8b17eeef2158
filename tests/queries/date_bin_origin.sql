SELECT date_bin('10 minutes', time, '2026-11-22T00:05:00Z') AS bucket, count(*) AS rows FROM input GROUP BY 1 ORDER BY 1
