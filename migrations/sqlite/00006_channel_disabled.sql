-- The same as postgres/00006_channel_disabled.sql.
-- +goose Up
-- Since when nothing is sent through a channel; null while it is not disabled.
ALTER TABLE channels ADD COLUMN disabled_at integer;
UPDATE channels SET disabled_at = last_notify_at WHERE disabled = 1;

-- +goose Down
ALTER TABLE channels DROP COLUMN disabled_at;
