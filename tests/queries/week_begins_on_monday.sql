SELECT time_bucket('1 week', time)::text AS week, date_trunc('week', time)::text AS also, count(*) FROM "power-meter" GROUP BY 1, 2 ORDER BY 1
