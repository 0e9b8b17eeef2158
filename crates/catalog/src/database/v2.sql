-- Schema version 2: how long rows are kept. Once released, this file never changes.

-- Seconds; 0: for ever; NULL: as the server's setting says.
ALTER TABLE namespaces ADD COLUMN retention INTEGER CHECK (retention >= 0);
DROP INDEX namespaces_whole;
CREATE INDEX namespaces_whole ON namespaces (
    project, name, partition, explicit, created, last_modified, retention
);

-- The time by which rows were last found to have expired. A wall clock that jumps is told by it.
CREATE TABLE retention_clock (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    known INTEGER NOT NULL                           -- microseconds since 1970 UTC
) STRICT;
CREATE INDEX retention_clock_whole ON retention_clock (known);
