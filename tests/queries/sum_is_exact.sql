SELECT sum(x) AS total, sum(DISTINCT x) AS once, sum(x) / 2 AS half, sum(x + 0.5) AS fraction
FROM (VALUES (9223372036854775807), (9223372036854775807), (1)) AS t(x)
