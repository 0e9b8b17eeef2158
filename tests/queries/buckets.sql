-- Means of a quarter of an hour.
SELECT time_bucket('15m', time) AS bucket, device_id, avg(temperature) AS mean, count(*) AS rows
FROM input GROUP BY bucket, device_id ORDER BY bucket, device_id
