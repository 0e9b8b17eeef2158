-- Schema version 1. Once released, this file never changes: a later version is a file of its own.
--
-- What matters of each row stands in an index as well (the indices called *_whole): the check at each start compares
-- tables with indices, and so finds a bit that flipped. The times last_seen and last_used are left out, as they move.

PRAGMA application_id = 1768899171;                  -- "ioBc": tells a catalog from other programs' files

CREATE TABLE users (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    email          TEXT    NOT NULL,
    email_key      TEXT    NOT NULL UNIQUE,          -- the address in lower case
    username       TEXT,
    username_key   TEXT    UNIQUE,                   -- the name in lower case
    password       TEXT    NOT NULL,                 -- argon2id, PHC string
    first_name     TEXT    NOT NULL DEFAULT '',
    last_name      TEXT    NOT NULL DEFAULT '',
    company_name   TEXT    NOT NULL DEFAULT '',
    url            TEXT    NOT NULL DEFAULT '',
    email_verified INTEGER NOT NULL DEFAULT 0,
    operator       INTEGER NOT NULL DEFAULT 0,
    created        INTEGER NOT NULL                  -- all times: microseconds since 1970 UTC
) STRICT;
CREATE INDEX users_whole ON users (
    email, username, password, first_name, last_name, company_name, url, email_verified, operator, created
);

-- Keys sent by mail, as what recognises them.
CREATE TABLE keys (
    hash    BLOB    PRIMARY KEY,
    purpose TEXT    NOT NULL CHECK (purpose IN ('verification', 'reset')),
    user    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_whole ON keys (user, purpose, created, expires);

CREATE TABLE invites (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    hash    BLOB    NOT NULL UNIQUE,
    hint    TEXT    NOT NULL,
    made_by INTEGER REFERENCES users (id) ON DELETE SET NULL,
    uses    INTEGER NOT NULL CHECK (uses > 0),
    used    INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) STRICT;
CREATE INDEX invites_whole ON invites (hint, made_by, uses, used, created, expires, revoked);

CREATE TABLE projects (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    created       INTEGER NOT NULL,
    auto_register INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX projects_whole ON projects (name, created, auto_register);

CREATE TABLE members (
    project     INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 1 AND 7),  -- read 1, write 2, admin 4
    PRIMARY KEY (project, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_whole ON members (user, project, permissions);

CREATE TABLE tokens (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tied        INTEGER NOT NULL,
    project     INTEGER REFERENCES projects (id) ON DELETE CASCADE,
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 0 AND 7),
    device      TEXT,
    refreshable INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    revoked     INTEGER,
    last_used   INTEGER
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user, id);
CREATE INDEX tokens_by_expiry ON tokens (expires);
CREATE INDEX tokens_whole ON tokens (
    project, id, user, tied, permissions, device, refreshable, created, expires, revoked
);

CREATE TABLE devices (
    number    INTEGER PRIMARY KEY,
    project   INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    id        TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    kind      TEXT,
    created   INTEGER NOT NULL,
    last_seen INTEGER,
    UNIQUE (project, id),
    UNIQUE (project, name)
) STRICT;
CREATE INDEX devices_whole ON devices (project, created, id, name, kind);

CREATE TABLE namespaces (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project       INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    partition     TEXT    NOT NULL,
    explicit      INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    UNIQUE (project, name)
) STRICT;
CREATE INDEX namespaces_whole ON namespaces (project, name, partition, explicit, created, last_modified);

CREATE TABLE fields (
    namespace INTEGER NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL COLLATE NOCASE,       -- so that names differ in more than letter case
    type      TEXT    NOT NULL CHECK (type IN ('DOUBLE', 'LONG', 'BOOLEAN', 'STRING')),
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX fields_whole ON fields (type, name COLLATE BINARY, namespace);

CREATE TABLE labels (
    namespace INTEGER NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL,
    type      TEXT    NOT NULL CHECK (type IN ('DOUBLE', 'LONG', 'BOOLEAN', 'STRING')),
    value     ANY     NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_whole ON labels (type, value, name, namespace);
