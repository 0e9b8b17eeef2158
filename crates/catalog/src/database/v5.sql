-- Schema version 5: the audit log. Once released, this file never changes.

-- Who changed what, for ever: rows are added and never changed or removed. Each row's hash covers the row and the hash of
-- the row before it, so that a row that was changed, removed or slipped in is found. Actors and targets are ids, which
-- stay when the names behind them are erased; there are no references, as a row outlives what it is about.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,                       -- microseconds since 1970 UTC
    user     INTEGER,                                -- the user who acted, if one did
    token    INTEGER,                                -- the token they were known by
    address  TEXT,                                   -- where the request came from
    action   TEXT    NOT NULL,
    project  INTEGER,
    target   TEXT,                                   -- kind and id, such as device:boiler
    details  TEXT    NOT NULL,                       -- a JSON object
    previous BLOB    NOT NULL,                       -- the hash of the row before; zeros in the first
    hash     BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_whole ON audit (
    project, id, at, user, token, address, action, target, details, previous, hash
);
CREATE TRIGGER audit_rows_never_change BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_rows_never_go BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- Also not by INSERT OR REPLACE, for which SQLite runs no trigger of DELETE.
CREATE TRIGGER audit_rows_come_last BEFORE INSERT ON audit
WHEN NEW.id IS NOT NULL AND NEW.id <= (SELECT coalesce(max(id), 0) FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
