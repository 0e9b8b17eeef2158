SELECT time, sum(count) OVER (ORDER BY time) AS running, sum(temperature) OVER () AS heat FROM input WHERE device_id = 'attic' ORDER BY time LIMIT 3
