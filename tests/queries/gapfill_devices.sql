SELECT time_bucket_gapfill(INTERVAL '1 day', time) AS day, meter, locf(max("kWh")) FROM "power-meter" GROUP BY 1, 2 ORDER BY meter, day
