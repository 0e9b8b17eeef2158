SELECT i.device_id, m.meter, count(*) AS pairs FROM input i JOIN "power-meter" m ON i.time >= m.time
WHERE m.meter = 'A' GROUP BY 1, 2 ORDER BY 1
