SELECT count(*) AS rows, count(temperature) AS temperatures, count(DISTINCT device_id) AS devices FROM input
