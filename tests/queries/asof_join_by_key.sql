SELECT a.time, a.device_id, b.count FROM (SELECT * FROM input WHERE count % 20 < 3) a ASOF JOIN input b MATCH_CONDITION (a.time > b.time) ON a.device_id = b.device_id ORDER BY a.time LIMIT 4
