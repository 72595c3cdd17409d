-- The same as postgres/00008_two_factor.sql.
-- +goose Up
-- The second step of logging in: when it was set up and last used, which key is which, codes for when all else is lost.
-- users.totp_secret is sealed with the secret key; users.totp_step is the last one that was accepted.
ALTER TABLE users ADD COLUMN totp_created_at integer;
ALTER TABLE users ADD COLUMN totp_used_at integer;

-- No version before has stored any.
DROP TABLE credentials;
CREATE TABLE credentials (
    id            text NOT NULL PRIMARY KEY,
    user_id       text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    key_id        blob NOT NULL UNIQUE,              -- what WebAuthn calls the key
    data          blob NOT NULL,                     -- its record, JSON
    created_at    integer NOT NULL,
    last_used_at  integer
) STRICT;
CREATE INDEX credentials_user ON credentials (user_id);

CREATE TABLE recovery_codes (
    user_id     text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash   blob NOT NULL,                      -- keyed; a code that was used is gone
    created_at  integer NOT NULL,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

-- +goose Down
DROP TABLE recovery_codes;
DROP TABLE credentials;
CREATE TABLE credentials (
    id          text NOT NULL PRIMARY KEY,
    user_id     text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        text NOT NULL,
    data        blob NOT NULL,
    created_at  integer NOT NULL
) STRICT;
CREATE INDEX credentials_user ON credentials (user_id);
ALTER TABLE users DROP COLUMN totp_used_at;
ALTER TABLE users DROP COLUMN totp_created_at;
