SELECT time, device_id, temperature FROM input ORDER BY time DESC LIMIT 4
