SELECT date_trunc('day', time, 'Asia/Kolkata') AS day, count(*) FROM input GROUP BY day ORDER BY day
