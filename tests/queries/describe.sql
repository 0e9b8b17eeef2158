DESCRIBE "power-meter"
