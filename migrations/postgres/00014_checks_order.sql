-- +goose Up
-- The order in which a project lists its checks. Without it SQLite has all of them,
-- with their descriptions, in memory at once to sort them.
CREATE INDEX checks_project_created ON checks (project_id, created_at, id);

-- +goose Down
DROP INDEX checks_project_created;
