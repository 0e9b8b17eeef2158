SELECT date_bin(INTERVAL '1 month', time) AS month, count(*) AS rows FROM input GROUP BY 1
