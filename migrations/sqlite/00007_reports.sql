-- The same as postgres/00007_reports.sql.
-- +goose Up
-- Who is to be mailed a report or a nag is found without reading all users. A report without a date is yet to be planned.
CREATE INDEX users_report ON users (next_report_at) WHERE reports <> 'off';
CREATE INDEX users_nag ON users (next_nag_at) WHERE nag_seconds > 0;

-- +goose Down
DROP INDEX users_nag;
DROP INDEX users_report;
