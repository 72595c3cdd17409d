-- +goose Up
-- Since when the address of an e-mail channel wants nothing through it any more;
-- null while it has not unsubscribed. Nobody but the address ends that.
ALTER TABLE channels ADD COLUMN unsubscribed_at timestamptz;

-- Which addresses have unsubscribed from which projects. It outlives channel and
-- project: whoever enters the address anew has to ask it first.
CREATE TABLE refusals (
    address     text NOT NULL,                      -- lower-case
    project_id  uuid NOT NULL,
    refused_at  timestamptz NOT NULL,
    PRIMARY KEY (address, project_id)
);

UPDATE channels SET unsubscribed_at = coalesce(disabled_at, created_at), verified = false
    WHERE kind = 'email' AND disabled AND last_error = 'The recipient has unsubscribed.';
INSERT INTO refusals (address, project_id, refused_at)
    SELECT lower(replace(replace(replace(substring(config FROM '"address": *"([^"]+)"'), '\u0026', '&'), '\u003c', '<'), '\u003e', '>')),
        project_id, max(unsubscribed_at) FROM channels
    WHERE unsubscribed_at IS NOT NULL AND config ~ '"address": *"[^"]+"' GROUP BY 1, 2;

-- Invitations to projects that nobody has answered yet.
CREATE TABLE invitations (
    id          uuid PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    email       text NOT NULL,                      -- lower-case; it may have an account or not
    role        text NOT NULL,                      -- r, w, m
    invited_by  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash  bytea NOT NULL,                     -- of the mailed link
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    UNIQUE (project_id, email)
);
CREATE INDEX invitations_email ON invitations (email);
CREATE INDEX invitations_by ON invitations (invited_by);

-- What is so of the whole instance, by name.
CREATE TABLE instance (
    name   text PRIMARY KEY,
    value  text NOT NULL
);

-- +goose Down
DROP TABLE instance;
DROP TABLE invitations;
DROP TABLE refusals;
ALTER TABLE channels DROP COLUMN unsubscribed_at;
