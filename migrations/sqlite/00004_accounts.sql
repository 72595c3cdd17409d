-- The same as postgres/00004_accounts.sql.
-- +goose Up
-- How the user wants dates written: '' = the day in words, iso, dots, us.
ALTER TABLE users ADD COLUMN date_format text NOT NULL DEFAULT '';

-- A change of address under way: it happens when both addresses have agreed.
CREATE TABLE email_changes (
    user_id     text NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    id          text NOT NULL,                      -- in the mailed links: a newer change makes them void
    email       text NOT NULL,                      -- the new address, lower-case
    old_agreed  integer NOT NULL DEFAULT 0,
    new_agreed  integer NOT NULL DEFAULT 0,
    created_at  integer NOT NULL,
    expires_at  integer NOT NULL
) STRICT;

-- +goose Down
DROP TABLE email_changes;
ALTER TABLE users DROP COLUMN date_format;
