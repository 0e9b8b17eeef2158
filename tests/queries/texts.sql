SELECT device_id || ':' || note, concat(device_id, note) AS joined, concat_ws('/', device_id, note, 'x') AS path,
       replace(device_id, 't', 'TT') AS replaced, regexp_replace(device_id, '[aeiou]', '_', 'g') AS gaps, upper(device_id) AS loud
FROM input ORDER BY time LIMIT 4
