-- +goose Up
-- When pings could reach us: a row is a time without a gap of more than half a minute.
CREATE TABLE presence (
    id        integer PRIMARY KEY,
    began_at  integer NOT NULL,
    seen_at   integer NOT NULL
) STRICT;

-- +goose Down
DROP TABLE presence;
