-- Schema version 4: names of tokens, invites to projects. Once released, this file never changes.

ALTER TABLE tokens ADD COLUMN name TEXT;             -- what its maker calls it
DROP INDEX tokens_whole;
CREATE INDEX tokens_whole ON tokens (
    project, id, user, tied, permissions, device, refreshable, created, expires, revoked, name
);

-- Who shows the code becomes a member; the code itself is not kept, only what recognises it.
CREATE TABLE project_invites (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hash        BLOB    NOT NULL UNIQUE,
    email       TEXT    NOT NULL,
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 1 AND 7),
    made_by     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL
) STRICT;
CREATE INDEX project_invites_whole ON project_invites (
    project, id, hash, email, permissions, made_by, created, expires
);
