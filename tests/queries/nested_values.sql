SELECT [1, 2, NULL] AS list, struct('a' AS x, 1.5 AS y) AS record, [[true], []] AS lists
