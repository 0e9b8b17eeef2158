SELECT device_id, first(temperature, time) AS first, last(temperature, time) AS last, last(note, time) AS note
FROM input GROUP BY device_id ORDER BY device_id
