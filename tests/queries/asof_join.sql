SELECT i.time, i.temperature, p.meter, p.time AS read_at, p."kWh" FROM input i ASOF JOIN "power-meter" p MATCH_CONDITION (i.time >= p.time) WHERE i.device_id = 'hall' ORDER BY i.time LIMIT 3
