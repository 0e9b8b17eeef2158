SELECT time_bucket_gapfill('1 day', time, 'Europe/Berlin', TIMESTAMP '2026-11-18', TIMESTAMP '2026-11-23') AS day, sum("kWh") AS kwh FROM "power-meter" GROUP BY day ORDER BY day DESC LIMIT 4
