-- +goose Up
-- SQLite only: the server of PostgreSQL watches over its write-ahead log itself.
SELECT 1;

-- +goose Down
SELECT 1;
