-- +goose Up
-- The second step of logging in: when it was set up and last used, which key is which, codes for when all else is lost.
-- users.totp_secret is sealed with the secret key; users.totp_step is the last one that was accepted.
ALTER TABLE users ADD COLUMN totp_created_at timestamptz;
ALTER TABLE users ADD COLUMN totp_used_at timestamptz;

-- No version before has stored any.
DROP TABLE credentials;
CREATE TABLE credentials (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    key_id        bytea NOT NULL UNIQUE,              -- what WebAuthn calls the key
    data          bytea NOT NULL,                     -- its record, JSON
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);
CREATE INDEX credentials_user ON credentials (user_id);

CREATE TABLE recovery_codes (
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash   bytea NOT NULL,                     -- keyed; a code that was used is gone
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- +goose Down
DROP TABLE recovery_codes;
DROP TABLE credentials;
CREATE TABLE credentials (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        text NOT NULL,
    data        bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX credentials_user ON credentials (user_id);
ALTER TABLE users DROP COLUMN totp_used_at;
ALTER TABLE users DROP COLUMN totp_created_at;
