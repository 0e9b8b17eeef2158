SELECT (time AT TIME ZONE 'Asia/Kolkata')::text AS shown, (time AT TIME ZONE 'Asia/Kolkata')::date AS day FROM input ORDER BY time LIMIT 1
