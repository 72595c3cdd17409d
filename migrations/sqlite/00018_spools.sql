-- The same as postgres/00018_spools.sql.
-- +goose Up
-- Processes that take pings keep them on their disk while the database takes none. How far each such spool is recorded here
-- moves with the pings, in one transaction, so that none is recorded twice.
CREATE TABLE spools (
    id           text PRIMARY KEY,
    host         text NOT NULL,
    replayed_to  integer NOT NULL,
    replayed_at  integer NOT NULL
) STRICT, WITHOUT ROWID;
-- of this taker; null: it has none, and what it could not record is lost
ALTER TABLE takers ADD COLUMN spool text;

-- When a person has paused, resumed or cleared the check last: no earlier ping changes it.
ALTER TABLE checks ADD COLUMN acted_at integer;

-- Checks whose addresses are new, have changed or are gone: those who take pings follow it, to know the addresses while the
-- database is away.
CREATE TABLE address_changes (
    id          integer PRIMARY KEY,
    code        text NOT NULL,
    changed_at  integer NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS integer))
) STRICT;
CREATE INDEX address_changes_time ON address_changes (changed_at);

-- +goose StatementBegin
CREATE TRIGGER check_address_new AFTER INSERT ON checks BEGIN
    INSERT INTO address_changes (code) VALUES (NEW.code);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER check_address_changed AFTER UPDATE OF code, slug, project_id ON checks BEGIN
    INSERT INTO address_changes (code) VALUES (NEW.code);
    INSERT INTO address_changes (code) SELECT OLD.code WHERE OLD.code <> NEW.code;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER check_address_gone AFTER DELETE ON checks BEGIN
    INSERT INTO address_changes (code) VALUES (OLD.code);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER project_addresses_changed AFTER UPDATE OF ping_key ON projects WHEN NEW.ping_key IS NOT OLD.ping_key BEGIN
    INSERT INTO address_changes (code) SELECT code FROM checks WHERE project_id = NEW.id AND slug <> '';
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER project_addresses_changed;
DROP TRIGGER check_address_gone;
DROP TRIGGER check_address_changed;
DROP TRIGGER check_address_new;
DROP TABLE address_changes;
ALTER TABLE checks DROP COLUMN acted_at;
ALTER TABLE takers DROP COLUMN spool;
DROP TABLE spools;
