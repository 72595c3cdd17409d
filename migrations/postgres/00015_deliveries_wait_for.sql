-- +goose Up
-- What did not work when a delivery was last tried: a destination of a kind ("webhook hooks.example.org:443"), or a kind
-- as a whole ("email", while our own mail server is away). Once it works again, all that waits for it is due at once.
ALTER TABLE deliveries ADD COLUMN waits_for text NOT NULL DEFAULT '';
CREATE INDEX deliveries_waits_for ON deliveries (waits_for) WHERE status = 'pending' AND waits_for <> '';

-- +goose Down
DROP INDEX deliveries_waits_for;
ALTER TABLE deliveries DROP COLUMN waits_for;
