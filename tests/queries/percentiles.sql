SELECT approx_median(count) AS median, approx_percentile_cont(0.9) WITHIN GROUP (ORDER BY count) AS p90 FROM input
