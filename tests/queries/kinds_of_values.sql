SELECT 1.0::double AS double, 0.1 + 0.2 AS sum, 9223372036854775807 AS long, 18446744073709551615::bigint unsigned AS unsigned,
       'NaN'::double AS nan, 1e308::double * 10 AS infinite, DATE '2026-11-22' AS date, INTERVAL '1 day' AS span,
       '12345678901234567890.123456789'::decimal(38, 9) AS decimal, NULL AS nothing, true AS truth, 'a"b' AS text
