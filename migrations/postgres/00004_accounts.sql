-- +goose Up
-- How the user wants dates written: '' = the day in words, iso, dots, us.
ALTER TABLE users ADD COLUMN date_format text NOT NULL DEFAULT '';

-- A change of address under way: it happens when both addresses have agreed.
CREATE TABLE email_changes (
    user_id     uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    id          uuid NOT NULL,                      -- in the mailed links: a newer change makes them void
    email       text NOT NULL,                      -- the new address, lower-case
    old_agreed  boolean NOT NULL DEFAULT false,
    new_agreed  boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

-- +goose Down
DROP TABLE email_changes;
ALTER TABLE users DROP COLUMN date_format;
