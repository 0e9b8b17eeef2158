-- Schema version 1. Once released, this file never changes: a later version is a file of its own.

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

-- Keys sent by mail, as what recognises them.
CREATE TABLE keys (
    hash    BLOB    PRIMARY KEY,
    purpose TEXT    NOT NULL CHECK (purpose IN ('verification', 'reset')),
    user    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_user ON keys (user, purpose, created);

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

CREATE TABLE projects (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    created       INTEGER NOT NULL,
    auto_register INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE members (
    project     INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user        INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 1 AND 7),  -- read 1, write 2, admin 4
    PRIMARY KEY (project, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user, project);

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
CREATE INDEX tokens_by_project ON tokens (project, id);
CREATE INDEX tokens_by_expiry ON tokens (expires);

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
CREATE INDEX devices_in_order ON devices (project, created, id);

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

CREATE TABLE fields (
    namespace INTEGER NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL COLLATE NOCASE,       -- so that names differ in more than letter case
    type      TEXT    NOT NULL CHECK (type IN ('DOUBLE', 'LONG', 'BOOLEAN', 'STRING')),
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE labels (
    namespace INTEGER NOT NULL REFERENCES namespaces (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL,
    type      TEXT    NOT NULL CHECK (type IN ('DOUBLE', 'LONG', 'BOOLEAN', 'STRING')),
    value     ANY     NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
