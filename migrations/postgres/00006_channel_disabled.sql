-- +goose Up
-- Since when nothing is sent through a channel; null while it is not disabled.
ALTER TABLE channels ADD COLUMN disabled_at timestamptz;
UPDATE channels SET disabled_at = last_notify_at WHERE disabled;

-- +goose Down
ALTER TABLE channels DROP COLUMN disabled_at;
