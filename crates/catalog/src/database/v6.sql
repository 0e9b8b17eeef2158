-- Schema version 6: whose a token is, accounts that are disabled or deleted, changes of e-mail addresses, and where
-- accounts are used from. Once released, this file never changes.

-- creator: grants at most what its creator holds, and ends with their membership. project: issued by an administrator for
-- the project, and outlives them. Tokens of earlier versions belong to their projects and are listed for review.
ALTER TABLE tokens ADD COLUMN owner TEXT NOT NULL DEFAULT 'creator' CHECK (owner IN ('creator', 'project'));
ALTER TABLE tokens ADD COLUMN review INTEGER NOT NULL DEFAULT 0;
-- The most that it grants, as bits of permissions: what its creator held when it became the project's.
ALTER TABLE tokens ADD COLUMN ceiling INTEGER NOT NULL DEFAULT 7 CHECK (ceiling BETWEEN 0 AND 7);
-- The first of a row of tokens of which each was exchanged for the next.
ALTER TABLE tokens ADD COLUMN family INTEGER;
UPDATE tokens SET owner = 'project', review = 1 WHERE project IS NOT NULL AND tied = 0;
DROP INDEX tokens_whole;
CREATE INDEX tokens_whole ON tokens (
    project, id, user, tied, permissions, device, refreshable, created, expires, revoked, name, owner, review, family,
    ceiling
);
CREATE INDEX tokens_by_family ON tokens (family, id);

-- active, disabled (may be enabled again), or deleted (the number stays, as a pseudonym).
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted'));
DROP INDEX users_whole;
CREATE INDEX users_whole ON users (
    email, username, password, first_name, last_name, company_name, url, email_verified, operator, created, state
);

-- Keys sent by mail to change an address (to the new one) or to take the change back (to the old one).
CREATE TABLE email_changes (
    hash    BLOB    PRIMARY KEY,
    purpose TEXT    NOT NULL CHECK (purpose IN ('confirm', 'revert')),
    user    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email   TEXT    NOT NULL,                        -- the address that the key brings about
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX email_changes_whole ON email_changes (user, purpose, email, created, expires);

-- From where an account was used: an address, or an IPv6 network.
CREATE TABLE known_addresses (
    user    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT    NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (user, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_addresses_whole ON known_addresses (user, last, address);
