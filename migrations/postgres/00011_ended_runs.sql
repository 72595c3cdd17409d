-- +goose Up
-- The run ids that ended last, so that a start which the network has delayed or
-- repeated is known to be late.
ALTER TABLE checks ADD COLUMN ended_runs text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE checks DROP COLUMN ended_runs;
