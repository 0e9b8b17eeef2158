SELECT time, count - lag(count) OVER (PARTITION BY device_id ORDER BY time) AS step FROM input
WHERE device_id = 'hall' ORDER BY time LIMIT 3
