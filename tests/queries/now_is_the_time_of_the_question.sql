SELECT now() AS now, count(*) AS rows FROM input WHERE time > now() - INTERVAL '10 minutes' GROUP BY 1
