SELECT time AT TIME ZONE 'Europe/Belin' FROM input
