-- The same as postgres/00005_walls.sql.
-- +goose Up
CREATE TABLE walls (
    id            text NOT NULL PRIMARY KEY,
    user_id       text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          text NOT NULL,
    created_at    integer NOT NULL,
    last_shown_at integer                           -- to the minute
) STRICT;
CREATE INDEX walls_user ON walls (user_id);

CREATE TABLE wall_projects (
    wall_id     text NOT NULL REFERENCES walls (id) ON DELETE CASCADE,
    project_id  text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    PRIMARY KEY (wall_id, project_id)
) STRICT;
CREATE INDEX wall_projects_project ON wall_projects (project_id);

-- +goose Down
DROP TABLE wall_projects;
DROP TABLE walls;
