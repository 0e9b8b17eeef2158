SELECT date_bin(INTERVAL '30 minutes', time) AS bucket, sum(count) AS total FROM input GROUP BY 1 ORDER BY 1 DESC
