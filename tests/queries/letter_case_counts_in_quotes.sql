SELECT "kwh" FROM "power-meter"
