SELECT time, meter, "kWh" FROM "power-meter" ORDER BY time
