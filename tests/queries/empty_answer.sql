SELECT time, temperature FROM input WHERE device_id = 'nobody'
