SELECT count, count::text, time::date FROM input ORDER BY count LIMIT 2
