-- +goose Up
-- Accounts that an operator made are never pruned. Of those that are there it is known by what nobody can do who has not
-- logged in, and by a first project that has had another name from the start.
ALTER TABLE users ADD COLUMN by_operator boolean NOT NULL DEFAULT false;
UPDATE users SET by_operator = true WHERE is_superuser
    OR last_login_at IS NULL AND EXISTS (SELECT 1 FROM account_tokens t WHERE t.user_id = users.id)
    OR last_login_at IS NULL AND EXISTS (SELECT 1 FROM projects p WHERE p.owner_id = users.id
        AND (p.api_key <> '' OR p.api_key_readonly <> '' OR p.ping_key IS NOT NULL))
    OR EXISTS (SELECT 1 FROM projects p WHERE p.owner_id = users.id AND p.created_at = users.created_at AND p.name <> 'My project');

-- Whose account the mail is about, so that it goes with the account; null: nobody's, or made before this version.
ALTER TABLE emails ADD COLUMN account_id uuid;
CREATE INDEX emails_account ON emails (account_id) WHERE account_id IS NOT NULL;

-- The warning that an account gets before it is pruned.
CREATE TABLE removal_notices (
    user_id     uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    message_id  text NOT NULL UNIQUE,               -- of the newest warning in emails
    recipient   text NOT NULL,
    warnings    integer NOT NULL DEFAULT 1,         -- mailed so far
    created_at  timestamptz NOT NULL                -- of the newest
);

-- +goose Down
DROP TABLE removal_notices;
DROP INDEX emails_account;
ALTER TABLE emails DROP COLUMN account_id;
ALTER TABLE users DROP COLUMN by_operator;
