-- The same as postgres/00016_channel_digests.sql.
-- +goose Up
-- Until when no other message that tells of several deliveries goes out through a channel.
ALTER TABLE channels ADD COLUMN digest_until integer;

-- +goose Down
ALTER TABLE channels DROP COLUMN digest_until;
