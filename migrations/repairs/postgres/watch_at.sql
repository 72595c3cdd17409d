-- mends: column checks.watch_at is missing
-- The first version that could run made checks without this column, and counted
-- that as version 1. Without it no deadline is ever looked at.
ALTER TABLE checks ADD COLUMN watch_at timestamptz;
UPDATE checks SET watch_at = alert_at WHERE status <> 'down';
DROP INDEX IF EXISTS checks_alert;
CREATE INDEX checks_watch ON checks (watch_at) WHERE watch_at IS NOT NULL;
