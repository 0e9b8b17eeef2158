-- Schema version 3: dashboards, links to them, imports that were refused, and what is being deleted. Once released,
-- this file never changes.

-- What is gone from this catalog, while its rows and files may still be there.
CREATE TABLE deletions (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    project   INTEGER NOT NULL,
    namespace TEXT                                   -- NULL: all of the project
) STRICT;
CREATE INDEX deletions_whole ON deletions (project, namespace);

-- Imports that were refused: the newest of each project.
CREATE TABLE refusals (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    project INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    device  TEXT,                                    -- as it was sent, and so not always a device's id
    status  INTEGER NOT NULL,
    code    INTEGER NOT NULL,
    message TEXT    NOT NULL,
    details TEXT    NOT NULL,
    times   INTEGER NOT NULL CHECK (times > 0)       -- how many alike this one stands for
) STRICT;
CREATE INDEX refusals_whole ON refusals (project, id, device, at, status, code, times, message, details);
CREATE INDEX refusals_by_device ON refusals (project, device, id);

CREATE TABLE dashboards (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project       INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    board         TEXT    NOT NULL,                  -- JSON, checked by the server
    panels        INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version > 0),
    created       INTEGER NOT NULL,
    last_modified INTEGER NOT NULL
) STRICT;
CREATE INDEX dashboards_whole ON dashboards (project, id, name, panels, version, created, last_modified, board);

-- Links by which a dashboard is seen without an account: the key itself is not kept, only what recognises it.
CREATE TABLE shares (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    dashboard INTEGER NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
    hash      BLOB    NOT NULL UNIQUE,
    created   INTEGER NOT NULL,
    expires   INTEGER,
    last_used INTEGER
) STRICT;
CREATE INDEX shares_whole ON shares (dashboard, id, hash, created, expires);
