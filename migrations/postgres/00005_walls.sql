-- +goose Up
-- Screens that show projects to whoever has the address.
CREATE TABLE walls (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    created_at    timestamptz NOT NULL,
    last_shown_at timestamptz                       -- to the minute
);
CREATE INDEX walls_user ON walls (user_id);

CREATE TABLE wall_projects (
    wall_id     uuid NOT NULL REFERENCES walls (id) ON DELETE CASCADE,
    project_id  uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (wall_id, project_id)
);
CREATE INDEX wall_projects_project ON wall_projects (project_id);

-- +goose Down
DROP TABLE wall_projects;
DROP TABLE walls;
