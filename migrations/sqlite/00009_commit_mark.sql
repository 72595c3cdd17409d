-- +goose Up
-- Each commit counts itself here and, once it is on disk, in a file beside the database: a database that counts less
-- than the file has lost its write-ahead log. The id tells which database the file belongs to.
CREATE TABLE commit_mark (
    one  integer NOT NULL PRIMARY KEY CHECK (one = 1),
    id   text NOT NULL,
    n    integer NOT NULL
) STRICT;
INSERT INTO commit_mark (one, id, n) VALUES (1, lower(hex(randomblob(16))), 0);

-- +goose Down
DROP TABLE commit_mark;
