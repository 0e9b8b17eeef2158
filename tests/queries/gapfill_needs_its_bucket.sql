SELECT locf(avg(temperature)) FROM input
