WITH hot AS (SELECT device_id FROM input WHERE temperature > 25)
SELECT device_id, 'hot' AS what FROM hot UNION SELECT meter, 'meter' FROM "power-meter" ORDER BY 1
