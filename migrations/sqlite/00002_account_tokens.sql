-- The same as postgres/00002_account_tokens.sql.
-- +goose Up
CREATE TABLE account_tokens (
    id            text NOT NULL PRIMARY KEY,
    user_id       text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    token_hash    text NOT NULL UNIQUE,             -- the stored form of a key: hint.hmac
    readonly      integer NOT NULL DEFAULT 0,
    created_at    integer NOT NULL,
    last_used_at  integer                           -- to the minute
) STRICT;
CREATE INDEX account_tokens_user ON account_tokens (user_id);

-- +goose Down
DROP TABLE account_tokens;
