-- The same as postgres/00013_session_superuser.sql.
-- +goose Up
-- The superuser who acts in the user's name in this session; it ends with the superuser's own sessions.
ALTER TABLE sessions ADD COLUMN superuser_id text REFERENCES users (id) ON DELETE CASCADE;
CREATE INDEX sessions_superuser ON sessions (superuser_id) WHERE superuser_id IS NOT NULL;

-- +goose Down
DROP INDEX sessions_superuser;
ALTER TABLE sessions DROP COLUMN superuser_id;
