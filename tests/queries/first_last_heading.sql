SELECT first(count, time), last_value(count ORDER BY time) FROM input
