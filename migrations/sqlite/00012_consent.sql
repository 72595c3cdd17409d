-- The same as postgres/00012_consent.sql.
-- +goose Up
-- Since when the address of an e-mail channel wants nothing through it any more;
-- null while it has not unsubscribed. Nobody but the address ends that.
ALTER TABLE channels ADD COLUMN unsubscribed_at integer;

-- Which addresses have unsubscribed from which projects. It outlives channel and
-- project: whoever enters the address anew has to ask it first.
CREATE TABLE refusals (
    address     text NOT NULL,                      -- lower-case
    project_id  text NOT NULL,
    refused_at  integer NOT NULL,
    PRIMARY KEY (address, project_id)
) STRICT;

UPDATE channels SET unsubscribed_at = coalesce(disabled_at, created_at), verified = 0
    WHERE kind = 'email' AND disabled = 1 AND last_error = 'The recipient has unsubscribed.';
INSERT INTO refusals (address, project_id, refused_at)
    SELECT lower(json_extract(config, '$.address')), project_id, max(unsubscribed_at) FROM channels
    WHERE unsubscribed_at IS NOT NULL AND json_valid(config) AND json_extract(config, '$.address') <> '' GROUP BY 1, 2;

-- Invitations to projects that nobody has answered yet.
CREATE TABLE invitations (
    id          text NOT NULL PRIMARY KEY,
    project_id  text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    email       text NOT NULL,                      -- lower-case; it may have an account or not
    role        text NOT NULL,                      -- r, w, m
    invited_by  text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash  blob NOT NULL,                      -- of the mailed link
    created_at  integer NOT NULL,
    expires_at  integer NOT NULL,
    UNIQUE (project_id, email)
) STRICT;
CREATE INDEX invitations_email ON invitations (email);
CREATE INDEX invitations_by ON invitations (invited_by);

-- What is so of the whole instance, by name.
CREATE TABLE instance (
    name   text NOT NULL PRIMARY KEY,
    value  text NOT NULL
) STRICT;

-- +goose Down
DROP TABLE instance;
DROP TABLE invitations;
DROP TABLE refusals;
ALTER TABLE channels DROP COLUMN unsubscribed_at;
