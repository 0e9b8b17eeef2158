SELECT count / 0 FROM input
