SELECT kwh, Meter AS which FROM "power-meter" WHERE METER <> 'A' ORDER BY TIME
