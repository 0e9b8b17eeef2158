INSERT INTO input VALUES (now(), 1)
